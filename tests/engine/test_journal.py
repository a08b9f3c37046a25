"""The journal: what was put is there after kill -9, one run at a time, and nothing else is taken for one."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dsforge.engine.journal import Journal
from dsforge.errors import InputError, OutputError


def test_what_was_put_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        assert journal.get(b"a") is None
        journal.put(b"a", b"one")
        journal.put(b"b", b"\x00\xff")
        journal.put(b"a", b"two")
        assert (journal.get(b"a"), len(journal)) == (b"two", 2)
    with Journal(path) as journal:
        assert (journal.get(b"a"), journal.get(b"b"), len(journal)) == (b"two", b"\x00\xff", 2)


def test_every_answer_told_before_kill_9_is_there(tmp_path: Path) -> None:
    code = (
        "import sys; from dsforge.engine.journal import Journal\n"
        "journal = Journal(sys.argv[1])\n"
        "for number in range(10**9):\n"
        "    journal.put(b'%d' % number, b'x' * 1000)\n"
        "    print(number, flush=True)\n"
    )
    path = tmp_path / "j.sqlite"
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(30)]
        os.kill(process.pid, signal.SIGKILL)
        told += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        last = int(next(line for line in reversed(told) if line.endswith("\n")))
        with Journal(path) as journal:
            assert len(journal) > last
            assert all(journal.get(b"%d" % number) == b"x" * 1000 for number in range(last + 1))


def test_a_second_run_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.put(b"a", b"one")
        code = "import sys; from dsforge.engine.journal import Journal; Journal(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        assert "in use by another run" in done.stderr
    with Journal(path) as journal:
        assert len(journal) == 1


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "text", tmp_path / "other.sqlite"
    text.write_text("not a database, but long enough to be looked at by SQLite. " * 100)
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE mine (x)")
    database.commit()
    database.close()
    before = text.read_bytes(), other.read_bytes()
    with pytest.raises(InputError, match="no journal"):
        Journal(text)
    with pytest.raises(InputError, match="another program"):
        Journal(other)
    assert (text.read_bytes(), other.read_bytes()) == before


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        Journal(tmp_path / "no" / "j.sqlite")
    with pytest.raises(OutputError, match="cannot be written"):
        Journal(tmp_path)


def test_a_charge_is_settled_with_its_answer_or_struck(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.put(b"free", b"an answer")
        first, second, third = (journal.charge(key, b"the most") for key in (b"a", b"b", b"c"))
        journal.settle(first, b"what it was", b"a", b"its answer")
        journal.release(second)
        assert third == 3
    with Journal(path) as journal:
        assert list(journal.charges()) == [b"what it was", b"the most"]
        assert list(journal.uncharged()) == [b"an answer"]
        assert journal.get(b"a") == b"its answer"
        assert len(journal) == 2


def test_commits_that_are_held_come_together(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.hold_commits()
        journal.put(b"a", b"1")
        number = journal.charge(b"b", b"5")
        assert journal.get(b"a") == b"1"
        assert _on_disk(path, tmp_path / "before") == ([], [])
        journal.commit()
        assert _on_disk(path, tmp_path / "after") == ([b"1"], [b"5"])
        journal.settle(number, b"3", b"b", b"2")
        journal.commit()
        journal.commit()
        assert _on_disk(path, tmp_path / "settled") == ([b"1", b"2"], [b"3"])
        journal.put(b"c", b"3")
    with Journal(path) as journal:
        assert journal.get(b"c") == b"3"


def _on_disk(path: Path, copy: Path) -> tuple[list[bytes], list[bytes]]:
    """`(answers, charges)` that a process would find after a kill: the files as they are, copied."""
    copy.mkdir()
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            (copy / source.name).write_bytes(source.read_bytes())
    with Journal(copy / path.name) as journal:
        return sorted(filter(None, map(journal.get, (b"a", b"b", b"c")))), list(journal.charges())
