"""Rows that ask the same and contradict one another are told, and taken out only where that is asked for."""

from pathlib import Path

import pytest

from dsforge.dedup.result import DedupResult
from tests.dedup.rows import Row, alpaca, pair, run

GOOD, BAD = "a long and helpful answer to the question", "a short refusal that helps nobody at all"


def kto(prompt: str, answer: str, label: bool) -> Row:
    return {"prompt": prompt, "completion": answer, "label": label}


def told(result: DedupResult) -> list[tuple[str, list[int]]]:
    return [(found.kind, [place.row for place in found.rows]) for found in result.contradictions]


SWAPPED = [pair("q", GOOD, BAD), pair("p", GOOD, BAD), pair("Q", BAD, GOOD.upper()), pair("q", GOOD, "other")]
LABELS = [kto("q", "a", True), kto("q", "b", False), kto("q", "A", False), kto("q", "b", False)]
ANSWERS = [alpaca("q", "one"), alpaca("q", "two"), alpaca("p", "one"), alpaca("Q ", "three"), alpaca("q", "two")]


@pytest.mark.parametrize(
    ("rows", "found", "left"),
    [
        (SWAPPED, [("swapped", [1, 3])], [2, 4]),
        (LABELS, [("labels", [1, 3])], [2]),
        (ANSWERS, [("answers", [1, 2, 4])], [1, 3]),
    ],
)
def test_each_kind_is_told_and_removed_where_asked(
    tmp_path: Path, rows: list[Row], found: list[tuple[str, list[int]]], left: list[int]
) -> None:
    result, kept = run(rows, tmp_path)
    assert told(result) == found
    assert result.contradictory == 0
    assert len(kept) == len(rows) - result.exact_duplicates
    result, kept = run(rows, tmp_path, drop_contradictions=True)
    assert told(result) == found
    assert kept == [rows[number - 1] for number in left]
    assert result.contradictory == sum(each.dropped for each in result.contradictions)
    assert result.rows_in == result.rows_out + result.exact_duplicates + result.contradictory


@pytest.mark.parametrize(
    "rows",
    [
        [pair("q", GOOD, BAD), pair("p", BAD, GOOD)],
        [pair("q", GOOD, BAD), pair("q", BAD, "another")],
        [pair("q", GOOD, GOOD), pair("q", BAD, BAD)],
        [kto("q", "a", True), kto("q", "b", True)],
        [alpaca("q", "one", system="be brief"), alpaca("q", "two", system="be long")],
        [alpaca("", "one"), alpaca("", "two")],
        [alpaca("q", "one"), alpaca("p", "two")],
    ],
)
def test_what_does_not_contradict(tmp_path: Path, rows: list[Row]) -> None:
    result, kept = run(rows, tmp_path, drop_contradictions=True)
    assert told(result) == []
    assert kept == rows


def test_of_several_answers_the_preferred_one_stays(tmp_path: Path) -> None:
    rows = [alpaca("q", text, score=score) for text, score in (("one", 1), ("two", 3), ("three", 2))]
    assert run(rows, tmp_path, drop_contradictions=True, keep="best:score")[1] == [rows[1]]


def test_what_is_compared_does_not_change_what_contradicts(tmp_path: Path) -> None:
    result, _ = run(ANSWERS, tmp_path, on="completion")
    assert told(result) == [("answers", [1, 2, 4])]
    result, _ = run([alpaca("q!", "one"), alpaca("q", "two")], tmp_path, normalise=("punctuation",))
    assert told(result) == [("answers", [1, 2])]
