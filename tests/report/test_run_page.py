"""The pages about runs: what stands on them, that hostile text does nothing there, and that they stay small."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from dsforge.report.document import MAX_BYTES
from dsforge.report.run_page import run_page, runs_page
from dsforge.report.run_plots import curves, parallel
from dsforge.report.run_report import Answered, Axis, Chart, Curve
from tests.report.parsed import assert_inert
from tests.report.run_pages import hostile_run_page, hostile_runs_page, run_report, runs_report


def test_everything_of_a_run_is_told() -> None:
    page = run_page(run_report())
    text = assert_inert(page).text()
    for told in ("0.5000", "J001", "the key has no quotes", "better", "Here!", "62 62", "dsforge chat runs/first",
                 "trl.learning_rate", "not merged: no room", "abababababababab"):  # fmt: skip
        assert told in text
    assert "training: 4 to 0.5; validation: 2.5 to 1" in text
    assert assert_inert(page).text("h3").count("before") == 1  # the second row was not asked before


@pytest.mark.parametrize("page", [hostile_run_page, hostile_runs_page])
def test_hostile_text_does_nothing(page: object) -> None:
    assert callable(page)
    assert_inert(page())


def test_pages_stay_small_however_much_there_is_to_tell() -> None:
    long = replace(run_report(), answered=[Answered(1, "问" * 9000, "<" * 9000, "&" * 9000, "'" * 9000)] * 50)
    page = run_page(long)
    assert len(page.encode()) <= MAX_BYTES
    assert "more characters" in page
    many = runs_report(2000)
    page = runs_page(replace(many, lines=[["x" * 100] * 12] * 2000, heads=["head"] * 12))
    assert len(page.encode()) <= MAX_BYTES
    assert "more" in assert_inert(page).text()


def test_a_curve_leaves_out_what_is_no_number() -> None:
    drawn = curves("c", Chart("Loss", "nats", [Curve("a", [(1, 4.0), (2, math.nan), (3, math.inf), (4, 2.0)])]))
    assert 'd="M46 22L330 160"' in drawn
    assert "nothing to draw" in curves("c", Chart("Loss", "nats", [Curve("a", [(1, math.nan)])]))


def test_an_axis_is_logarithmic_where_values_span_a_hundredfold() -> None:
    rates = Axis("learning_rate", [1e-4, 1e-3, 1e-2])
    drawn = parallel("p", "Sweep", ["a", "b", "c"], [rates, Axis("loss", [1.0, 2.0, 3.0])], [0.0, 0.5, 1.0])
    assert drawn.count("L285 ") == 3
    assert "M55 110L" in drawn  # the middle one
    assert 'class="run rank-0"' in drawn
    assert 'class="run rank-4"' in drawn


def test_a_run_without_a_value_has_a_gap() -> None:
    axes = [Axis("a", [1.0, 2.0]), Axis("b", [None, 1.0]), Axis("c", ["x", "y"]), Axis("d", [True, None])]
    drawn = parallel("p", "Sweep", ["one", "two"], axes, [None, 0.0])
    assert drawn.count('class="run rank-unknown"') == 2
    assert drawn.count('class="run rank-0"') == 1
