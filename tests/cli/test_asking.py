"""What is printed while a run asks."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dsforge.augment.ask import Usage
from dsforge.augment.expect import expected_answers
from dsforge.augment.wish import Wish
from dsforge.cli.asking import progress_line, span
from dsforge.cli.spending import money


def test_the_line_tells_rows_tokens_money_and_time_left() -> None:
    usage = Usage(
        answered=100, from_journal=50, wanted=400, prompt_tokens=9000, completion_tokens=1000, spent=Decimal("0.0125"),
        currency="USD",
    )  # fmt: skip
    assert progress_line(usage, 60) == (
        "60 s: 150 of 400 answers, 50 of them from the journal, 10,000 tokens, 0.0125 USD spent, about 2 min left"
    )


def test_what_is_not_known_is_left_out() -> None:
    usage = Usage(answered=1, retries=2, last_trouble="503: busy")
    assert progress_line(usage, 20) == (
        "20 s: 1 answers, 0 of them from the journal, 0 tokens, 2 retries (last: 503: busy)"
    )


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (99, "99 s"), (120, "2 min"), (7200, "2.0 h")])
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0.00 X"), ("5", "5.00 X"), ("1234.5", "1,234.50 X"), ("0.000013", "0.000013 X"), ("0.0125", "0.0125 X")],
)
def test_money(amount: str, text: str) -> None:
    assert money(Decimal(amount), "X") == text


def test_how_many_answers_a_file_will_need(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    path.write_text("{}\n" * 7)
    assert expected_answers(str(path), Wish("m", "x", per_row=2)) == 14
    assert expected_answers(str(path), Wish("m", "x", per_row=2, rows=5)) == 5
    assert expected_answers("-", Wish("m", "x")) == 0
