import json
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from dsforge.dedup.result import DedupResult
from dsforge.dedup.run import dedup
from dsforge.errors import InputError, OutputError, UsageError
from dsforge.similarity.collect import Collected
from tests.dedup.rows import LONG, Row, alpaca, read, write
from tests.similarity.brute import edited, sentence


def batches(count: int, rows: int) -> list[list[Row]]:
    """Rows of which a third are edited copies and a tenth are copies of rows of this batch or one before."""
    rng = random.Random(11)
    seen: list[tuple[str, str]] = []
    found: list[list[Row]] = []
    for _ in range(count):
        for _ in range(rows):
            kind = rng.random()
            if seen and kind < 0.43:
                prompt, answer = rng.choice(seen)
                seen.append((prompt, answer if kind < 0.1 else edited(rng, answer, 0.03)))
            else:
                chinese = rng.random() < 0.5
                seen.append((sentence(rng, chinese, 12), sentence(rng, chinese, 40)))
        found.append([alpaca(prompt, answer, id=number) for number, (prompt, answer) in enumerate(seen[-rows:])])
    return found


def add(folder: Path, name: str, rows: list[Row], **options: object) -> tuple[DedupResult, list[Row]]:
    source = write(folder / f"{name}.jsonl", rows)
    result = dedup([str(source)], folder / f"{name}.out.jsonl", index=folder / "index", **options)  # type: ignore[arg-type]
    return result, read(folder / f"{name}.out.jsonl")


def segments(index: Path) -> list[int]:
    return [segment["rows"] for segment in json.loads((index / "index.json").read_bytes())["segments"]]


@pytest.mark.parametrize("options", [{}, {"exact": True}, {"on": "prompt", "shingles": "words"}], ids=str)
def test_additions_are_judged_as_if_all_that_was_kept_were_read_again(
    tmp_path: Path, options: dict[str, object]
) -> None:
    outputs: list[str] = []
    removed = 0
    for number, rows in enumerate(batches(6, 60)):
        result, kept = add(tmp_path, f"part{number}", rows, **options)
        again = dedup(
            [str(tmp_path / f"part{number}.jsonl")],
            tmp_path / "again.jsonl",
            against=outputs,
            **options,  # type: ignore[arg-type]
        )
        assert kept == read(tmp_path / "again.jsonl")
        assert [(each.row, each.similarity, each.against) for each in result.removed] == [
            (each.row, each.similarity, each.against) for each in again.removed
        ]
        outputs.append(str(tmp_path / f"part{number}.out.jsonl"))
        removed += result.against_duplicates
        assert result.indexed == sum(len(read(Path(output))) for output in outputs) == sum(segments(tmp_path / "index"))
    assert removed > 40


def test_what_is_kept_elsewhere_is_told_with_its_own_place(tmp_path: Path) -> None:
    add(tmp_path, "first", [alpaca("a", "b"), alpaca("What is sent?", LONG)])
    add(tmp_path, "second", [alpaca("another", "row")])
    result, kept = add(tmp_path, "third", [alpaca("What is sent?", LONG + "x"), alpaca("Another", "row")], show=2)
    assert kept == []
    places = [(Path(each.kept_path).name, each.kept_row, each.kept_line, each.exact) for each in result.removed]
    assert places == [("first.jsonl", 2, 2, False), ("second.jsonl", 1, 1, True)]
    assert all(each.against for each in result.removed)
    assert [shown.left.path for shown in result.shown] == [
        str(tmp_path / "first.jsonl"),
        str(tmp_path / "second.jsonl"),
    ]


def test_segments_stay_few(tmp_path: Path) -> None:
    for number in range(20):
        add(tmp_path, f"part{number}", [alpaca(f"question {number}", f"answer {number} of twenty")])
    sizes = segments(tmp_path / "index")
    assert sum(sizes) == 20
    assert all(left > right for left, right in pairwise(sizes))
    assert len(list((tmp_path / "index").glob("segment-*"))) == len(sizes) <= 5


def test_the_best_copy_is_the_one_that_is_kept(tmp_path: Path) -> None:
    _, kept = add(tmp_path, "first", [alpaca("Q", "a", score=1), alpaca("q", "A", score=2)], keep="best:score")
    assert kept == [alpaca("q", "A", score=2)]
    result, _ = add(tmp_path, "second", [alpaca("q", "a", score=3)], keep="best:score")
    assert [(each.kept_row, each.exact) for each in result.removed] == [(2, True)]


def test_a_run_that_dies_leaves_the_index_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path, "first", [alpaca("a", "b")])
    before = (tmp_path / "index" / "index.json").read_bytes()

    def die(rows: Collected, kept: object) -> None:
        (tmp_path / "index" / "segment-half").mkdir()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Collected, "_for_index", die)
        with pytest.raises(KeyboardInterrupt):
            add(tmp_path, "second", [alpaca("c", "d")])
    assert (tmp_path / "index" / "index.json").read_bytes() == before
    result, kept = add(tmp_path, "second", [alpaca("c", "d")])
    assert kept == [alpaca("c", "d")]
    assert result.indexed == 2
    assert not (tmp_path / "index" / "segment-half").exists()


@pytest.mark.parametrize(
    "options",
    [{"on": "prompt"}, {"threshold": 0.9}, {"shingles": "words:2"}, {"normalise": ()}, {"exact": True}],
    ids=str,
)
def test_rows_compared_in_another_way_are_refused(tmp_path: Path, options: dict[str, object]) -> None:
    add(tmp_path, "first", [alpaca("a", "b")])
    with pytest.raises(UsageError, match="was made with --"):
        add(tmp_path, "second", [alpaca("c", "d")], **options)
    assert not (tmp_path / "second.out.jsonl").exists()


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds no index"):
        add(tmp_path, "first", [alpaca("a", "b")])
    (tmp_path / "index" / "thesis.txt").unlink()
    (tmp_path / "index" / "index.json").write_text('{"version": 1}')
    with pytest.raises(InputError, match="no index of dsforge"):
        add(tmp_path, "first", [alpaca("a", "b")])
    (tmp_path / "index" / "index.json").write_text('{"version": 2, "compared": {}, "banding": null}')
    with pytest.raises(InputError, match="version 2"):
        add(tmp_path, "first", [alpaca("a", "b")])


def test_one_process_at_a_time_has_it(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import fcntl; f = open({str(tmp_path / 'index' / 'lock')!r}, 'wb');"
         "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(OutputError, match="another dsforge has the index"):
            add(tmp_path, "first", [alpaca("a", "b")])
    finally:
        holder.communicate("\n")
    assert add(tmp_path, "first", [alpaca("a", "b")])[0].indexed == 1


def test_where_nothing_is_kept_nothing_is_added(tmp_path: Path) -> None:
    add(tmp_path, "first", [alpaca("a", "b")])
    before = (tmp_path / "index" / "index.json").read_bytes()
    assert add(tmp_path, "second", [alpaca("a", "b")])[0].indexed == 1
    assert (tmp_path / "index" / "index.json").read_bytes() == before
