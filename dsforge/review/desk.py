"""What an annotator asks of a review: the next row, a decision kept, the last one undone. No HTTP here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import msgspec
import numpy as np

from dsforge.errors import RowError
from dsforge.finding import Finding
from dsforge.io.jsonl import dumps
from dsforge.review.apply import UnfitError, applied
from dsforge.review.check import Check
from dsforge.review.compare import with_line_ends
from dsforge.review.decision import (
    Accept,
    Action,
    Adopt,
    Categorise,
    Comment,
    Decision,
    Edit,
    Prefer,
    Rank,
    Redo,
    Reject,
    Rewrite,
    Score,
    Undo,
    told,
)
from dsforge.review.index import Index
from dsforge.review.queue import Filter, Finder, Rows, Statuses, decided, shares, status_of
from dsforge.review.record import ReviewedRow, fold, in_effect, settled
from dsforge.review.review import Review
from dsforge.review.state import VERDICTS, Original, RowState

_MOVING = (Accept, Reject, Prefer, Rank, Adopt)
"""What is done to a row at the end: the page goes on to the next."""
_PLAIN = (Accept, Reject, Score, Comment)
"""What can be done to a row without changing it."""
_PAUSE = 300.0
"""Seconds without a verdict after which somebody was away: they do not count for the pace."""
_RECENT = 50
"""Verdicts that the pace is told from."""


class Seat(msgspec.Struct, frozen=True):
    """Who sits at the page; `final` is whether their decisions settle what annotators disagree about."""

    name: str
    final: bool = False


class Fix(msgspec.Struct, frozen=True, tag="fix"):
    """Apply what lint offers to mend, of one rule or ("") of all: it is written as a Rewrite."""

    code: str = ""


class Wish(msgspec.Struct, frozen=True):
    """What the page asks to have done; `id` is made by the page, and the same when it asks again."""

    id: str
    row: int
    action: Action | Fix


class Answer(msgspec.Struct, frozen=True):
    """What came of a wish: the row to show now (None where nothing is left), and what to tell the person."""

    row: int | None
    said: str


class Pace(msgspec.Struct, frozen=True):
    """How far somebody is: rows with a verdict of those in the queue, and verdicts a minute (None: too few to tell)."""

    done: int
    total: int
    per_minute: float | None


class _Place:
    """Where somebody is: the rows shown so far, and those passed over. It is lost with the server, and no harm done."""

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.at = -1
        self.passed: set[int] = set()

    def show(self, row: int) -> None:
        if self.at >= 0 and self.shown[self.at] == row:
            return
        del self.shown[self.at + 1 :]
        self.shown.append(row)
        self.at += 1


class Desk:
    """The work of all annotators on one review. Any thread may call.

    Raises:
        UsageError: on construction, where the overlap is out of range or a name stands twice.
    """

    def __init__(
        self, review: Review, index: Index, check: Check, annotators: Sequence[str], overlap: float,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.review, self.index, self.check = review, index, check
        self.annotators = list(annotators)
        self.statuses = Statuses(review)
        self.finder = Finder(review, index, self.statuses)
        self.shares = shares(review.source.first_bits(), annotators, overlap)
        self._clock = clock
        self._lock = threading.RLock()
        self._places: dict[Seat, _Place] = {}
        self._logs: dict[Seat, list[Decision]] = {}
        self._disputes: dict[int, tuple[int, bool]] = {}
        for row in review.touched():
            for decision in review.decisions(row):
                self._log(decision)
            self._tag(row)
        for log in self._logs.values():
            log.sort(key=lambda each: each.number)

    # -- what is there -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take in what other processes wrote: decisions brought in from another tool."""
        with self._lock:
            for decision in self.review.refresh():
                self._take(decision)

    def _take(self, decision: Decision) -> None:
        self._log(decision)
        row = self.review.row_of(decision)
        if row is not None:
            self.statuses.update(row)
            self._tag(row)

    def _tag(self, row: int) -> None:
        """Have the row found by the category that it was given last."""
        decisions = self.review.decisions(row)
        if not any(isinstance(each.action, Categorise) for each in decisions):
            return
        given: list[tuple[int, str]] = []
        for seat in {Seat(each.annotator, each.final) for each in decisions}:
            theirs = [each for each in decisions if (each.annotator, each.final) == (seat.name, seat.final)]
            done = in_effect(theirs)[0]
            given += [(each.number, each.action.category) for each in done if isinstance(each.action, Categorise)]
        self.index.tag(row - 1, max(given)[1] if given else None)

    def _log(self, decision: Decision) -> None:
        self._logs.setdefault(Seat(decision.annotator, decision.final), []).append(decision)

    def state(self, seat: Seat, original: Original) -> RowState:
        """A row as somebody left it."""
        decisions = self.review.decisions(original.number)
        theirs = [each for each in decisions if (each.annotator, each.final) == (seat.name, seat.final)]
        return fold(original, theirs, decisions)

    def findings(self, original: Original, state: RowState) -> tuple[bytes, list[Finding]]:
        """`(the row as it stands now, its findings)`; those among rows are of the row of the source alone."""
        raw = now(original, state)
        found = list(self.check(original.number, raw))
        if raw == original.raw:
            found += self.index.whole.get(original.number - 1, [])
        return raw, found

    def others(self, row: ReviewedRow) -> dict[str, RowState]:
        """What the annotators say of a row, for who settles it."""
        return {name: state for name, state in row.states.items() if state.done}

    def share(self, seat: Seat) -> Rows:
        """The rows that somebody is to look at: for who settles, those that annotators disagree about."""
        if seat.final:
            return np.array(self.disputed(), np.int64) - 1
        return self.shares.get(seat.name, np.arange(len(self.review)))

    def disputed(self) -> list[int]:
        """The rows that annotators disagree about and nobody settled, in the order of the file."""
        with self._lock:
            return [int(at) + 1 for at in self.statuses.judged_by_several() if self._is_disputed(int(at) + 1)]

    def _is_disputed(self, row: int) -> bool:
        decisions = self.review.decisions(row)
        last = decisions[-1].number if decisions else 0
        known = self._disputes.get(row)
        if known is None or known[0] != last:
            known = self._disputes[row] = last, self._disagree(row, decisions)
        return known[1]

    def _disagree(self, row: int, decisions: Sequence[Decision]) -> bool:
        """Whether annotators disagree; the row is read only where somebody changed it or chose among answers."""
        said: dict[str, list[Decision]] = {}
        for decision in decisions:
            if not decision.final:
                said.setdefault(decision.annotator, []).append(decision)
        done = [in_effect(theirs)[0] for theirs in said.values()]
        if all(isinstance(each.action, _PLAIN) for theirs in done for each in theirs):
            return len({status for theirs in done if (status := status_of(theirs, ())) in VERDICTS}) > 1
        return settled(self.review.source.original(row), decisions).status == "disputed"

    def column(self, seat: Seat) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
        """The number of the status of each row by somebody."""
        return self.statuses.of(seat.name, seat.final)

    def pace(self, seat: Seat) -> Pace:
        """How far somebody is."""
        share = self.share(seat)
        done = int(decided(self.column(seat)[share]).sum())
        with self._lock:
            log = self._logs.get(seat, [])[-_RECENT:]
        times = [each.time for each in log if isinstance(each.action, _MOVING)]
        gaps = [later - earlier for earlier, later in pairwise(times) if later - earlier < _PAUSE]
        return Pace(done, len(share), 60 * len(gaps) / sum(gaps) if len(gaps) > 2 and sum(gaps) > 0 else None)

    # -- going through the rows --------------------------------------------------------------------

    def queue(self, seat: Seat, wanted: Filter) -> Rows:
        """The rows of somebody that fit a filter, in their order, from 0."""
        return self.finder.rows(wanted, partial(self.statuses.of, seat.name, seat.final), self.share(seat))

    def next(self, seat: Seat, wanted: Filter, leaving: int | None = None, *, passing: bool = False) -> int | None:
        """The row to look at next, from 1; `leaving` is the one at hand, which is passed over or is decided on.

        The first of the queue without a verdict that was not passed over; those come again at the end. A filter by
        status goes through its rows one after the other. None where none is left.
        """
        with self._lock:
            place = self._places.setdefault(seat, _Place())
            if passing and place.at + 1 < len(place.shown):
                place.at += 1
                return place.shown[place.at]
            if passing and leaving is not None:
                place.passed.add(leaving)
            rows = self.queue(seat, wanted)
            row = self._after(rows, leaving) if wanted.status else self._first(rows, seat, place, leaving)
            if row is not None:
                place.show(row)
            return row

    def _first(self, rows: Rows, seat: Seat, place: _Place, leaving: int | None) -> int | None:
        left = rows[~decided(self.column(seat)[rows])] + 1
        fresh = (int(row) for row in left if int(row) not in place.passed)
        row = next(fresh, None)
        if row is None and len(left):  # only those passed over are left: they come again
            place.passed.clear()
            row = next((int(each) for each in left if int(each) != leaving), int(left[0]))
        return row

    def _after(self, rows: Rows, leaving: int | None) -> int | None:
        if not len(rows):
            return None
        found = np.flatnonzero(rows == (leaving or 0) - 1)
        return int(rows[(int(found[0]) + 1) % len(rows)]) + 1 if len(found) else int(rows[0]) + 1

    def back(self, seat: Seat, row: int) -> int:
        """The row that was shown before; the same where there is none."""
        with self._lock:
            place = self._places.setdefault(seat, _Place())
            if place.at > 0:
                place.at -= 1
                return place.shown[place.at]
            return row

    def show(self, seat: Seat, row: int) -> None:
        """Note that a row was asked for by its number."""
        with self._lock:
            self._places.setdefault(seat, _Place()).show(row)

    # -- deciding ----------------------------------------------------------------------------------

    def do(self, seat: Seat, wish: Wish, wanted: Filter) -> Answer:
        """Have something done. It is on the disk when this returns.

        Raises:
            UnfitError: the row has not what is spoken of; nothing was done.
            OutputError: the journal cannot be written; nothing was done.
        """
        with self._lock:
            known = self.review.journal.find(wish.id)
            if known is not None:  # the answer to it was lost on its way
                return self._told(seat, known, wanted)
            if isinstance(wish.action, (Undo, Redo)):
                row = self._undoable(seat, wish.action)
                action: Action = wish.action
            else:
                row = wish.row
                action = self._fitting(seat, row, wish.action)
            key = self.review.source.key(row)
            decision = Decision(row, key, seat.name, self._clock(), action, wish.id, final=seat.final)
            (written,) = self.review.journal.append([decision])
            self.refresh()
            return self._told(seat, written, wanted)

    def _told(self, seat: Seat, decision: Decision, wanted: Filter) -> Answer:
        row = self.review.row_of(decision) or decision.row
        said = f"Row {row:,}: {told(decision.action)}."
        if isinstance(decision.action, _MOVING):
            return Answer(self.next(seat, wanted, row), said)
        self.show(seat, row)
        return Answer(row, said)

    def _undoable(self, seat: Seat, action: Undo | Redo) -> int:
        done, undone = in_effect(self._logs.get(seat, []))
        stack = done if isinstance(action, Undo) else undone
        if not stack:
            raise UnfitError("there is nothing to undo" if isinstance(action, Undo) else "there is nothing to redo")
        return self.review.row_of(stack[-1]) or stack[-1].row

    def _fitting(self, seat: Seat, row: int, action: Action | Fix) -> Action:
        """The action to write, which fits the row as it stands."""
        original = self.review.source.original(row)
        state = self.state(seat, original)
        if isinstance(action, Fix):
            raw, codes = self.check.mended(now(original, state), action.code)
            if not codes:
                raise UnfitError("lint offers no fix here")
            action = Rewrite(_text_of(raw), codes)
        if isinstance(action, Adopt):
            if not seat.final or action.annotator not in self.others(self.review.row(row)):
                raise UnfitError("there is nobody's row to take")
            return action
        if isinstance(action, Edit):
            action = _with_line_ends(action, state)
        _refuse_unwritable(original, applied(state, action))
        return action


def _with_line_ends(action: Edit, state: RowState) -> Edit:
    """The edit with the line ends of the message: a browser makes them all alike."""
    messages = state.example.all_messages() if state.example else []
    if not 0 <= action.message < len(messages):
        return action
    message = messages[action.message]
    old = (message.reasoning or "") if action.reasoning else message.text
    if "\r" in old and "\r" not in action.text:
        action = msgspec.structs.replace(action, text=with_line_ends(action.text, old))
    if action.text == old and action.part is None:
        raise UnfitError("nothing was changed")
    return action


def _refuse_unwritable(original: Original, state: RowState) -> None:
    """UnfitError where the format of the row cannot hold what was made of it: better now than at the export."""
    if state.format is None:
        return
    try:
        state.written()
    except RowError as error:
        raise UnfitError(f"{error.reason}: convert the file to another format first") from error
    if lost := state.lost(original):
        names = " and ".join(sorted(feature.value for feature in lost))
        raise UnfitError(f"{state.format.name} cannot hold {names}: convert the file to another format first")


def _text_of(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnfitError("bytes that are no UTF-8 would be left in the row: mend it as text") from None


def now(original: Original, state: RowState) -> bytes:
    """The bytes of a row as it stands, answers under the names that the source gave them.

    Those of the source, where its format cannot hold what was made of it: the export will say so.
    """
    if state.raw is not None:
        return state.raw
    if state.example is None or state.format is None:
        return original.raw
    try:
        return dumps(state.format.encode(state.example))
    except RowError:  # decisions made elsewhere; here they are refused
        return original.raw
