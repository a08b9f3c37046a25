"""Which row of a cluster stays."""

import json
import random
from pathlib import Path

import pytest

from dsforge.dedup.keep import fewest_findings
from dsforge.dedup.run import dedup
from dsforge.errors import UsageError
from tests.dedup.rows import LONG, Row, alpaca, read, run, write
from tests.similarity.brute import edited, jaccard, sentence


def scored(output: str, score: object) -> Row:
    return alpaca("q", output, meta={"score": score})


NEAR = LONG.replace("word30", "other")


def test_the_row_of_the_best_score_stays_among_copies_and_near_duplicates(tmp_path: Path) -> None:
    rows = [scored(LONG, 1), scored(LONG.upper(), 3), scored(NEAR, 2)]
    result, kept = run(rows, tmp_path, keep="best:meta.score")
    assert kept == [rows[1]]
    assert [(gone.row, gone.kept_row, gone.exact) for gone in result.removed] == [(1, 2, True), (3, 2, False)]
    assert run(rows, tmp_path)[1] == [rows[0]]


def test_of_equal_ones_the_first_stays(tmp_path: Path) -> None:
    rows = [scored(LONG, 1), scored(NEAR, 1), scored(LONG, 1)]
    assert run(rows, tmp_path, keep="best:meta.score")[1] == rows[:1]


def test_the_longest_stays(tmp_path: Path) -> None:
    rows = [alpaca("q", LONG), alpaca("q", f"{LONG} and more")]
    assert run(rows, tmp_path, keep="longest")[1] == rows[1:]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2024-03-01", "2024-11-01"),
        ("2024-03-01T10:00:00Z", "2024-03-01T10:00:01Z"),
        ("2024-03-01T10:00:00+08:00", "2024-03-01T03:00:00"),
        (1_700_000_000, 1_700_000_001),
        ("1700000000", "2024-01-01"),
    ],
)
def test_the_newest_stays(tmp_path: Path, older: object, newer: object) -> None:
    rows = [alpaca("q", LONG, date=older), alpaca("q", NEAR, date=newer)]
    assert run(rows, tmp_path, keep="newest:date")[1] == rows[1:]
    assert run(rows[::-1], tmp_path, keep="newest:date")[1] == rows[1:]


def test_the_row_with_the_fewest_findings_stays(tmp_path: Path) -> None:
    rows = [alpaca("q", LONG), alpaca("q", NEAR), alpaca("q", LONG)]
    findings = {(str(tmp_path / "in.jsonl"), 1): 2, (str(tmp_path / "in.jsonl"), 3): 1}
    result, kept = run(rows, tmp_path, keep=fewest_findings(findings))
    assert kept == [rows[1]]
    assert result.near_duplicates == 2


BAD = [None, "high", "nan", True, [1], {"value": 1}, 10**400]


@pytest.mark.parametrize("bad", BAD, ids=[str(bad)[:20] for bad in BAD])
def test_a_row_without_a_score_gives_way_and_is_told(tmp_path: Path, bad: object) -> None:
    rows = [scored(LONG, bad), scored(NEAR, -5)]
    result, kept = run(rows, tmp_path, keep="best:meta.score")
    assert kept == rows[1:]
    (notice,) = result.notices
    assert "1 of 2 rows lacks a number in meta.score" in notice
    assert "in.jsonl:1" in notice


def test_a_score_written_as_text_counts(tmp_path: Path) -> None:
    rows = [scored(LONG, "9.5"), scored(NEAR, "10")]
    assert run(rows, tmp_path, keep="best:meta.score")[1] == rows[1:]


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        ("best:meta.scores", "no row has a number in meta.scores"),
        ("best", "best:meta.score"),
        ("newest", "newest:meta.date"),
        ("longst", "did you mean 'longest'"),
        ("longest:field", "names no row"),
        ("fewest-findings", "findings of a lint"),
    ],
)
def test_a_preference_that_cannot_be_followed(tmp_path: Path, keep: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run([scored(LONG, 1), scored(NEAR, 2)], tmp_path, keep=keep)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_preferred_a_removed_row_reaches_the_threshold_with_a_kept_row_worth_no_less(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    texts = [sentence(rng, False, 40) for _ in range(12)]
    rows = [scored(edited(rng, rng.choice(texts), rng.choice((0.0, 0.02, 0.1))), rng.randrange(5)) for _ in range(150)]
    result, kept = run(rows, tmp_path, keep="best:meta.score")
    assert result.near_duplicates > 15
    gone = {removed.row - 1 for removed in result.removed}
    assert kept == [row for number, row in enumerate(rows) if number not in gone]
    for removed in result.removed:
        ours, theirs = rows[removed.row - 1], rows[removed.kept_row - 1]
        assert removed.kept_row - 1 not in gone
        assert jaccard(str(ours["output"]), str(theirs["output"])) >= 0.8
        assert ours["meta"]["score"] <= theirs["meta"]["score"]  # type: ignore[index]


# -- --against


def test_what_is_there_already_is_removed_and_not_written(tmp_path: Path) -> None:
    rows = [alpaca("q", LONG), alpaca("r", "new"), alpaca("r", "new"), alpaca("Q", NEAR), {"broken": 1}]
    other = write(tmp_path / "other.jsonl", [alpaca("q", LONG), alpaca("q", LONG), {"broken": 1}, alpaca("z", "z")])
    result, kept = run(rows, tmp_path, against=[str(other)], clusters=tmp_path / "c.jsonl")
    assert kept == [alpaca("r", "new")]
    assert (result.against_duplicates, result.exact_duplicates, result.near_duplicates) == (2, 1, 0)
    assert (result.rows_in, result.rows_out, result.rows_rejected) == (5, 1, 1)
    assert [(gone.kept_path, gone.kept_row, gone.exact) for gone in result.removed if gone.against] == [
        (str(other), 1, True), (str(other), 1, False),
    ]  # fmt: skip
    assert "not compared with: 1" in result.notices[0]
    members = read(tmp_path / "c.jsonl")
    assert [(member["path"], member["row"], member["kept"]) for member in members] == [
        (str(other), 1, True), (str(tmp_path / "in.jsonl"), 1, False), (str(tmp_path / "in.jsonl"), 4, False),
        (str(tmp_path / "in.jsonl"), 2, True), (str(tmp_path / "in.jsonl"), 3, False),
    ]  # fmt: skip


def test_a_better_row_gives_way_all_the_same_to_one_that_is_there(tmp_path: Path) -> None:
    other = write(tmp_path / "other.jsonl", [scored(LONG, 1)])
    _, kept = run([scored(NEAR, 9), scored(LONG, 9)], tmp_path, against=[str(other)], keep="best:meta.score")
    assert kept == []


def test_rows_that_are_there_stand_however_alike_they_are(tmp_path: Path) -> None:
    """Each of the two known rows is near the next, and only the second is near the new one."""
    words = LONG.split()
    steps = [" ".join([*["x"] * size, *words[size:]]) for size in (0, 7, 14)]
    assert jaccard(steps[0], steps[1]) >= 0.8 <= jaccard(steps[1], steps[2])
    assert jaccard(steps[0], steps[2]) < 0.8
    other = write(tmp_path / "other.jsonl", [alpaca("q", text) for text in steps[:2]])
    result, kept = run([alpaca("q", steps[2])], tmp_path, against=[str(other)])
    assert kept == []
    assert result.removed[0].kept_row == 2


def test_several_files_are_there(tmp_path: Path) -> None:
    others = [write(tmp_path / f"{number}.jsonl", [alpaca("q", str(number))]) for number in range(3)]
    _, kept = run([alpaca("q", str(number)) for number in range(4)], tmp_path, against=[*map(str, others)])
    assert kept == [alpaca("q", "3")]


def test_a_file_against_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="both sides"):
        run([alpaca("a", "b")], tmp_path, against=[str(tmp_path / "in.jsonl")])


def test_an_output_that_is_there_already_is_refused(tmp_path: Path) -> None:
    other = write(tmp_path / "other.jsonl", [alpaca("a", "b")])
    source = write(tmp_path / "in.jsonl", [alpaca("a", "b")])
    with pytest.raises(UsageError, match="also an input"):
        dedup([str(source)], other, against=[str(other)])
    assert json.loads(other.read_text()) == alpaca("a", "b")
