"""Rows of a file: bytes in, one parsed value at a time out, and nothing refused in silence.

orjson reads; what it refuses, or would change (integers beyond 64 bits become floats, digits that a float does not
keep are dropped), goes the slow path of `diagnose`, which names each mistake.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, TypeAlias

import msgspec
import orjson

from dsforge.errors import InputError
from dsforge.example import JSON
from dsforge.io.compression import BROKEN
from dsforge.io.diagnose import MAX_DEPTH, Problem, diagnose
from dsforge.io.encoding import UTF8_BOM
from dsforge.io.json_array import Place, iter_array, iter_documents
from dsforge.io.jsonl import iter_batches, iter_lines, lines_of
from dsforge.io.source import Source, open_source

if TYPE_CHECKING:
    from dsforge.io.container import TableRow

Layout: TypeAlias = Literal["jsonl", "array", "documents", "table"]
"""One row to a line, a JSON array of rows, JSON objects written over several lines, or a table's rows."""


class Row(msgspec.Struct):
    """A row that parsed: `number`, `line` and `column` from 1, `offset` in bytes, `raw` as it stands.

    A row of a table is written as JSON in `raw`; it has a line (of the CSV file, of the sheet), and no other place.
    """

    number: int
    line: int
    offset: int
    raw: bytes
    value: JSON
    column: int = 1
    in_table: bool = False

    def place(self, line: int, column: int) -> tuple[int, int]:
        """The place in the file of a place in the row."""
        if self.in_table:
            return self.line, 1
        return self.line + line - 1, column + (self.column - 1 if line == 1 else 0)


class Refused(msgspec.Struct):
    """A row that did not parse, with every problem found in it (their places are relative to the row)."""

    number: int
    line: int
    offset: int
    raw: bytes
    problems: list[Problem]
    column: int = 1
    in_table: bool = False

    def place(self, problem: Problem) -> tuple[int, int]:
        """The place in the file of a problem."""
        if self.in_table:
            return self.line, 1
        return self.line + problem.line - 1, problem.column + (self.column - 1 if problem.line == 1 else 0)


FlawKind: TypeAlias = Literal["structure", "blank line", "byte order mark", "several lines", "other encoding"]


class Flaw(msgspec.Struct, frozen=True):
    """A mistake between rows: a blank line, a missing comma in the array around them."""

    kind: FlawKind
    line: int
    column: int
    message: str
    help: str


_OUTLINE = bytes.maketrans(b"123456789.E{", b"0000000000e[")
_LONG_NUMBER = b"0" * 16  # 9007199254740993.0 is the shortest that changes
_TINY_NUMBER = b"0e-000"
_LONG = re.compile(rb"(?:0\.0*)?[1-9][\d.]{15,}(?:[eE][+-]?\d+)?")
_KEPT = re.compile(
    rb"0\.0{0,40}[1-9]\d{0,16}(?:[eE]-\d\d?)?"  # at most 17 digits, none before the point
    rb"|(?![\d.]{19})(?:\d+|\d{1,15}\.\d+(?:[eE]-\d\d?)?)"
)
_TINY = re.compile(rb"\d[eE]-\d{3}")


def parse(raw: bytes, strict: bool = False) -> tuple[JSON, list[Problem]]:
    """The value of one row and the problems that make it unfit (then the value is a best guess).

    `strict` also refuses duplicate keys, of which every parser keeps only the last.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _parse_slowly(raw)
    outline = raw.translate(_OUTLINE)
    if (
        (_LONG_NUMBER in outline and not all(map(_KEPT.fullmatch, _LONG.findall(raw))))
        or (_TINY_NUMBER in outline and _TINY.search(raw))
        or (outline.count(b"[") > MAX_DEPTH and _is_too_deep(value))
        or (strict and _may_repeat_key(raw, orjson.dumps(value), outline))
    ):
        found = diagnose(raw)
        return found.value, found.problems
    return value, []


def _values_at_once(block: bytes, lines: list[bytes], strict: bool) -> tuple[list[JSON], list[int]] | None:
    """`(values, indexes of the lines to look at more closely)` of many rows; None where all have to be looked at."""
    if b"\r" in block:
        return None
    try:
        values = [*map(orjson.loads, lines)]
        written = b"\n".join(map(orjson.dumps, values)) if strict else b""
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # nested too deep to be written
        return None
    outline = block.translate(_OUTLINE)
    if strict and _may_repeat_key(block, written, outline, block.endswith(b"\n")):
        return None
    outlines = lines_of(outline)
    doubtful = [at for at, line in enumerate(outlines) if line.count(b"[") > MAX_DEPTH]
    for mark in (_LONG_NUMBER, _TINY_NUMBER):
        if mark in outline:
            doubtful += [at for at, line in enumerate(outlines) if mark in line]
    return values, doubtful


def _parse_slowly(raw: bytes) -> tuple[JSON, list[Problem]]:
    """What orjson refused: a mistake that has a name, or an integer of hundreds of digits, which is none."""
    found = diagnose(raw)
    if found.problems or _is_json(raw):
        return found.value, found.problems
    return found.value, [_unexplained()]


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except ValueError:
        return False
    return True


def _is_too_deep(value: JSON) -> bool:
    """Whether the value nests deeper than MAX_DEPTH."""
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


_SPACE_BEFORE_COLON = re.compile(rb'"[ \t\r\n]+:')


def _has_exponent(outline: bytes) -> bool:
    """Whether a number with an exponent may stand for a value in the outline of a row, or of many; False is certain."""
    at = outline.find(b"0e")
    while at >= 0:
        before = outline[max(0, at - 400) : at].rstrip(b"0-").rstrip()
        if before[-1:] in b":[,":
            return True
        at = outline.find(b"0e", at + 2)
    return False


def _may_repeat_key(raw: bytes, written: bytes, outline: bytes, more: int = 0) -> bool:
    """Whether an object in the row, or in one of many, may hold a key twice; False is certain.

    `written` is what was parsed, which has lost all but the last of equal keys, written anew, as short as JSON can be
    but for numbers with an exponent. It is as long as the row (which may have so many bytes `more`) only if no key was
    lost. Of a row with white space or escapes, it has as many `":`, one to a key and those within texts; unless white
    space stands before a colon or one of the two characters is written as an escape, where the count says nothing.
    """
    if len(written) + more == len(raw) and not _has_exponent(outline):
        return False
    if raw.count(b'":') != written.count(b'":') or b"\\u00" in raw:
        return True
    may_have_space = b'" ' in raw or b'"\t' in raw or b'"\n' in raw or b'"\r' in raw
    return may_have_space and _SPACE_BEFORE_COLON.search(raw) is not None


def _sniff(file: BinaryIO, array_is_row: Callable[[JSON], bool] | None) -> Layout:
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
    is_array = isinstance(value, list) and not second and not (array_is_row and array_is_row(value))
    return "array" if is_array else "jsonl"


class Batch(NamedTuple):
    """Lines of a JSONL file: the number of the first and its offset, their values, and which need a closer look."""

    line: int
    offset: int
    lines: list[bytes]
    values: list[JSON]
    doubtful: frozenset[int]


RawRow: TypeAlias = "tuple[int, int, int, int, bytes]"
"""`(number, line, column, offset, bytes)` of a row, as in `Row`."""


class RowReader:
    """Iterates over the rows of a file as `Row` or `Refused`; what lies between rows is in `flaws`.

    `start` and `end` restrict a JSONL file to the lines beginning in that range of bytes (numbers and
    lines then count from `start`); only a `splittable` one has such ranges. `count` and `lines` are how many
    rows, and lines of a JSONL file, were read. `encoding` names that of text, which is else told from it: then the
    attribute says what was found.
    `array_is_row` says of an array that stands alone in the file whether it is one row, or an array of rows.
    `notices` are lines for the user, complete when all rows were read. Use it once.

    Raises:
        InputError: on construction, where the file cannot be read as rows at all.
        UsageError: on construction, where there is no such encoding.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        strict: bool = False,
        start: int = 0,
        end: int | None = None,
        encoding: str = "auto",
        array_is_row: Callable[[JSON], bool] | None = None,
    ) -> None:
        self.path = str(source)
        self.strict = strict
        self.flaws: list[Flaw] = []
        self._range = (start, end)
        opened = open_source(source, encoding)
        self._file, self.notices, self.compressed = opened.file, opened.notices, opened.compressed
        self.encoding = opened.encoding
        if self.encoding != "utf-8":
            self.flaws.append(Flaw("other encoding", 1, 1, f"the file is in {self.encoding.upper()}, not UTF-8",
                                   "save it as UTF-8"))  # fmt: skip
        self.count = 0
        self.lines = 0
        self._unfit: dict[int, list[Problem]] = {}
        self._table: Iterator[TableRow] | None = None
        if opened.container:
            self._table = _table_rows(opened)
        with self._unpacking():
            self.layout: Layout = "table" if self._table else "jsonl" if start else _sniff(self._file, array_is_row)
        self.splittable = self.layout == "jsonl" and opened.plain

    def close(self) -> None:
        """Close the file without reading it."""
        self._file.close()

    def text(self) -> BinaryIO:
        """The whole file in UTF-8, instead of its rows."""
        return self._file

    def __iter__(self) -> Iterator[Row | Refused]:
        return self._parsed_lines() if self.layout == "jsonl" else map(self.parsed, self.raw_rows())

    def _parsed_lines(self) -> Iterator[Row | Refused]:
        for batch in self.batches():
            yield from self.rows_of(batch)

    def batches(self) -> Iterator[Batch]:
        """The lines of a JSONL file, many at a time.

        For who looks at many rows at once, and then either calls `rows_of`, or counts them with `note`.
        """
        return itertools.starmap(self.batch, self.blocks())

    def blocks(self) -> Iterator[tuple[int, int, bytes]]:
        """`(number of the first line, its offset, block)` of a JSONL file, many lines at a time.

        For who counts rows with `note`, and gives the others, whole lines, to `batch`.
        """
        with self._file, self._unpacking():
            line = 1
            for offset, block in iter_batches(self._file, *self._range):
                yield line, offset, block
                line += block.count(b"\n") + (not block.endswith(b"\n"))

    def batch(self, line: int, offset: int, block: bytes) -> Batch:
        """The lines of a block, the first of which has this number and this offset."""
        lines = lines_of(block)
        parsed = _values_at_once(block, lines, self.strict)
        values, doubtful = parsed or ([None] * len(lines), range(len(lines)))
        return Batch(line, offset, lines, values, frozenset(doubtful))

    def rows_of(self, batch: Batch) -> Iterator[Row | Refused]:
        """The rows of a batch."""
        line, offset = batch.line, batch.offset
        for at, (raw, value) in enumerate(zip(batch.lines, batch.values, strict=True)):
            if at not in batch.doubtful:
                self.count += 1
                self.lines = line
                yield Row(self.count, line, offset, raw, value)
            elif row := self.row_of_line(line, offset, raw.removesuffix(b"\r")):
                yield self.parsed(row)
            line += 1
            offset += len(raw) + 1

    def note(self, line: int, rows: int) -> None:
        """Count the lines from this number on as so many rows."""
        self.count += rows
        self.lines = line + rows - 1

    def raw_rows(self) -> Iterator[RawRow]:
        """The rows as they stand, not parsed."""
        rows = {"jsonl": self._lines, "table": self._cells}.get(self.layout, self._elements)
        with self._file, self._unpacking():
            yield from rows()

    @contextmanager
    def _unpacking(self) -> Iterator[None]:
        try:
            yield
        except BROKEN as error:
            raise InputError(f"{self.path} cannot be unpacked beyond row {self.count:,}: {error}") from error

    def parsed(self, row: RawRow) -> Row | Refused:
        """A raw row, parsed."""
        number, line, column, offset, raw = row
        in_table = self._table is not None
        value, problems = (None, self._unfit.pop(number)) if number in self._unfit else parse(raw, self.strict)
        if problems:
            return Refused(number, line, offset, raw, problems, column, in_table)
        return Row(number, line, offset, raw, value, column, in_table)

    def _cells(self) -> Iterator[RawRow]:
        assert self._table is not None
        blank: list[int] = []
        for line, raw, problems in self._table:
            if not raw:
                blank.append(line)
                continue
            # blank rows at the end are what spreadsheets leave behind, those between rows are a mistake
            self.flaws += [Flaw("blank line", number, 1, "a blank row", "remove it") for number in blank]
            blank.clear()
            self.count += 1
            if problems:
                self._unfit[self.count] = list(problems)
            yield self.count, line, 1, 0, raw

    def _lines(self) -> Iterator[RawRow]:
        for line, offset, raw in iter_lines(self._file, *self._range):
            if row := self.row_of_line(line, offset, raw):
                yield row

    def line_batches(self) -> Iterator[tuple[int, bytes]]:
        """`(byte offset, block)` of a JSONL file, many lines at a time.

        For who looks at many rows at once; a line that is to be a row goes to `row_of_line`.
        """
        with self._file, self._unpacking():
            yield from iter_batches(self._file, *self._range)

    def row_of_line(self, line: int, offset: int, raw: bytes) -> RawRow | None:
        """The row that stands in a line, counted; None where it is blank."""
        self.lines = line
        if offset == 0 and raw.startswith(UTF8_BOM):
            raw = self._without_bom(raw)
        if not raw or raw.isspace():
            self.flaws.append(Flaw("blank line", line, 1, "a blank line", "remove it"))
            return None
        self.count += 1
        return self.count, line, 1, offset, raw

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


def _table_rows(opened: Source) -> Iterator[TableRow]:
    from dsforge.io.container import Opened

    assert opened.container is not None
    assert opened.container.rows is not None
    try:
        return opened.container.rows(Opened(opened.name, opened.file, opened.part, opened.notices))
    except BaseException:
        opened.close()
        raise


def read_rows(source: str | Path, *, strict: bool = False) -> RowReader:
    """The rows of a file of any kind (`FILE#PART` for a part of one); `-` is standard input."""
    return RowReader(source, strict=strict)


_BETWEEN = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+', re.DOTALL)


def one_line(row: Row) -> bytes:
    """The row as one line of JSON: its own bytes, without the white space between them where it has several lines."""
    return _BETWEEN.sub(rb"\1", row.raw) if b"\n" in row.raw else row.raw
