"""A SQLite file of our own that outlives any kill: what is committed is on the disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dsforge.errors import InputError


def opened(
    path: Path, application: int, tables: str, *, alone: bool = False, patience: float = 0.0
) -> sqlite3.Connection:
    """The database in the file `path`, in WAL mode, made with `tables` (SQL) where it is new.

    `application` stands in the header of the file, so that no other program's database is taken for ours. With `alone`
    no other process may open it; else each waits `patience` seconds for another that writes. Any thread may use it.

    Raises:
        InputError: it is another program's database.
        sqlite3.Error: it cannot be opened, or is damaged.
    """
    database = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        if alone:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
        _refuse_foreign(database, path, application)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # what is kept is worth more than a flush of the disk
        database.executescript(f"BEGIN IMMEDIATE; {tables} PRAGMA application_id = {application}; COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def _refuse_foreign(database: sqlite3.Connection, path: Path, application: int) -> None:
    (found,) = database.execute("PRAGMA application_id").fetchone()
    (used,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if used and found != application:
        raise InputError(f"{path} is another program's database: name another journal, or move it away")
