"""The rows of a file by number, the journal beside it, and what happens where the file changes."""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pytest

from dsforge.errors import InputError
from dsforge.review.decision import Accept, Decision, Reject
from dsforge.review.journal import Journal, review_path
from dsforge.review.review import Review
from dsforge.review.source import RowSource
from tests.review.rows import BROKEN, PAIR, SFT, write


def accept(review: Review, row: int, id: str) -> None:
    review.add([Decision(row, review.source.key(row), "ana", 1.0, Accept(), id)])


def lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().split(b"\n") if line]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "data.jsonl", [SFT, PAIR, BROKEN, SFT, {"foo": 1}])


def test_rows_are_had_by_number(file: Path) -> None:
    source = RowSource(str(file))
    assert [source.raw(number) for number in range(1, 6)] == lines(file)
    assert source.original(3).flaw is not None
    assert source.original(2).example is not None


@pytest.mark.parametrize("kind", ["bom", "crlf", "array", "pretty", "gzip", "utf-16", "csv"])
def test_rows_of_every_layout(tmp_path: Path, kind: str) -> None:
    rows = [SFT, PAIR, SFT]
    path = tmp_path / {"gzip": "d.jsonl.gz", "csv": "d.csv"}.get(
        kind, "d.json" if kind in ("array", "pretty") else "d.jsonl"
    )
    plain = b"\n".join(map(orjson.dumps, rows)) + b"\n"
    content = {
        "bom": b"\xef\xbb\xbf" + plain, "crlf": plain.replace(b"\n", b"\r\n"), "array": orjson.dumps(rows),
        "pretty": orjson.dumps(rows, option=orjson.OPT_INDENT_2), "gzip": gzip.compress(plain),
        "utf-16": plain.decode().encode("utf-16"), "csv": b"instruction,output\na,b\nc,d\ne,f\n",
    }[kind]  # fmt: skip
    path.write_bytes(content)
    source = RowSource(str(path))
    assert len(source) == 3
    found = [orjson.loads(source.raw(number)) for number in (1, 2, 3)]
    assert found == rows if kind != "csv" else found[2] == {"instruction": "e", "output": "f"}


def test_equal_rows_have_keys_of_their_own(file: Path) -> None:
    source = RowSource(str(file))
    assert source.key(4) == f"{source.key(1)}-2"
    assert source.numbers()[source.key(4)] == 4


def test_decisions_are_there_when_it_is_opened_again(file: Path) -> None:
    with Review(file) as review:
        accept(review, 2, "a")
    with Review(file) as review:
        assert review.row(2).state.status == "accepted"
        assert review.row(1).state.status == "new"
    assert review_path(file).name == ".data.jsonl.review.sqlite"
    assert review_path(file).stat().st_mode & 0o077 == 0


def test_what_is_sent_again_is_not_written_twice(file: Path) -> None:
    with Review(file) as review:
        accept(review, 2, "a")
        accept(review, 2, "a")
        assert len(review.decisions(2)) == 1


def test_what_another_process_writes_is_seen(file: Path) -> None:
    with Review(file) as here, Review(file) as there:
        accept(there, 1, "a")
        assert here.row(1).state.status == "new"
        here.refresh()
        assert here.row(1).state.status == "accepted"
        accept(here, 2, "b")
        assert [each.number for each in here.journal.since()] == [1, 2]


def test_a_changed_file_is_refused(file: Path) -> None:
    with Review(file) as review:
        accept(review, 1, "a")
    write(file, [PAIR, SFT])
    with pytest.raises(InputError, match="its rows have changed"):
        Review(file)


def test_decisions_are_matched_to_rows_that_are_still_there(file: Path) -> None:
    with Review(file) as review:
        accept(review, 2, "a")
        accept(review, 4, "b")
        accept(review, 5, "c")
    write(file, [{"new": 1}, SFT, PAIR, SFT])
    with Review(file, match_rows=True) as review:
        assert review.matched is not None
        assert (review.matched.kept, [each.id for each in review.matched.lost]) == (2, ["c"])
        assert [row.state.status for row in review.rows()] == ["new", "new", "accepted", "accepted"]
        accept(review, 2, "d")
    with Review(file) as review:  # from then on it is the file of the review
        assert [row.state.status for row in review.rows()] == ["new", "accepted", "accepted", "accepted"]


def test_a_file_that_changes_while_it_is_open_is_told_of(file: Path) -> None:
    with Review(file) as review:
        content = file.read_bytes()
        file.write_bytes(content.replace(b"brief", b"BRIEF"))
        with pytest.raises(InputError, match="has changed while it was open"):
            review.row(1)


def test_the_source_is_never_written(file: Path) -> None:
    before = file.read_bytes(), file.stat().st_mtime_ns
    with Review(file) as review:
        accept(review, 1, "a")
        review.add([Decision(2, review.source.key(2), "bo", 1.0, Reject("no"), "b")])
        list(review.rows())
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_a_decision_on_no_row_is_refused(file: Path) -> None:
    with Review(file) as review, pytest.raises(InputError, match="no row 1"):
        review.add([Decision(1, "0" * 32, "ana", 1.0, Accept(), "a")])


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "other.sqlite"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE t (a)")
    database.commit()
    database.close()
    with pytest.raises(InputError, match="another program's"):
        Journal(path)
    path.write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(InputError, match="no journal"):
        Journal(path)
