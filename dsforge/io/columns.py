"""Rows in flat columns of text, as CSV and Excel hold them.

A column whose values are all text stands as it is; an empty cell is the empty text. Any other column is JSON text
under a header that ends in ` (JSON)`; an empty cell there is a field that the row does not have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from dsforge.errors import InputError, OutputError
from dsforge.example import JSON
from dsforge.io.container import TableRow
from dsforge.io.diagnose import Problem
from dsforge.io.jsonl import dumps
from dsforge.io.rows import parse

JSON_MARK = " (JSON)"

Refusal: TypeAlias = Callable[[JSON], "str | None"]
"""Why a row cannot be written, None where it can."""


def text_json(text: str) -> bytes:
    """Text as JSON. Bytes that were not UTF-8 are put back, so that the row is refused for them."""
    try:
        return orjson.dumps(text)
    except TypeError:
        try:
            return json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return json.dumps(text).encode()


def problem(message: str, help: str) -> Problem:
    """What is wrong with a row of a table."""
    return Problem("syntax", message, help, 0, 1, 1)


class Header:
    """The first row of a table: reads the rows beneath it.

    `cell_name` names a cell for people, given its column from 0 and its line.

    Raises:
        InputError: a column has no header, or two have the same.
    """

    def __init__(self, name: str, cells: Sequence[str], line: int, cell_name: Callable[[int, int], str]) -> None:
        while cells and not cells[-1]:
            cells = cells[:-1]
        if not cells:
            raise InputError(f"{name} has no header: its first row names the columns")
        self._cell_name = cell_name
        self._names: list[str] = []
        self._json: list[bool] = []
        for index, cell in enumerate(cells):
            place = f"{name}: {cell_name(index, line)}"
            if not cell:
                raise InputError(f"{place} is empty, but columns follow it: name the column in the first row")
            self._json.append(cell.endswith(JSON_MARK))
            self._names.append(cell.removesuffix(JSON_MARK))
            if self._names[-1] in self._names[:-1]:
                raise InputError(f"{place} is the second column named {self._names[-1]!r}: give it another name")
        self._keys = [text_json(column) + b":" for column in self._names]

    def row(self, line: int, cells: Sequence[str], problems: Iterable[Problem] = ()) -> TableRow:
        """The row that `cells` hold, those that are missing at its end empty; a blank one where all are empty."""
        if not any(cells):
            return TableRow(line, b"")
        padded = [*cells, *[""] * (len(self._names) - len(cells))]
        found = [*problems, *self._surplus(line, cells)]
        members: list[bytes] = []
        for index, (key, cell) in enumerate(zip(self._keys, padded, strict=False)):
            if not self._json[index]:
                members.append(key + text_json(cell))
            elif cell:
                raw = cell.encode("utf-8", "surrogateescape")
                members.append(key + raw)
                found += self._not_json(index, line, raw)
        if found:
            return TableRow(line, b"[" + b",".join(map(text_json, cells)) + b"]", tuple(found))
        return TableRow(line, b"{" + b",".join(members) + b"}")

    def _surplus(self, line: int, cells: Sequence[str]) -> Iterator[Problem]:
        for index in range(len(self._names), len(cells)):
            if cells[index]:
                place = self._cell_name(index, line)
                yield problem(f"{place} stands in a column without a header", "name the column, or empty the cell")
                return

    def _not_json(self, index: int, line: int, raw: bytes) -> Iterator[Problem]:
        for found in parse(raw)[1]:
            message = f"{self._cell_name(index, line)}, which its header says is JSON: {found.message}"
            pointer = f"/{self._names[index]}{found.pointer}"
            yield Problem(found.kind, f"{message} (character {found.offset + 1})", found.help, 0, 1, 1, pointer)


@dataclass(frozen=True)
class Column:
    """A column to be written: a field of the rows, and whether it stands as plain text."""

    name: str
    plain: bool

    @property
    def header(self) -> str:
        """What stands above it."""
        return self.name if self.plain else self.name + JSON_MARK

    def cell(self, row: dict[str, JSON]) -> str:
        """What stands in it for a row."""
        if self.name not in row:
            return ""
        value = row[self.name]
        return value if self.plain and isinstance(value, str) else dumps(value).decode()


@dataclass(frozen=True)
class Survey:
    """The columns that hold all rows, in the order in which their fields are first met, and how many rows there are.

    `emptied` are the plain columns that some row lacks: it reads back with the empty text.
    """

    columns: list[Column]
    rows: int
    emptied: list[str]

    def notices(self, name: str) -> list[str]:
        """What the user should know of the columns."""
        if not self.emptied:
            return []
        return [f"{name}: a row without one of these fields has an empty cell, which reads back as empty text: "
                f"{', '.join(self.emptied)}"]  # fmt: skip


def no_table_row(row: JSON) -> str | None:
    """Why a row cannot stand in flat columns, None where it can."""
    if not isinstance(row, dict):
        return "a table holds objects with named fields only; write .jsonl"
    if not any(value != "" for value in row.values()):
        return "every cell of the row would be empty, which no reader tells from a blank row; write .jsonl"
    return None


def objects(rows: Iterable[bytes], name: str, refusal: Refusal) -> Iterator[dict[str, JSON]]:
    """The rows, parsed.

    Raises:
        OutputError: one is refused.
    """
    for number, raw in enumerate(rows, 1):
        row = parse(raw)[0]
        if reason := refusal(row):
            raise OutputError(f"{name} cannot hold row {number:,}: {reason}")
        yield row


def survey(rows: Iterable[bytes], name: str, refusal: Refusal, fits: Callable[[str], bool]) -> Survey:
    """Find the columns of rows; text that does not `fits` a cell as it stands makes its column one of JSON."""
    plain: dict[str, bool] = {}
    present: dict[str, int] = {}
    count = 0
    for row in objects(rows, name, refusal):
        count += 1
        for key, value in row.items():
            present[key] = present.get(key, 0) + 1
            if plain.get(key, True):
                plain[key] = isinstance(value, str) and fits(value)
    columns = [
        Column(key, stands and bool(key) and not key.endswith(JSON_MARK) and fits(key)) for key, stands in plain.items()
    ]
    emptied = [column.name for column in columns if column.plain and present[column.name] < count]
    return Survey(columns, count, emptied)
