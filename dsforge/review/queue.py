"""Who sees which rows, and in which order."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from dsforge.errors import UsageError
from dsforge.review.decision import Adopt, Decision
from dsforge.review.index import Index
from dsforge.review.record import in_effect
from dsforge.review.review import Review
from dsforge.review.state import STATUSES, VERDICTS, Status, status_after

Order: TypeAlias = Literal["severity", "uncertainty", "score", "longest", "shortest", "file"]
ORDERS: dict[Order, str] = {
    "severity": "worst findings first",
    "uncertainty": "least certain first",
    "score": "lowest judge score first",
    "longest": "longest first",
    "shortest": "shortest first",
    "file": "as in the file",
}

Rows: TypeAlias = "NDArray[np.int64]"
"""Numbers of rows, from 0."""
_FRESH = 1.0
"""Seconds that an order is good for while findings come in: sorting takes longer than everything else for a row."""
_NUMBER = {status: number for number, status in enumerate(STATUSES)}
_DECIDED = [_NUMBER[status] for status in STATUSES if status in VERDICTS]


class Filter(msgspec.Struct, frozen=True):
    """Which rows are wanted: those that fit everything that is given. Lengths are in characters; 0 is no limit.

    `annotator` is one who did something to the row. `text` is looked for in the row as it stands in the source,
    without regard to the case of letters.
    """

    code: str = ""
    category: str = ""
    status: str = ""
    text: str = ""
    annotator: str = ""
    shortest: int = 0
    longest: int = 0
    order: Order = "severity"

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves out any row."""
        return msgspec.structs.replace(self, order="severity") != Filter()


def shares(first_bits: Sequence[int], annotators: Sequence[str], overlap: float) -> dict[str, Rows]:
    """The rows of each annotator: those of the share `overlap` go to all, every other one to one alone.

    Told by the rows' bytes alone (`first_bits`, as `RowSource.first_bits`): so that the same file gives the same
    shares, and the overlap is a random sample.

    Raises:
        UsageError: a share out of range, or a name twice.
    """
    if not 0 <= overlap <= 1:
        raise UsageError(f"--overlap {overlap:g} is out of range: give a share of the rows, for example 20%")
    if len(set(annotators)) != len(annotators):
        raise UsageError("--annotators names somebody twice")
    ranked = np.argsort(np.array(first_bits, np.uint64), kind="stable")
    common = math.ceil(overlap * len(ranked)) if len(annotators) > 1 else 0
    return {
        name: np.sort(np.concatenate([ranked[:common], ranked[common + at :: len(annotators)]])).astype(np.int64)
        for at, name in enumerate(annotators)
    }


def ordered(index: Index, order: Order) -> Rows:
    """All rows in an order; where it says nothing of two, the worse findings and then the place in the file do."""
    worst = [-index.findings.astype(np.int64), -index.severity.astype(np.int64)]
    keys: dict[str, list[NDArray[np.generic]]] = {
        "severity": [],
        "uncertainty": [np.nan_to_num(_certainty(index), nan=np.inf)],
        "score": [np.nan_to_num(index.score, nan=np.inf)],
        "longest": [-index.characters.astype(np.int64)],
        "shortest": [index.characters],
    }
    if order == "file":
        return np.arange(len(index.severity))
    return np.lexsort([np.arange(len(index.severity)), *worst, *keys[order]])


def _certainty(index: Index) -> NDArray[np.float64]:
    """How far a judge's score is from the middle of all scores, or chosen from rejected; NaN where nothing is known."""
    score, margin = index.score.astype(float), np.abs(index.margin.astype(float))
    known = score[~np.isnan(score)]
    if len(known):
        half = max((known.max() - known.min()) / 2, 1e-9)
        score = np.abs(score - (known.max() + known.min()) / 2) / half
    return np.where(np.isnan(margin), score, margin)


class Statuses:
    """The status of every row by each annotator, and of rows that were settled, as decisions come."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self._of: dict[tuple[str, bool], NDArray[np.int8]] = {}
        self.version = 0
        self._lock = threading.Lock()
        for row in review.touched():
            self.update(row)

    def update(self, row: int) -> None:
        """Take in what was done to a row (from 1)."""
        decisions = self._review.decisions(row)
        with self._lock:
            for name, final in {(each.annotator, each.final) for each in decisions}:
                theirs = [each for each in decisions if (each.annotator, each.final) == (name, final)]
                self._column(name, final)[row - 1] = _NUMBER[status_of(theirs, decisions)]
            self.version += 1

    def _column(self, name: str, final: bool) -> NDArray[np.int8]:
        key = (name, final)
        if key not in self._of:
            self._of[key] = np.zeros(len(self._review), np.int8)
        return self._of[key]

    def of(self, annotator: str, final: bool = False) -> NDArray[np.int8]:
        """The number of the status (as in STATUSES) of each row by one annotator, or by them who settles (`final`)."""
        with self._lock:
            return self._column(annotator, final)

    def names(self) -> list[str]:
        """Everyone who did something."""
        with self._lock:
            return sorted({name for (name, _), column in self._of.items() if column.any()})

    def judged_by_several(self) -> Rows:
        """The rows that two annotators or more gave a verdict on, and that nobody settled."""
        with self._lock:
            verdicts = np.zeros(len(self._review), np.int64)
            is_settled = np.zeros(len(self._review), bool)
            for (_, final), column in self._of.items():
                decided = np.isin(column, _DECIDED)
                if final:
                    is_settled |= decided
                else:
                    verdicts += decided
        return np.flatnonzero((verdicts > 1) & ~is_settled)


def status_of(decisions: Sequence[Decision], among: Sequence[Decision]) -> Status:
    """The status of a row after the decisions of one person, told without the row; `among` are those of all."""
    status: Status = "new"
    for decision in in_effect(decisions)[0]:
        action = decision.action
        if isinstance(action, Adopt):
            theirs = [each for each in among if each.annotator == action.annotator and not each.final]
            status = status_of([each for each in theirs if each.number <= action.upto], ())
        else:
            status = status_after(status, action)
    return status


def decided(statuses: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which rows have a verdict."""
    return np.isin(statuses, _DECIDED)


class Finder:
    """Finds rows by a filter; what was found is remembered until something new is known. Any thread may call."""

    def __init__(self, review: Review, index: Index, statuses: Statuses) -> None:
        self._review, self._index, self._statuses = review, index, statuses
        self._orders: dict[Order, tuple[int, float, Rows]] = {}
        self._texts: dict[str, NDArray[np.bool_]] = {}
        self._lock = threading.Lock()

    def rows(self, wanted: Filter, statuses: Callable[[], NDArray[np.int8]], share: Rows) -> Rows:
        """The rows of `share` that are wanted, in their order; `statuses` gives those that a status is looked up in."""
        mask = np.zeros(len(self._review), bool)
        mask[share] = True
        index = self._index
        if wanted.code:
            has = np.zeros(len(mask), bool)
            has[index.rows_with(wanted.code)] = True
            mask &= has
        if wanted.category:
            mask &= index.in_category(wanted.category)
        if wanted.status in _NUMBER:
            mask &= statuses() == _NUMBER[wanted.status]
        if wanted.annotator:
            mask &= self._statuses.of(wanted.annotator) > 0
        if wanted.shortest:
            mask &= index.characters >= wanted.shortest
        if wanted.longest:
            mask &= (index.characters <= wanted.longest) & (index.severity >= 0)
        if wanted.text:
            with self._lock:  # who asks for the same meanwhile waits for what is found
                mask &= self._with_text(wanted.text)
        order = self._ordered(wanted.order)
        return order[mask[order]]

    def _ordered(self, order: Order) -> Rows:
        """All rows in an order; while findings come in, one that is a second old will do."""
        known = self._orders.get(order)
        version, is_complete = self._index.version, self._index.progress.is_complete
        is_stale = known is None or (known[0] != version and (is_complete or time.monotonic() - known[1] > _FRESH))
        if known is None or is_stale:
            known = self._orders[order] = version, time.monotonic(), ordered(self._index, order)
        return known[2]

    def _with_text(self, text: str) -> NDArray[np.bool_]:
        """The rows whose source has a text; the last few are remembered, for a queue asks again with every row."""
        found = self._texts.get(text)
        if found is None:
            needles = {form.lower().encode() for form in (json.dumps(text, ensure_ascii=False)[1:-1],
                                                          json.dumps(text)[1:-1])}  # fmt: skip
            rows = range(1, len(self._review) + 1)
            lowered = (_lowered(self._review.source.raw(row)) for row in rows)
            found = np.fromiter((any(each in raw for each in needles) for raw in lowered), bool, len(self._review))
            while len(self._texts) > 3:
                self._texts.pop(next(iter(self._texts)))
            self._texts[text] = found
        return found


def _lowered(raw: bytes) -> bytes:
    return raw.lower() if raw.isascii() else raw.decode("utf-8", "surrogateescape").lower().encode("utf-8", "replace")
