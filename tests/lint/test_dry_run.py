"""What a trainer makes of each row follows from the findings and the effects of its profile."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dsforge.errors import ConfigError
from dsforge.finding import Finding, Severity
from dsforge.lint.dry_run import DryRun, TrainedTokens, dry_run, effect_of, tokens_cut_off
from dsforge.lint.facts import Settings
from dsforge.lint.run import lint
from dsforge.lint.target import for_target
from dsforge.targets.load import load_target
from dsforge.targets.profile import Target
from tests.cli.run import dsforge

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


def _found(code: str, severity: Severity = "error", pointer: str = "", message: str = "it is so") -> Finding:
    return Finding(code, "name", severity, message, "rows.jsonl", 1, 1, 1, pointer, "")


def _run(folder: Path, target: str, *rows: object) -> DryRun:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return dry_run(lint([path], settings=for_target(Settings(), target)), load_target(target))


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return load_target(_mine(tmp_path, "effects: {T: kept, T203: dropped, S105/output: changed, S105: stops, "
                                 "S105/output is null: untrained, S: dropped}\n"))  # fmt: skip


@pytest.mark.parametrize(
    ("finding", "effect"),
    [
        (_found("T203", "warning"), "dropped"),
        (_found("T201"), "kept"),
        (_found("S105", pointer="/output"), "changed"),
        (_found("S105", pointer="/output/3/text"), "changed"),
        (_found("S105", pointer="/outputs"), "stops"),
        (_found("S105", pointer="/output", message="/output is null; text is expected"), "untrained"),
        (_found("S105", pointer="/output", message="/output is a number; text is expected"), "changed"),
        (_found("S103"), "dropped"),
        (_found("S111", "warning"), "kept"),
        (_found("J001"), "stops"),
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


def test_what_is_true_of_the_dataset_is_true_of_every_row(tmp_path: Path) -> None:
    run = _run(tmp_path, _mine(tmp_path, "min_rows: 5\n"), {"messages": [HI, HELLO]}, {"nothing": 1})
    assert [(outcome.row, outcome.rows, outcome.code) for outcome in run.outcomes] == [(0, 2, "X802"), (2, 1, "S101")]
    assert run.told(run.outcomes[0]) == "all 2 rows stop"
    assert run.counts["stops"] == run.rows == 2


ALPACA = {"instruction": "Say hello", "output": "Hello"}


def test_what_is_told_once_of_a_format_counts_each_row_once(tmp_path: Path) -> None:
    rows = [{"messages": [HI, HI, HELLO]}, ALPACA, {"prompt": "Hi", "completion": "Hello!"}, ALPACA]
    effects = "effects: {T: kept, T203: changed, S102: kept, X801: dropped}\nseverities: {T203: warning}\n"
    run = _run(tmp_path, _mine(tmp_path, effects), *rows)
    assert [(outcome.row, outcome.rows, outcome.code, run.told(outcome)) for outcome in run.outcomes] == [
        (2, 2, "X801", "row 2 and 1 more dropped"),
        (3, 1, "X801", "row 3 dropped"),
        (1, 1, "T203", "row 1 changed"),
    ]
    assert (run.counts["dropped"], run.counts["changed"], run.counts["kept"]) == (3, 1, 0)
    assert run.verdict == "Mine would learn from 1 of 4 rows"


def test_what_is_worse_for_all_hides_what_is_less_bad(tmp_path: Path) -> None:
    target = _mine(tmp_path, "effects: {T203: changed}\n")
    Path(target).write_text(Path(target).read_text().replace("[chatml]", "[text]"))
    run = _run(tmp_path, target, *[{"messages": [HI, HI, HELLO]}] * 3)
    assert [(outcome.code, outcome.rows) for outcome in run.outcomes] == [("X801", 3)]
    assert run.told(run.outcomes[0]) == "all 3 rows stop"
    assert run.counts["stops"] == 3
    assert run.verdict == (
        "Mine would train nothing before this is mended: 3 of 3 rows are chatml; Mine takes text (X801)"
    )


def test_a_file_that_is_not_taken_stops_all_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"messages": [HI, HELLO]}] * 3, indent=1))
    (tmp_path / "b.jsonl").write_text(json.dumps({"messages": [HI, HELLO]}) + "\n")
    target = _mine(tmp_path, "file: {kinds: [jsonl]}\n")
    result = lint([tmp_path / "a.json", tmp_path / "b.jsonl"], settings=for_target(Settings(), target))
    run = dry_run(result, load_target(target))
    assert (run.counts["stops"], run.counts["kept"]) == (3, 1)


def test_a_row_that_asks_to_be_spared_spares_no_other(tmp_path: Path) -> None:
    spared = {**ALPACA, "_dsforge": {"ignore": ["X801", "S102"]}}
    run = _run(tmp_path, _mine(tmp_path, ""), spared, {"messages": [HI, HELLO]}, ALPACA, ALPACA)
    assert [(outcome.code, outcome.row, outcome.rows) for outcome in run.outcomes] == [("S102", 3, 2), ("X801", 3, 2)]
    assert (run.counts["stops"], run.counts["kept"]) == (2, 2)


def test_a_row_that_is_not_read_is_not_said_to_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"messages": []\n{"unknown": 1}\n' + json.dumps({"messages": [HI, HELLO]}) + "\n")
    target = _mine(tmp_path, "")
    result = lint([path], select=["X"], settings=for_target(Settings(), target))
    run = dry_run(result, load_target(target))
    assert (run.unread, run.counts["kept"], run.counts["stops"]) == (2, 1, 0)


def test_what_comes_between_rows_is_true_of_the_file(tmp_path: Path) -> None:
    row = json.dumps({"messages": [HI, HELLO]})
    (tmp_path / "a.jsonl").write_text(f"{row}\n\n{row}\n{{\n")
    (tmp_path / "b.jsonl").write_text(f"{row}\n")
    target = _mine(tmp_path, "severities: {J007: error}\n")
    result = lint([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], settings=for_target(Settings(), target))
    run = dry_run(result, load_target(target))
    assert [(run.told(outcome), outcome.code) for outcome in run.outcomes] == [
        ("all 3 rows of the file stop", "J007"), ("row 3 stops", "J001")
    ]  # fmt: skip
    assert (run.counts["kept"], run.counts["stops"]) == (1, 3)
    less = dry_run(result, load_target(_mine(tmp_path, "effects: {J007: changed, J: dropped}\n")))
    assert [less.told(outcome) for outcome in less.outcomes] == ["line 2 changed", "row 3 dropped"]
    assert (less.counts["kept"], less.counts["dropped"]) == (3, 1)


def test_many_workers_count_the_same(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"messages": [HI, HELLO]}, ALPACA, {"messages": [HI, {"role": "narrator", "content": "x"}]}] * 300
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = for_target(Settings(), "trl")
    one, two = (dry_run(lint([path], settings=settings, workers=workers), load_target("trl"), 1024)
                for workers in (1, 2))  # fmt: skip
    assert one == two
    assert sum(one.counts.values()) == 900


# -- tokens -------------------------------------------------------------------------------------------


def _count(folder: Path, target: str, limit: int, *rows: object) -> DryRun:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = for_target(Settings(max_tokens=limit, tokenizer="approximate"), target)
    return dry_run(lint([path], settings=settings), load_target(target), settings.max_tokens)


def _said(words: int, *more: dict[str, str]) -> dict[str, object]:
    """A row with a question of one token (what a role costs is not counted) and an answer of so many."""
    return {"messages": [HI, {"role": "assistant", "content": " a" * words}, *more]}


CUTS = "over_limit: truncate\neffects: {T: kept, Q: kept}\n"


def test_trained_tokens_that_are_cut_off_are_counted(tmp_path: Path) -> None:
    run = _count(tmp_path, _mine(tmp_path, CUTS), 50, _said(20), _said(60), _said(51))
    assert [(outcome.row, outcome.effect, outcome.code) for outcome in run.outcomes] == [
        (2, "cut", "L301"), (3, "cut", "L301")
    ]  # fmt: skip
    assert run.tokens == TrainedTokens(129, 11, False, "approximate, +-10%")


def test_trained_tokens_of_rows_that_are_left_out_are_lost(tmp_path: Path) -> None:
    dropped = "over_limit: drop\neffects: {T: kept, T203: dropped}\n"
    twice = {"messages": [HI, HI, {"role": "assistant", "content": " a a a"}]}
    run = _count(tmp_path, _mine(tmp_path, dropped), 50, _said(20), _said(60), twice)
    assert run.tokens == TrainedTokens(82, 62, False, "approximate, +-10%")
    assert (run.counts["dropped"], run.counts["kept"]) == (2, 1)


def test_of_several_answers_the_most_that_is_lost_is_told(tmp_path: Path) -> None:
    run = _count(tmp_path, _mine(tmp_path, CUTS), 50, _said(60, HI, {"role": "assistant", "content": " a a"}))
    assert run.tokens == TrainedTokens(61, 13, True, "approximate, +-10%")


def test_where_the_run_ends_every_token_is_lost(tmp_path: Path) -> None:
    bad = {"messages": [HI, {"role": "narrator", "content": "Hello!"}]}
    run = _count(tmp_path, _mine(tmp_path, ""), 50, _said(20), bad)
    assert run.tokens == TrainedTokens(20, 20, False, "approximate, +-10%")


def test_without_a_limit_no_tokens_are_counted(tmp_path: Path) -> None:
    assert _run(tmp_path, _mine(tmp_path, ""), _said(20)).tokens is None


@pytest.mark.parametrize(
    ("prompt", "trained", "limit"),
    [(3000, 100, 2048), (100, 3000, 2048), (3000, 3000, 2048), (1500, 1100, 2048), (900, 1500, 2048), (1, 2047, 2047)],
)
def test_llamafactory_shares_the_limit_out(prompt: int, trained: int, limit: int) -> None:
    """As its infer_seqlen (0.9.5, data/processor/processor_utils.py) does."""
    if trained * 2 < limit:
        most = limit
    elif prompt * 2 < limit:
        most = limit - prompt
    else:
        most = int(limit * (trained / (prompt + trained)))
    left = min(most, trained)
    assert trained - tokens_cut_off(prompt, trained, limit, load_target("llamafactory")) == left
    assert tokens_cut_off(prompt, trained, limit, load_target("trl")) == min(prompt + trained - limit, trained)


def test_a_limit_of_a_hosted_platform_cuts_or_drops(tmp_path: Path) -> None:
    assert effect_of(_found("L301"), load_target("openai")) == "cut"
    assert effect_of(_found("L301"), load_target("bailian")) == "dropped"
    assert effect_of(_found("L301"), load_target("zhipu")) == "stops"


def test_one_row_ends_the_run(tmp_path: Path) -> None:
    bad = {"messages": [HI, {"role": "narrator", "content": "Hello!"}]}
    run = _run(tmp_path, _mine(tmp_path, ""), {"messages": [HI, HELLO]}, bad)
    assert run.verdict.startswith("Mine would train nothing before this is mended: /messages/1/role")
    assert (run.counts["stops"], run.counts["kept"]) == (1, 1)


def test_what_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (_said(60), _said(60), _said(20), {"nothing": 1})))
    target = _mine(tmp_path, "over_limit: truncate\neffects: {S101: dropped, Q: kept}\n")
    options = ("--target", target, "--max-tokens", 50, "--tokenizer", "approximate", "--dry-run")
    done = dsforge("lint", path, *options)
    assert re.sub(r", [\d.]+ s", "", done.stdout).split("\n")[4:] == [
        "       1  kept: trained as they stand",
        "       2  cut: cut off at the limit",
        "       1  dropped: left out, mostly without a word",
        "20 of 138 trained tokens lost (approximate, +-10%, of the text alone)",
        "Mine would learn from 3 of 4 rows",
        "",
    ]
    assert done.stdout.startswith(f"{path}:1 row 1 cut: 60 tokens")
    told = json.loads(dsforge("lint", path, *options, "--json").stdout)
    assert told["trained_tokens"] == {"total": 138, "lost": 20, "at_most": False, "tokenizer": "approximate, +-10%"}
    assert told["unread"] == 0
    assert [outcome["rows"] for outcome in told["outcomes"]] == [1, 1, 1]
    no_rows = dsforge("lint", path, *options, "--select", "X")
    assert "1  not readable: select S and J" in no_rows.stdout
