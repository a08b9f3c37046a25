"""Rows of a file: bytes in, one parsed value at a time out, and nothing refused in silence.

orjson reads; what it refuses, or would change (integers beyond 64 bits become floats), goes the slow
path of `diagnose`, which names each mistake.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import msgspec
import orjson

from dsforge.errors import InputError
from dsforge.example import JSON
from dsforge.io.atomic import atomic_write
from dsforge.io.diagnose import MAX_DEPTH, Problem, diagnose
from dsforge.io.json_array import Place, iter_array, iter_documents
from dsforge.io.jsonl import iter_lines
from dsforge.io.source import UTF8_BOM, open_source

Layout: TypeAlias = Literal["jsonl", "array", "documents"]
"""One row to a line, a JSON array of rows, or JSON objects written over several lines."""


class Row(msgspec.Struct):
    """A row that parsed: `number`, `line` and `column` from 1, `offset` in bytes, `raw` as it stands."""

    number: int
    line: int
    offset: int
    raw: bytes
    value: JSON
    column: int = 1

    def place(self, line: int, column: int) -> tuple[int, int]:
        """The place in the file of a place in the row."""
        return self.line + line - 1, column + (self.column - 1 if line == 1 else 0)


class Refused(msgspec.Struct):
    """A row that did not parse, with every problem found in it (their places are relative to the row)."""

    number: int
    line: int
    offset: int
    raw: bytes
    problems: list[Problem]
    column: int = 1

    def place(self, problem: Problem) -> tuple[int, int]:
        """The place in the file of a problem."""
        return self.line + problem.line - 1, problem.column + (self.column - 1 if problem.line == 1 else 0)


FlawKind: TypeAlias = Literal["structure", "blank line", "byte order mark", "several lines"]


class Flaw(msgspec.Struct, frozen=True):
    """A mistake between rows: a blank line, a missing comma in the array around them."""

    kind: FlawKind
    line: int
    column: int
    message: str
    help: str


_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_INTEGER = b"0" * 19


def parse(raw: bytes, strict: bool = False) -> tuple[JSON, list[Problem]]:
    """The value of one row and the problems that make it unfit (then the value is a best guess).

    `strict` also refuses duplicate keys, of which every parser keeps only the last.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = diagnose(raw)
        return found.value, found.problems or [_unexplained()]
    if _LONG_INTEGER in raw.translate(_ZEROS) or _is_too_deep(raw, value) or (strict and _may_repeat_key(raw, value)):
        found = diagnose(raw)
        return found.value, found.problems
    return value, []


def _is_too_deep(raw: bytes, value: JSON) -> bool:
    """Whether the value nests deeper than MAX_DEPTH; only a row with as many brackets can."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return False
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for part in level
            if isinstance(part, (dict, list))
            for child in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return False
    return True


def _unexplained() -> Problem:
    return Problem("syntax", "not valid JSON", "compare the row with its neighbours", 0, 1, 1)


def _may_repeat_key(raw: bytes, value: JSON) -> bool:
    """Whether an object in the row may hold a key twice; False is certain.

    A parsed value has lost all but the last of equal keys. Written anew it has as many `":` as the row, one
    to a key and those within texts, only if no key was lost; unless white space stands before a colon or
    one of the two characters is written as an escape, where the count says nothing.
    """
    return (
        raw.count(b'":') != orjson.dumps(value).count(b'":')
        or b"\\u00" in raw
        or b'" :' in raw
        or b'"\t:' in raw
        or b'"\n:' in raw
        or b'"\r:' in raw
    )


def _sniff(file: BinaryIO) -> Layout:
    """Tell the layout from the first lines; leaves the file at its beginning."""
    lines: list[bytes] = []
    for line in file:
        stripped = line.removeprefix(UTF8_BOM).strip()
        if stripped:
            lines.append(stripped)
        if len(lines) == 2:
            break
    file.seek(0)
    first, second = lines[0], lines[1] if len(lines) > 1 else b""
    try:
        value = orjson.loads(first)
    except orjson.JSONDecodeError:
        if first.startswith(b"["):
            return "jsonl" if second.startswith(b"[{") and first.endswith(b"]") else "array"
        if first.startswith(b"{"):
            return "jsonl" if second.startswith((b"{", b"[")) or not second else "documents"
        return "jsonl"
    return "array" if isinstance(value, list) and not second else "jsonl"


RawRow: TypeAlias = "tuple[int, int, int, int, bytes]"
"""`(number, line, column, offset, bytes)` of a row, as in `Row`."""


class RowReader:
    """Iterates over the rows of a file as `Row` or `Refused`; what lies between rows is in `flaws`.

    `start` and `end` restrict a JSONL file to the lines beginning in that range of bytes (numbers and
    lines then count from `start`). `count` and `lines` are how many rows, and lines of a JSONL
    file, were read. Use it once.

    Raises:
        InputError: on construction, where the file cannot be read as rows at all.
    """

    def __init__(self, source: str | Path, *, strict: bool = False, start: int = 0, end: int | None = None) -> None:
        self.path = str(source)
        self.strict = strict
        self.flaws: list[Flaw] = []
        self._range = (start, end)
        self._file = open_source(source)
        self.compressed = isinstance(self._file, gzip.GzipFile)
        self.count = 0
        self.lines = 0
        self.layout: Layout = "jsonl" if start else _sniff(self._file)

    def close(self) -> None:
        """Close the file without reading it."""
        self._file.close()

    def __iter__(self) -> Iterator[Row | Refused]:
        return map(self.parsed, self.raw_rows())

    def raw_rows(self) -> Iterator[RawRow]:
        """The rows as they stand, not parsed."""
        try:
            with self._file:
                yield from self._lines() if self.layout == "jsonl" else self._elements()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{self.path} cannot be unpacked beyond row {self.count:,}: {error}") from error

    def parsed(self, row: RawRow) -> Row | Refused:
        """A raw row, parsed."""
        number, line, column, offset, raw = row
        value, problems = parse(raw, self.strict)
        if problems:
            return Refused(number, line, offset, raw, problems, column)
        return Row(number, line, offset, raw, value, column)

    def _lines(self) -> Iterator[RawRow]:
        for line, offset, raw in iter_lines(self._file, *self._range):
            self.lines = line
            if offset == 0 and raw.startswith(UTF8_BOM):
                raw = self._without_bom(raw)
            if not raw or raw.isspace():
                self.flaws.append(Flaw("blank line", line, 1, "a blank line", "remove it"))
                continue
            self.count += 1
            yield self.count, line, 1, offset, raw

    def _without_bom(self, raw: bytes) -> bytes:
        self.flaws.append(Flaw("byte order mark", 1, 1, "the file begins with a byte order mark (BOM)",
                               "save as UTF-8 without BOM; loaders take it for part of row 1"))  # fmt: skip
        return raw.removeprefix(UTF8_BOM)

    def _elements(self) -> Iterator[RawRow]:
        def flaw(place: Place, message: str, help: str) -> None:
            self.flaws.append(Flaw("structure", *place, message, help))

        skipped = 0
        if self._file.read(3) == UTF8_BOM:
            self._without_bom(b"")
            skipped = 3
        else:
            self._file.seek(0)
        if self.layout == "documents":
            help = "write one row to a line: dsforge convert FILE --to FORMAT -o OUT.jsonl"
            self.flaws.append(Flaw("several lines", 1, 1, "rows are written over several lines", help))
        split = iter_array if self.layout == "array" else iter_documents
        for offset, (line, column), raw in split(self._file, flaw):
            self.count += 1
            yield self.count, line, column, offset + skipped, raw


def read_rows(source: str | Path, *, strict: bool = False) -> RowReader:
    """The rows of a JSONL file, a JSON array or JSON documents, plain or gzip; `-` is standard input."""
    return RowReader(source, strict=strict)


_BETWEEN = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+', re.DOTALL)


def one_line(row: Row) -> bytes:
    """The row as one line of JSON: its own bytes, without the white space between them where it has several lines."""
    return _BETWEEN.sub(rb"\1", row.raw) if b"\n" in row.raw else row.raw


WriteRow: TypeAlias = Callable[[bytes], None]


@contextmanager
def row_writer(path: str | Path) -> Iterator[WriteRow]:
    """Write rows (one-line JSON bytes) atomically: a JSON array where `path` ends in .json, else JSONL."""
    with atomic_write(path) as file:
        if not str(path).endswith(".json"):
            yield lambda row: (file.write(row), file.write(b"\n"), None)[2]
            return
        separator = b"[\n"

        def write(row: bytes) -> None:
            nonlocal separator
            file.write(separator)
            file.write(row)
            separator = b",\n"

        yield write
        file.write(b"\n]\n" if separator == b",\n" else b"[]\n")
