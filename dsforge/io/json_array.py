"""JSON arrays of rows, and JSON objects written over several lines: split into rows while streaming.

Only brackets, braces and strings are looked at, so one broken row does not spoil the others, and each
row keeps its own bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

_CHUNK = 1 << 20
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]|"', re.DOTALL)
_BLANK = b" \t\r\n"
_COMMENTS = {b"//": b"\n", b"#": b"\n", b"/*": b"*/"}
"""How what JSON has not, yet often stands between the rows of an array, begins and ends."""

Place: TypeAlias = "tuple[int, int]"
"""Line and column (in characters), both from 1."""
Flaw: TypeAlias = Callable[[Place, str, str], None]
"""Called with `(place, message, help)` for a mistake between two rows."""
Element: TypeAlias = "tuple[int, Place, bytes]"
"""A row's byte offset, place and bytes."""


class _Splitter:
    """Feeds on chunks of bytes; hands out each value `level` brackets deep."""

    def __init__(self, file: BinaryIO, level: int, flaw: Flaw) -> None:
        self.file = file
        self.level = level
        self.flaw = flaw
        self.buffer = b""
        self.base = 0  # offset in the file of the buffer's first byte
        self.depth = 0
        self.row_place = (1, 1)
        self.begin = -1  # where in the buffer the present row begins; -1 between rows
        self.comma: Place | None = None  # a comma with no row after it yet
        self.line = self.column = 1  # place of the buffer's byte `self.counted`
        self.counted = 0
        self.rows = 0
        self.gap = 0  # where in the buffer the bytes since the last row or comma begin
        self.closed = False

    def refill(self, keep_from: int) -> bool:
        """Drop the bytes before `keep_from`, append the next chunk; False at the end of the file."""
        self.place_of(keep_from)
        self.counted -= keep_from
        chunk = self.file.read(_CHUNK)
        self.base += keep_from
        self.buffer = self.buffer[keep_from:] + chunk
        self.begin = self.begin - keep_from if self.begin >= 0 else -1
        self.gap = max(self.gap - keep_from, 0)
        return bool(chunk)

    def place_of(self, at: int) -> Place:
        """The place of the buffer's byte `at`; asked for in growing order, so each byte is counted once."""
        if at > self.counted:
            breaks = self.buffer.count(b"\n", self.counted, at)
            line_start = self.buffer.rfind(b"\n", self.counted, at) + 1 or self.counted
            width = len(self.buffer[line_start:at].decode("utf-8", "surrogateescape"))
            self.column = width + (1 if breaks else self.column)
            self.line += breaks
            self.counted = at
        return self.line, self.column

    def scan(self) -> Iterator[Element]:
        at = 0
        while True:
            waiting = comment = -1
            for match in _TOKEN.finditer(self.buffer, at):
                if self.begin < 0 and (comment := self.comment_before(match.start())) >= 0:
                    break
                token = match.group()
                if token == b'"':  # a string that goes on in the next chunk
                    waiting = match.start()
                    break
                yield from self.token(token, match.start(), match.end())
            if comment >= 0 and (end := self.end_of_comment(comment)) >= 0:
                self.skip_comment(comment, end)
                at = end
                continue
            at = comment if comment >= 0 else waiting if waiting >= 0 else len(self.buffer)
            keep_from = min(self.begin if self.begin >= 0 else self.gap, at)
            if not self.refill(keep_from):
                yield from self.finish()
                return
            at -= keep_from

    def comment_before(self, at: int) -> int:
        """Where in an array a comment begins that stands between rows, before `at`; -1 where there is none."""
        if self.depth != self.level or not self.level:
            return -1
        text = self.buffer[self.gap : at].lstrip(_BLANK)
        return at - len(text) if text.startswith((b"//", b"#", b"/*")) else -1

    def end_of_comment(self, start: int) -> int:
        """Where it ends; -1 where that is in a later chunk."""
        mark = b"#" if self.buffer[start : start + 1] == b"#" else self.buffer[start : start + 2]
        end = self.buffer.find(_COMMENTS[mark], start + len(mark))
        return end + 2 if mark == b"/*" and end >= 0 else end

    def skip_comment(self, start: int, end: int) -> None:
        self.flaw(self.place_of(start), "a comment between rows; JSON has none", "remove it")
        self.gap = end

    def token(self, token: bytes, start: int, end: int) -> Iterator[Element]:
        if token in b"{[":
            if self.depth == self.level and self.begin < 0:
                yield from self.scalar_row(start)
                self.open_row(start)
            self.depth += 1
            if self.depth == self.level:
                self.gap = end
        elif token in b"}]":
            self.depth -= 1
            if self.depth == self.level and self.begin >= 0:
                yield self.close_row(end)
            elif self.depth < self.level:
                yield from self.close_array(start, end)
        elif self.depth == self.level and self.begin < 0 and token == b",":
            yield from self.separator(start, end)
            # a bare string or scalar between rows stays in the gap and becomes a row of its own

    def open_row(self, start: int) -> None:
        if self.rows and self.comma is None and self.level:
            self.flaw(self.place_of(self.gap), "missing comma between rows", "write `,` after the row before")
        self.begin = start
        self.row_place = self.place_of(start)

    def close_row(self, end: int) -> Element:
        row = self.base + self.begin, self.row_place, self.buffer[self.begin : end]
        self.begin, self.comma, self.gap = -1, None, end
        self.rows += 1
        return row

    def scalar_row(self, end: int) -> Iterator[Element]:
        """What stands between two separators and is neither an object nor an array."""
        text = self.buffer[self.gap : end]
        if text.strip(_BLANK):
            lead = len(text) - len(text.lstrip(_BLANK))
            self.rows += 1
            self.comma = None
            yield self.base + self.gap + lead, self.place_of(self.gap + lead), text.strip(_BLANK)

    def separator(self, start: int, end: int) -> Iterator[Element]:
        yield from self.scalar_row(start)
        if self.comma or not self.rows:
            self.flaw(self.place_of(start), "a comma with no row before it", "remove this comma")
        self.comma, self.gap = self.place_of(start), end

    def close_array(self, start: int, end: int) -> Iterator[Element]:
        yield from self.scalar_row(start)
        if self.comma:
            self.flaw(self.comma, "trailing comma after the last row", "remove this comma")
        self.closed, self.depth, self.gap, self.comma = True, self.level, end, None

    def finish(self) -> Iterator[Element]:
        while self.begin < 0 and (comment := self.comment_before(len(self.buffer))) >= 0:
            end = self.end_of_comment(comment)
            self.skip_comment(comment, end if end >= 0 else len(self.buffer))
        if self.begin >= 0:
            yield self.base + self.begin, self.row_place, self.buffer[self.begin :].rstrip(_BLANK)
        elif self.buffer[self.gap :].strip(_BLANK):
            yield from self.scalar_row(len(self.buffer))
        if self.level and not self.closed:
            self.flaw(
                self.place_of(len(self.buffer)),
                "the array is never closed",
                "write the missing `]`; is the file cut off?",
            )


def iter_array(file: BinaryIO, flaw: Flaw) -> Iterator[Element]:
    """Each element of a top-level JSON array, in bounded memory."""
    return _Splitter(file, 1, flaw).scan()


def iter_documents(file: BinaryIO, flaw: Flaw) -> Iterator[Element]:
    """Each of several JSON values that follow one another over several lines."""
    return _Splitter(file, 0, flaw).scan()
