"""A journal of answers that cost money or time: each is on the disk before it is used.

One SQLite file in WAL mode. A process that is killed loses nothing that `put` returned from; the next one finds
the answer by the same key. One process writes at a time: the lock is the system's and dies with its holder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from dsforge.engine.database import opened
from dsforge.errors import InputError, OutputError

_APPLICATION = 0x64736A31  # "dsj1"
_TABLES = """
CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, answer BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS charges (number INTEGER PRIMARY KEY, key BLOB NOT NULL, charge BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS batches (name TEXT PRIMARY KEY, batch BLOB NOT NULL);
"""


class Journal:
    """Byte strings by key, kept in the file `path`, which is made where it does not exist.

    Raises:
        InputError: the file is something else than a journal, or another run holds it.
        OutputError: it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._holds_commits = False
        try:
            self._database = opened(self.path, _APPLICATION, _TABLES, alone=True)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _told(self, error: sqlite3.Error) -> InputError | OutputError:
        said = str(error)
        if "locked" in said:
            return InputError(f"{self.path} is in use by another run: wait for it, or name another journal")
        if "not a database" in said or "malformed" in said:
            return InputError(f"{self.path} is no journal (or a damaged one): name another, or remove it")
        return OutputError(f"the journal {self.path} cannot be written: {said}")

    def get(self, key: bytes) -> bytes | None:
        """The answer under `key`, None where there is none."""
        try:
            found = self._database.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._told(error) from error
        return None if found is None else bytes(found[0])

    def _write(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        try:
            if self._holds_commits and not self._database.in_transaction:
                self._database.execute("BEGIN")
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def hold_commits(self) -> None:
        """From now on what is written is on the disk once `commit` returns: one flush for what many tasks write."""
        self._holds_commits = True

    def commit(self) -> None:
        """Bring what was written since the last time to the disk.

        Raises:
            OutputError: the disk is full, or the file is gone: nothing of it is there.
        """
        if self._database.in_transaction:
            try:
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise self._told(error) from error

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written within is on the disk when this ends: all of it, or, in a crash or an error, none.

        Raises:
            OutputError: the disk is full, or the file is gone.
        """
        outermost = not self._database.in_transaction
        try:
            if outermost and not self._holds_commits:
                self._write("BEGIN")
            yield
            if outermost and not self._holds_commits:
                self._write("COMMIT")
        except BaseException:
            if outermost and self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep `answer`; it is on the disk when this returns (see `hold_commits`).

        Raises:
            OutputError: the disk is full, or the file is gone.
        """
        self._write("INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, answer))

    def charge(self, key: bytes, charge: bytes) -> int:
        """Note what asking for `key` may cost, before it is asked; the number that `settle` and `release` take.

        Raises:
            OutputError: the disk is full, or the file is gone.
        """
        number = self._write("INSERT INTO charges (key, charge) VALUES (?, ?)", (key, charge)).lastrowid
        assert number is not None
        return number

    def settle(self, number: int, charge: bytes, key: bytes, answer: bytes) -> None:
        """Keep `answer` and what it did cost in place of what it might have: both, or, in a crash, neither.

        Raises:
            OutputError: the disk is full, or the file is gone.
        """
        with self.together():
            self.put(key, answer)
            self._write("UPDATE charges SET charge = ? WHERE number = ?", (charge, number))

    def release(self, number: int) -> None:
        """Strike a charge: what was asked for cost nothing."""
        self._write("DELETE FROM charges WHERE number = ?", (number,))

    def charges(self) -> Iterator[bytes]:
        """Every charge, in the order in which they were made."""
        for (charge,) in self._database.execute("SELECT charge FROM charges ORDER BY number"):
            yield bytes(charge)

    def uncharged(self) -> Iterator[bytes]:
        """The answers that were kept without a charge."""
        for (answer,) in self._database.execute(
            "SELECT answer FROM answers WHERE key NOT IN (SELECT key FROM charges)"
        ):
            yield bytes(answer)

    def put_batch(self, name: str, batch: bytes) -> None:
        """Keep what is known of a batch of requests, in place of what was; it is on the disk when this returns.

        Raises:
            OutputError: the disk is full, or the file is gone.
        """
        self._write("INSERT OR REPLACE INTO batches VALUES (?, ?)", (name, batch))

    def batches(self) -> Iterator[bytes]:
        """What is known of each batch whose answers are still to come."""
        for (batch,) in self._database.execute("SELECT batch FROM batches ORDER BY name"):
            yield bytes(batch)

    def drop_batch(self, name: str) -> None:
        """Forget a batch: nothing more is to come of it.

        Raises:
            OutputError: the disk is full, or the file is gone.
        """
        self._write("DELETE FROM batches WHERE name = ?", (name,))

    def __len__(self) -> int:
        (count,) = self._database.execute("SELECT count(*) FROM answers").fetchone()
        return int(count)

    def close(self) -> None:
        """Give the file back; what is not committed by then goes to the disk if it can."""
        try:
            self.commit()
        finally:
            self._database.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
