"""Rows that are empty, short, huge or all the same: every one is counted, and the time grows with their number."""

import json
import time
from pathlib import Path

import pytest

from dsforge.dedup.result import DedupResult
from dsforge.dedup.run import dedup
from tests.dedup.rows import Row, alpaca, read, run


def conserved(result: DedupResult) -> bool:
    removed = len(result.removed) + result.contradictory
    return result.rows_in == result.rows_out + removed + result.rows_rejected


def test_two_hundred_thousand_copies_take_no_long_time(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b'{"instruction":"the same","output":"for all"}\n' * 200_000)
    started = time.perf_counter()
    result = dedup([str(source)], tmp_path / "out.jsonl", clusters=tmp_path / "c.jsonl", show=1, keep="longest")
    assert time.perf_counter() - started < 60
    assert (result.rows_out, result.exact_duplicates, result.clusters) == (1, 199_999, 1)
    assert conserved(result)
    assert sum(1 for _ in (tmp_path / "c.jsonl").open()) == 200_000


def test_one_question_with_very_many_answers_takes_no_long_time(tmp_path: Path) -> None:
    """Bands of the question join all rows."""
    rows = [alpaca("one question that all rows ask", f"{number * 7919} {number}") for number in range(4_000)]
    started = time.perf_counter()
    result, _ = run(rows, tmp_path)
    assert time.perf_counter() - started < 60
    assert [len(found.rows) for found in result.contradictions] == [result.rows_out]
    assert conserved(result)


EMPTY: list[Row] = [alpaca("", ""), alpaca(" ", "\n"), alpaca("", "yes"), alpaca("", "no"), alpaca("hi", "")]
SHORT: list[Row] = [alpaca(word, "ok") for word in ("a", "b", "hi", "ho", "好", "你", "?", "!")]


@pytest.mark.parametrize("on", ["conversation", "prompt", "completion", "prompt,completion"])
@pytest.mark.parametrize("normalise", [("nfkc", "case", "space"), (), ("punctuation", "space")])
def test_empty_texts_and_single_words(tmp_path: Path, on: str, normalise: tuple[str, ...]) -> None:
    result, kept = run(EMPTY + SHORT + EMPTY, tmp_path, on=on, normalise=normalise)
    assert result.near_duplicates == 0
    assert conserved(result)
    assert result.rows_in == 18
    assert set(map(json.dumps, (alpaca("", "yes"), alpaca("", "no")))) <= set(map(json.dumps, kept))
    assert run(kept, tmp_path, on=on, normalise=normalise)[1] == kept


def test_rows_without_a_prompt_are_not_copies_of_one(tmp_path: Path) -> None:
    rows: list[Row] = [{"messages": [{"role": "assistant", "content": text}]} for text in ("one", "two", "one")]
    for on in ("prompt", "conversation", "pair", "prompt,system"):
        result, kept = run(rows, tmp_path, on=on)
        assert kept == rows[:2]
        assert result.exact_duplicates == 1
        assert result.contradictions == []


def test_rows_without_an_answer_are_not_copies_of_one(tmp_path: Path) -> None:
    rows: list[Row] = [{"messages": [{"role": "user", "content": text}]} for text in ("one", "two", "one")]
    assert run(rows, tmp_path, on="completion")[1] == rows[:2]


def test_a_row_of_fifty_megabytes(tmp_path: Path) -> None:
    text = " ".join(map(str, range(10_000_000, 15_600_000)))
    huge = json.dumps(alpaca("q", text)).encode()
    assert len(huge) > 50_000_000
    source = tmp_path / "in.jsonl"
    source.write_bytes(huge + b"\n" + b'{"instruction":"a","output":"b"}\n' + huge + b"\n")
    result = dedup([str(source)], tmp_path / "out.jsonl", show=1)
    assert (result.rows_in, result.rows_out, result.exact_duplicates) == (3, 2, 1)
    assert (tmp_path / "out.jsonl").read_bytes() == huge + b'\n{"instruction":"a","output":"b"}\n'
    assert sum(len(stretch.left) for stretch in result.shown[0].stretches) < 2000


def test_nothing_that_can_be_read(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"no": 1}\n{broken\n')
    result = dedup([str(source)], tmp_path / "out.jsonl", keep="best:score", show=3)
    assert (result.rows_in, result.rows_out, result.rows_rejected) == (2, 0, 2)
    assert conserved(result)
    assert read(tmp_path / "out.jsonl") == []
