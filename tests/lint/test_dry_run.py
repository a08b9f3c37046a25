"""What a trainer makes of each row follows from the findings and the effects of its profile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsforge.errors import ConfigError
from dsforge.finding import Finding, Severity
from dsforge.lint.dry_run import DryRun, dry_run, effect_of
from dsforge.lint.facts import Settings
from dsforge.lint.run import lint
from dsforge.lint.target import for_target
from dsforge.targets.load import load_target
from dsforge.targets.profile import Target

HEAD = """
name: mine
title: Mine
source: https://example.org/docs
as_of: 2026-01-02
kind: local
formats: [chatml]
trains: [sft]
other_models: true
"""
HI = {"role": "user", "content": "Hi"}
HELLO = {"role": "assistant", "content": "Hello!"}


def _mine(folder: Path, more: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(HEAD + more, encoding="utf-8")
    return str(path)


def _found(code: str, severity: Severity = "error", pointer: str = "") -> Finding:
    return Finding(code, "name", severity, "it is so", "rows.jsonl", 1, 1, 1, pointer, "")


def _run(folder: Path, target: str, *rows: object) -> DryRun:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return dry_run(lint([path], settings=for_target(Settings(), target)), load_target(target))


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return load_target(_mine(tmp_path, "effects: {T: kept, T203: dropped, S105/output: changed, S105: stops}\n"))


@pytest.mark.parametrize(
    ("finding", "effect"),
    [
        (_found("T203", "warning"), "dropped"),
        (_found("T201"), "kept"),
        (_found("S105", pointer="/output"), "changed"),
        (_found("S105", pointer="/output/3/text"), "changed"),
        (_found("S105", pointer="/outputs"), "stops"),
        (_found("S103"), "stops"),
        (_found("S104", "warning"), "kept"),
        (_found("P601"), "kept"),
        (_found("D704"), "kept"),
        (_found("B410"), "kept"),
        (_found("Q503"), "kept"),
    ],
    ids=lambda value: f"{value.code}{value.pointer}" if isinstance(value, Finding) else value,
)
def test_an_effect_is_said_by_place_by_code_or_by_family(target: Target, finding: Finding, effect: str) -> None:
    assert effect_of(finding, target) == effect


@pytest.mark.parametrize("key", ["T2", "t203", "S105/", "S105output", "T203: x"])
def test_an_effect_is_of_a_rule(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=r"effects"):
        load_target(_mine(tmp_path, f"effects: {{'{key}': kept}}\n"))


def test_the_worst_is_what_happens(tmp_path: Path) -> None:
    target = _mine(tmp_path, "effects: {T: kept, T203: changed, T202: dropped}\n")
    rows = [{"messages": [HI, HI, HELLO]}, {"messages": [HI, HI, HELLO, HI]}, {"messages": [HI, HELLO]}]
    run = _run(tmp_path, target, *rows)
    assert [(outcome.row, outcome.effect, outcome.code) for outcome in run.outcomes] == [
        (1, "changed", "T203"), (2, "dropped", "T202")
    ]  # fmt: skip
    assert run.counts == {"kept": 1, "changed": 1, "cut": 0, "untrained": 0, "dropped": 1, "stops": 0}
    assert run.verdict == "Mine would learn from 2 of 3 rows"


def test_what_is_true_of_the_dataset_is_counted_for_no_row(tmp_path: Path) -> None:
    run = _run(tmp_path, _mine(tmp_path, "min_rows: 5\neffects: {X802: changed}\n"), {"messages": [HI, HELLO]})
    assert [(outcome.row, outcome.effect) for outcome in run.outcomes] == [(0, "changed")]
    assert run.counts["kept"] == run.rows == 1


def test_one_row_ends_the_run(tmp_path: Path) -> None:
    bad = {"messages": [HI, {"role": "narrator", "content": "Hello!"}]}
    run = _run(tmp_path, _mine(tmp_path, ""), {"messages": [HI, HELLO]}, bad)
    assert run.verdict.startswith("Mine would train nothing before this is mended: /messages/1/role")
    assert (run.counts["stops"], run.counts["kept"]) == (1, 1)
