"""Leaks into held-out files, and items of benchmarks."""

from pathlib import Path

import pytest

from dsforge.dedup.check import contamination, leaks
from dsforge.errors import InputError, UsageError
from dsforge.split import split
from tests.dedup.rows import LONG, alpaca, pair, read, write
from tests.shared_data import real_files

NEAR = LONG.replace("word30", "other")


def files(folder: Path) -> tuple[str, str]:
    train = [alpaca(LONG, "a"), alpaca("x", "y"), alpaca("x", "y"), alpaca(NEAR, "b"), alpaca(NEAR, "b"), {"no": 1}]
    held_out = [alpaca("z", "z"), alpaca(LONG, "other"), alpaca(LONG, "other"), {"no": 1}]
    return str(write(folder / "train.jsonl", train)), str(write(folder / "val.jsonl", held_out))


def test_copies_and_near_duplicates_are_told_by_row(tmp_path: Path) -> None:
    train, held_out = files(tmp_path)
    result = leaks(train, [held_out])
    assert [(leak.row, leak.kept_path, leak.kept_row, leak.exact) for leak in result.leaks] == [
        (1, held_out, 2, True), (4, held_out, 2, False), (5, held_out, 2, False),
    ]  # fmt: skip
    assert (result.rows_in, result.rows_out, result.rows_rejected) == (6, 2, 1)
    assert (result.other_rows, result.unread) == (3, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.jsonl", "val.jsonl"]


def test_the_training_file_is_written_without_them_and_with_its_own_duplicates(tmp_path: Path) -> None:
    train, held_out = files(tmp_path)
    leaks(train, [held_out], tmp_path / "clean.jsonl")
    assert read(tmp_path / "clean.jsonl") == [alpaca("x", "y")] * 2
    assert [reject["row"] for reject in read(tmp_path / "clean.rejects.jsonl")] == [6]
    assert leaks(str(tmp_path / "clean.jsonl"), [held_out]).leaks == []


def test_what_counts_as_a_leak_can_be_chosen(tmp_path: Path) -> None:
    train, held_out = files(tmp_path)
    assert [leak.row for leak in leaks(train, [held_out], exact=True).leaks] == [1]
    assert leaks(train, [held_out], on="conversation").leaks == []
    assert [leak.row for leak in leaks(train, [held_out], threshold=0.99).leaks] == [1]


def test_each_side_may_hold_other_formats(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", [alpaca("What is  AI?", "a field")])
    held_out = write(tmp_path / "val.jsonl", [pair("what is ai?", "good", "bad")])
    assert len(leaks(str(train), [str(held_out)]).leaks) == 1


@pytest.mark.parametrize("path", real_files() or [None], ids=lambda path: path.name if path else "none")
def test_a_split_leaks_nothing(path: Path | None, tmp_path: Path) -> None:
    if path is None:
        pytest.skip("the public datasets are not here")
    train, held_out = tmp_path / "train.jsonl", tmp_path / "val.jsonl"
    split([str(path)], train, held_out)
    assert leaks(str(train), [str(held_out)]).leaks == []


def test_files_that_cannot_be_checked(tmp_path: Path) -> None:
    train, held_out = files(tmp_path)
    with pytest.raises(UsageError, match="name these after it"):
        leaks(train, [])
    with pytest.raises(UsageError, match="both sides"):
        leaks(train, [held_out, train])
    with pytest.raises(UsageError, match="also an input"):
        leaks(train, [held_out], held_out)
    with pytest.raises(InputError, match="does not exist"):
        leaks(train, [str(tmp_path / "none.jsonl")])


# -- benchmarks

QUESTION = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."


def test_rows_that_hold_an_item_are_told_with_the_span(tmp_path: Path) -> None:
    rows = [alpaca("Hello", "Hi"), alpaca(f"Solve this. {QUESTION} Go on!", "72"), alpaca("q", f"Ask: {QUESTION}"), {}]
    source = write(tmp_path / "in.jsonl", rows)
    benchmark = write(tmp_path / "gsm.jsonl", [{"question": "How far is it?"}, {"question": QUESTION}, {"id": 3}])
    result = contamination([str(source)], [str(benchmark)], tmp_path / "out.jsonl")
    assert [(row.row, row.item_row, row.share, row.stretch) for row in result.contaminated] == [
        (2, 2, 1.0, QUESTION[:-1]), (3, 2, 1.0, QUESTION[:-1]),
    ]  # fmt: skip
    assert read(tmp_path / "out.jsonl") == rows[:1]
    assert (result.rows_in, result.rows_out, result.rows_rejected, result.other_rows) == (4, 1, 1, 2)


def test_a_file_without_items_is_no_benchmark(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [alpaca("q", "a")])
    empty = write(tmp_path / "b.jsonl", [{"id": 1}])
    with pytest.raises(InputError, match="holds no benchmark"):
        contamination([str(source)], [str(empty)])
