"""The journal of a review: every decision, on the disk before the page moves on.

One SQLite file in WAL mode beside the data. A process that is killed loses nothing that `append` returned from.
Several processes may use it at once: what another one wrote is read by `since`.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import msgspec

from dsforge.engine.database import opened
from dsforge.errors import InputError, OutputError
from dsforge.io.naming import split_part
from dsforge.review.decision import Decision

_APPLICATION = 0x64737231  # "dsr1"
_TABLES = """
CREATE TABLE IF NOT EXISTS decisions (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, row INTEGER NOT NULL, decision BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_PATIENCE = 10.0
"""Seconds to wait for another process that is writing."""


def review_path(source: str | Path) -> Path:
    """Where the journal of a file is kept: beside it, as `.NAME.review.sqlite`."""
    file, part = split_part(source)
    name = f"{Path(file).name}#{part.replace('/', '_')}" if part else Path(file).name
    return Path(file).with_name(f".{name}.review.sqlite")


class Setup(msgspec.Struct):
    """What a review was begun with.

    `rows` is the digest of the source's rows, `secret` what the links of the annotators are made from. `overlap` is
    the share of the rows that every annotator sees.
    """

    rows: str
    secret: bytes
    annotators: list[str] = []
    overlap: float = 0.0


def new_setup(rows: str) -> Setup:
    """The setup of a review that begins now."""
    return Setup(rows, secrets.token_bytes(32))


class Journal:
    """Decisions in the order in which they were made, kept in the file `path`, which is made where there is none.

    The file is readable by its owner alone, as it holds what the annotators' links are made from. Any thread may call.

    Raises:
        InputError: the file is something else than a journal of a review.
        OutputError: it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._decoder = msgspec.json.Decoder(Decision)
        try:
            self._open()
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _open(self) -> None:
        if not self.path.exists() and self.path.parent.is_dir() and os.access(self.path.parent, os.W_OK):
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = opened(self.path, _APPLICATION, _TABLES, patience=_PATIENCE)

    def _told(self, error: sqlite3.Error) -> InputError | OutputError:
        said = str(error)
        if "not a database" in said or "malformed" in said:
            return InputError(f"{self.path} is no journal of a review (or a damaged one): move it away")
        return OutputError(f"the journal {self.path} cannot be written: {said}; name another place with --journal")

    def append(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Write decisions, all or none; those that are on the disk when this returns, each with its number.

        A decision whose `id` is in the journal already is not written again: the one that is there is given back.

        Raises:
            OutputError: the disk is full, or the file is gone.
        """
        written: list[Decision] = []
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                written = [self._append(decision) for decision in decisions]
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._told(error) from error
            finally:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
        return written

    def _append(self, decision: Decision) -> Decision:
        known = self._database.execute("SELECT decision FROM decisions WHERE id = ?", (decision.id,)).fetchone()
        if known is not None:
            return self._decoder.decode(known[0])
        (last,) = self._database.execute("SELECT coalesce(max(number), 0) FROM decisions").fetchone()
        numbered = msgspec.structs.replace(decision, number=last + 1)
        self._database.execute(
            "INSERT INTO decisions VALUES (?, ?, ?, ?)",
            (numbered.number, numbered.id, numbered.row, msgspec.json.encode(numbered)),
        )
        return numbered

    def find(self, id: str) -> Decision | None:
        """The decision with this id, None where it was not written."""
        with self._lock:
            found = self._database.execute("SELECT decision FROM decisions WHERE id = ?", (id,)).fetchone()
        return None if found is None else self._decoder.decode(found[0])

    def since(self, number: int = 0) -> list[Decision]:
        """The decisions after `number`, whoever wrote them, in order."""
        with self._lock:
            found = self._database.execute(
                "SELECT decision FROM decisions WHERE number > ? ORDER BY number", (number,)
            ).fetchall()
        return [self._decoder.decode(decision) for (decision,) in found]

    def setup(self) -> Setup | None:
        """What the review was begun with, None for a journal that is new."""
        with self._lock:
            found = self._database.execute("SELECT value FROM settings WHERE name = 'setup'").fetchone()
        return None if found is None else msgspec.msgpack.decode(found[0], type=Setup)

    def begin(self, setup: Setup) -> None:
        """Keep what the review is begun, or gone on, with."""
        with self._lock:
            try:
                self._database.execute(
                    "INSERT OR REPLACE INTO settings VALUES ('setup', ?)", (msgspec.msgpack.encode(setup),)
                )
            except sqlite3.Error as error:
                raise self._told(error) from error

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
