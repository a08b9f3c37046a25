"""What the queue needs to know of every row, in columns: about 20 bytes for each, filled while the page is used."""

from __future__ import annotations

import math
import os
import sys
import threading
from array import array
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from dsforge.example import JSON, Example
from dsforge.finding import SEVERITIES, Finding
from dsforge.formats.format import Format, get_format
from dsforge.review.check import Check
from dsforge.review.source import RowSource
from dsforge.review.state import read_row

_CHUNK = 1 << 19
"""Bytes of rows that are looked at together: a few hundred rows, so that the queue gets better soon."""
_GRACE = 0.7
"""Seconds that the first page has the processor for itself."""
_JUDGE = "judge"
UNREADABLE = "unreadable"
"""The category under which rows that cannot be read are listed."""


class Chunk(msgspec.Struct):
    """What was found in rows one after the other, the first of them number `first` (from 0); a list has one for each.

    `severity` counts from 0 (nothing found) to 3 (an error). `codes` gives the rows of each rule. `score` is what a
    judge gave, `margin` how far chosen is scored above rejected; NaN where nothing is known.
    """

    first: int
    severity: list[int]
    findings: list[int]
    characters: list[int]
    category: list[str]
    score: list[float]
    margin: list[float]
    codes: dict[str, list[int]]


class _Told(msgspec.Struct, tag=True):
    """A message of the process that looks through the rows."""

    chunk: Chunk | None = None
    whole: list[Finding] | None = None
    failure: str = ""


class Progress(NamedTuple):
    """How far the looking is: rows looked at, and whether findings among rows are there too."""

    rows: int
    is_complete: bool
    failure: str


class Index:
    """The columns. `version` grows with everything that comes. Any thread may call.

    `severity` is -1 for a row that has not been looked at.
    """

    def __init__(self, rows: int) -> None:
        self.severity: NDArray[np.int8] = np.full(rows, -1, np.int8)
        self.findings: NDArray[np.uint16] = np.zeros(rows, np.uint16)
        self.characters: NDArray[np.uint32] = np.zeros(rows, np.uint32)
        self.score: NDArray[np.float32] = np.full(rows, np.nan, np.float32)
        self.margin: NDArray[np.float32] = np.full(rows, np.nan, np.float32)
        self.category: NDArray[np.int32] = np.zeros(rows, np.int32)
        self.categories: list[str] = [""]
        self.whole: dict[int, list[Finding]] = {}
        self.version = 0
        self.progress = Progress(0, False, "")
        self._numbers: dict[str, int] = {"": 0}
        self._codes: dict[str, array[int]] = {}
        self._tagged: dict[int, int] = {}
        self._lock = threading.Lock()

    def take(self, chunk: Chunk) -> None:
        """Put in what was found in a chunk."""
        place = slice(chunk.first, chunk.first + len(chunk.severity))
        with self._lock:
            self.severity[place] = chunk.severity
            self.findings[place] = np.minimum(chunk.findings, 65535)
            self.characters[place] = chunk.characters
            self.score[place] = chunk.score
            self.margin[place] = chunk.margin
            self.category[place] = [self._number(name) for name in chunk.category]
            for code, rows in chunk.codes.items():
                self._codes.setdefault(code, array("I")).extend(rows)
            self.progress = Progress(place.stop, False, "")
            self.version += 1

    def tag(self, at: int, category: str | None) -> None:
        """Have a row (from 0) in the category that somebody gave it; None: in that of the source again."""
        with self._lock:
            if category is None:
                self._tagged.pop(at, None)
            else:
                self._tagged[at] = self._number(category)

    def in_category(self, category: str) -> NDArray[np.bool_]:
        """Which rows are in a category, as it stands now."""
        with self._lock:
            number = self._numbers.get(category, -1)
            mask: NDArray[np.bool_] = self.category == number
            for at, tagged in self._tagged.items():
                mask[at] = tagged == number
        return mask

    def _number(self, category: str) -> int:
        known = self._numbers.get(category)
        if known is None:
            known = self._numbers[category] = len(self.categories)
            self.categories.append(category)
        return known

    def take_whole(self, findings: Sequence[Finding]) -> None:
        """Put in what was found among rows; the looking is complete then."""
        with self._lock:
            for finding in findings:
                at = finding.row - 1
                if 0 <= at < len(self.severity):
                    self.whole.setdefault(at, []).append(finding)
                    self.severity[at] = max(int(self.severity[at]), _rank(finding))
                    self.findings[at] = min(65535, int(self.findings[at]) + 1)
                    self._codes.setdefault(finding.code, array("I")).append(at)
            self.progress = Progress(len(self.severity), True, "")
            self.version += 1

    def fail(self, reason: str) -> None:
        """Say why the looking ended before its time."""
        with self._lock:
            self.progress = self.progress._replace(failure=reason)

    def codes(self) -> dict[str, int]:
        """Rows by the code of what was found in them so far."""
        with self._lock:
            return {code: len(rows) for code, rows in sorted(self._codes.items())}

    def rows_with(self, code: str) -> NDArray[np.uint32]:
        """The numbers, from 0, of rows with a code."""
        with self._lock:
            return np.array(self._codes.get(code, ()), np.uint32)


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity) + 1


class Watch:
    """Looks through the rows in a process beside the page, and fills the index as it goes.

    The process works at low priority, begins a moment after the page is up, and ends when this one does.
    """

    def __init__(self, source: RowSource, index: Index, check: Check) -> None:
        ours, theirs = get_context("spawn").Pipe(duplex=False)
        name = source.format.name if source.format else ""
        self._process = get_context("spawn").Process(
            target=look_through, args=(source.path, name, source.digest, check, theirs), daemon=True
        )
        self._index = index
        self._ours, self._theirs = ours, theirs
        self._is_closed = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        if self._is_closed.wait(_GRACE):
            return
        self._process.start()
        self._theirs.close()
        decoder = msgspec.msgpack.Decoder(_Told)
        try:
            while not self._index.progress.is_complete:
                told = decoder.decode(self._ours.recv_bytes())
                if told.chunk:
                    self._index.take(told.chunk)
                if told.whole is not None:
                    self._index.take_whole(told.whole)
                if told.failure:
                    self._index.fail(told.failure)
                    return
        except (EOFError, OSError):
            self._index.fail("the process that looks for findings has ended")

    def close(self) -> None:
        """End the process."""
        self._is_closed.set()
        if self._process.pid is not None:
            self._process.terminate()
            self._process.join(5)


def look_through(path: str, format_name: str, digest: str, check: Check, out: Connection) -> None:
    """Look at every row of a file, then at the whole, and tell of it chunk by chunk. Runs in a process of its own."""
    if sys.platform != "win32":
        os.nice(10)
    encoder = msgspec.msgpack.Encoder()
    try:
        fmt = get_format(format_name) if format_name else None
        source = RowSource(path, fmt)
        if source.digest != digest:
            out.send_bytes(encoder.encode(_Told(failure=f"{path} has changed since it was opened: start again")))
            return
        start = 0
        while start < len(source):
            end = _end_of_chunk(source.sizes, start)
            rows = [(at + 1, source.raw(at + 1)) for at in range(start, end)]
            out.send_bytes(encoder.encode(_Told(chunk=_looked_at(start, rows, fmt, check))))
            start = end
        out.send_bytes(encoder.encode(_Told(whole=list(check.whole(path)))))
    except ConnectionError:  # the page was closed
        return
    except Exception as error:  # noqa: BLE001 - told on the page, which goes on without findings
        out.send_bytes(encoder.encode(_Told(failure=f"{type(error).__name__}: {error}")))


def _end_of_chunk(sizes: Sequence[int], start: int) -> int:
    total, end = 0, start
    while end < len(sizes) and total < _CHUNK:
        total += sizes[end]
        end += 1
    return end


def _looked_at(first: int, rows: list[tuple[int, bytes]], fmt: Format | None, check: Check) -> Chunk:
    chunk = Chunk(first, [], [], [], [], [], [], {})
    for at, ((_, raw), findings) in enumerate(zip(rows, check.many(rows), strict=True), first):
        _, _, example, _ = read_row(raw, fmt)
        chunk.severity.append(max(map(_rank, findings), default=0))
        chunk.findings.append(len(findings))
        chunk.characters.append(len(raw) if example is None else characters_of(example))
        chunk.category.append(UNREADABLE if example is None else category_of(example))
        chunk.score.append(math.nan if example is None else score_of(example))
        chunk.margin.append(math.nan if example is None else margin_of(example))
        for code in {finding.code for finding in findings}:
            chunk.codes.setdefault(code, []).append(at)
    return chunk


def characters_of(example: Example) -> int:
    """The characters of all texts of a row."""
    return sum(len(message.text) + len(message.reasoning or "") for message in example.all_messages())


def category_of(example: Example) -> str:
    """The category of a row, "" where it has none."""
    category = example.meta.get("category")
    return category if isinstance(category, str) else ""


def _number_in(value: JSON) -> float:
    if isinstance(value, dict):
        value = value.get("score")
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def score_of(example: Example) -> float:
    """What a judge gave the row (`dsforge augment --method judge`, or a field `score`); NaN where there is nothing."""
    for name in (_JUDGE, "score"):
        found = _number_in(example.meta.get(name, example.extra.get(name)))
        if not math.isnan(found):
            return found
    return math.nan


def margin_of(example: Example) -> float:
    """How much higher the chosen answer is scored than the rejected one; NaN where they are not scored."""
    fields = {**example.meta, **example.extra}
    return _number_in(fields.get("score_chosen")) - _number_in(fields.get("score_rejected"))
