"""A review: the rows of a file and what was done to them. What the page, the exports and other tools work with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from dsforge.errors import InputError
from dsforge.finding import Finding
from dsforge.formats.format import Format, get_format
from dsforge.review.decision import Decision
from dsforge.review.journal import Journal, Setup, new_setup, review_path
from dsforge.review.record import ReviewedRow, reviewed
from dsforge.review.source import RowSource

FindIn: TypeAlias = Callable[[int, bytes], Sequence[Finding]]
"""What lint says of a row, by its number and its bytes (see check.Check)."""


class Matched(msgspec.Struct, frozen=True):
    """How the decisions of the journal were matched to the rows of a file that changed, by the rows' bytes.

    `lost` are decisions whose row is no longer in the file; they stay in the journal and count for nothing.
    """

    kept: int
    lost: tuple[Decision, ...]


class Review:
    """The rows of `path`, and every decision on them.

    Use: `for row in review.rows(): ...`, where each is a `ReviewedRow`; `review.add(decisions)` brings in decisions
    made elsewhere; `review.row(7)` is one row. `matched` says how decisions were matched where the file has changed
    since the review was begun, which `match_rows` allows. `check` gives the findings of the rows. Any thread may call.

    Raises:
        InputError: the file cannot be read as rows; or its rows are not those that the review was begun with.
        OutputError: the journal cannot be written.
        UsageError: there is no such format.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        journal: str | Path | None = None,
        format: str = "auto",
        match_rows: bool = False,
        check: FindIn | None = None,
    ) -> None:
        self.path = str(path)
        self.check = check
        fmt: Format | None = None if format == "auto" else get_format(format)
        self.source = RowSource(self.path, fmt)
        try:
            self.journal = Journal(journal or review_path(path))
        except BaseException:
            self.source.close()
            raise
        self.matched: Matched | None = None
        self._lock = threading.RLock()
        self._by_row: dict[int, list[Decision]] = {}
        self._last = 0
        self._places: dict[str, int] | None = None
        self._is_matched = False
        self.lost: list[Decision] = []
        try:
            self.setup = self._begun(match_rows)
            self.refresh()
        except BaseException:
            self.close()
            raise
        if self._is_matched:
            self.matched = Matched(self._last - len(self.lost), tuple(self.lost))

    def _begun(self, match_rows: bool) -> Setup:
        setup = self.journal.setup()
        if setup is None:
            setup = new_setup(self.source.digest)
            self.journal.begin(setup)
        elif setup.rows != self.source.digest:
            if not match_rows:
                raise InputError(
                    f"{self.path} is not as it was when its review was begun: its rows have changed. Put the old file "
                    "back, or give --match-rows to keep the decisions on the rows that are still there"
                )
            self._is_matched = True
            setup = replace(setup, rows=self.source.digest)
            self.journal.begin(setup)
        return setup

    def keep_setup(self, setup: Setup) -> None:
        """Go on with these annotators and shares; in the journal when this returns."""
        self.setup = setup
        self.journal.begin(setup)

    def refresh(self) -> list[Decision]:
        """The decisions that were written since the last call, by this process or another."""
        with self._lock:
            new = self.journal.since(self._last)
            for decision in new:
                self._take(decision)
            return new

    def _take(self, decision: Decision) -> None:
        self._last = max(self._last, decision.number)
        row = self.row_of(decision)
        if row is None:
            self.lost.append(decision)
        else:
            self._by_row.setdefault(row, []).append(decision)

    def row_of(self, decision: Decision) -> int | None:
        """The number of the row in the file as it is now; None where the row is gone."""
        if 1 <= decision.row <= len(self.source) and self.source.key(decision.row) == decision.key:
            return decision.row
        if self._places is None:
            self._places = self.source.numbers()
        return self._places.get(decision.key)

    def add(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Write decisions to the journal; they are on the disk when this returns, each with its number.

        Decisions whose `id` is there already are not written again (see `Decision.id`).

        Raises:
            InputError: a decision is on a row that the file does not have (by its key).
            OutputError: the disk is full.
        """
        asked = list(decisions)
        for decision in asked:
            if self.row_of(decision) is None:
                raise InputError(f"{self.path} has no row {decision.row} with the key {decision.key}")
        with self._lock:
            written = self.journal.append(asked)
            self.refresh()
        return written

    def decisions(self, row: int) -> list[Decision]:
        """All decisions on a row, in the order of the journal."""
        with self._lock:
            return list(self._by_row.get(row, ()))

    def touched(self) -> list[int]:
        """The numbers of the rows that something was done to, in order."""
        with self._lock:
            return sorted(self._by_row)

    def row(self, number: int) -> ReviewedRow:
        """Everything that is known of a row (from 1).

        Raises:
            InputError: there is no such row, or the file has changed meanwhile.
        """
        original = self.source.original(number)
        findings = self.check(number, original.raw) if self.check else ()
        return reviewed(original, self.decisions(number), findings)

    def rows(self) -> Iterator[ReviewedRow]:
        """Every row of the file, in its order."""
        return map(self.row, range(1, len(self.source) + 1))

    def __len__(self) -> int:
        return len(self.source)

    def close(self) -> None:
        """Close the file and the journal."""
        self.source.close()
        self.journal.close()

    def __enter__(self) -> Review:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
