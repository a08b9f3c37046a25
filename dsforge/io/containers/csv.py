"""CSV and TSV, as spreadsheets write and open them: UTF-8 with a byte order mark, quoted by RFC 4180.

A cell that a spreadsheet would run as a formula gets a `'` in front, which reading takes off again.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from dsforge.errors import InputError, OutputError
from dsforge.example import JSON
from dsforge.io.columns import Header, Survey, no_table_row, objects, problem, survey
from dsforge.io.container import Container, Opened, Rows, TableRow
from dsforge.io.encoding import UTF8_BOM

_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARDED = re.compile("'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_QUOTED = re.compile(r'"[^"]*"?')
_LONGEST = 1 << 26  # characters of a cell or a record, beyond which a quote was surely never closed
_EXCEL_CELL = 32_767


class _Records:
    """The records of a CSV file, each with the line it begins on and its own text."""

    def __init__(self, opened: Opened, delimiter: str) -> None:
        import csv

        csv.field_size_limit(_LONGEST)
        self._error = csv.Error
        self._name = opened.name
        self._text = io.TextIOWrapper(opened.file, encoding="utf-8", errors="surrogateescape", newline="")
        self._record: list[str] = []
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)

    def _lines(self) -> Iterator[str]:
        length = 0
        for line in self._text:
            length = length + len(line) if self._record else len(line)
            if length > _LONGEST:
                start = self._reader.line_num - len(self._record) + 1
                raise InputError(f'{self._name}: the row on line {start:,} does not end; is a `"` never closed?')
            self._record.append(line)
            yield line

    def __iter__(self) -> Iterator[tuple[int, list[str], str]]:
        """`(line, cells, what is wrong)`; broken quoting gives the record's text as its only cell."""
        while True:
            line = self._reader.line_num + 1
            self._record.clear()
            try:
                yield line, next(self._reader), ""
            except StopIteration:
                return
            except self._error as error:
                yield line, ["".join(self._record).rstrip("\r\n")], str(error)


def _delimiter(opened: Opened) -> str:
    """The character between cells, told from the first line: a comma wherever there is one."""
    if opened.name.lower().endswith((".tsv", ".tsv.gz", ".tsv.zst")):
        return "\t"
    first = _QUOTED.sub("", opened.file.readline(_LONGEST).decode("utf-8", "replace"))
    opened.file.seek(0)
    return next((char for char in ",;\t" if char in first), ",")


def _rows(opened: Opened) -> Iterator[TableRow]:
    delimiter = _delimiter(opened)
    if delimiter == ";":
        opened.notices.append(f"{opened.name} has `;` between its cells")
    if opened.file.read(len(UTF8_BOM)) != UTF8_BOM:
        opened.file.seek(0)
    records = iter(_Records(opened, delimiter))
    line, cells, broken = next(records, (1, [], ""))
    if broken:
        raise InputError(f"{opened.name}:{line}: the header cannot be read: {broken}")
    header = Header(
        opened.name, [_unguarded(cell) for cell in cells], line, lambda column, line: f"column {column + 1}"
    )
    return _under(header, len(cells), records, opened)


def _under(
    header: Header, width: int, records: Iterable[tuple[int, list[str], str]], opened: Opened
) -> Iterator[TableRow]:
    unguarded = 0
    for line, cells, broken in records:
        problems = []
        if broken:
            problems.append(problem(f"broken quoting: {broken}", 'write `"` within a quoted cell as `""`'))
        elif cells and len(cells) != width:
            problems.append(
                problem(
                    f"the row has {len(cells)} cell{'s' * (len(cells) != 1)}, the header {width}",
                    "put a cell that holds a comma, a quote or a line break in quotes",
                )
            )
        plain = [_unguarded(cell) for cell in cells]
        unguarded += sum(one is not other for one, other in zip(plain, cells, strict=True))
        yield header.row(line, plain, problems)
    if unguarded:
        opened.notices.append(
            f"{opened.name}: the ' that keeps spreadsheets from running a cell as a formula was taken off "
            f"{unguarded:,} cells"
        )


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell) else cell


def _guarded(cell: str) -> str:
    return "'" + cell if _FORMULA.match(cell) else cell


def _fits(text: str) -> bool:
    return "\x00" not in text


def _write(file: BinaryIO, rows: Rows, name: str, hf_compat: bool) -> list[str]:
    import csv

    found = survey(rows(), name, _refusal, _fits)
    delimiter = "\t" if ".tsv" in name.lower()[-8:] else ","
    guarded = long = 0
    file.write(UTF8_BOM)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        # the header in quotes, so that no other character in it is taken for the one between cells
        header = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer = csv.writer(text, delimiter=delimiter)
        if found.columns:
            header.writerow([_guarded(column.header) for column in found.columns])
        for row in objects(rows(), name, _refusal):
            cells = [column.cell(row) for column in found.columns]
            safe = [_guarded(cell) for cell in cells]
            guarded += sum(one is not other for one, other in zip(safe, cells, strict=True))
            long += sum(len(cell) > _EXCEL_CELL for cell in safe)
            writer.writerow(safe)
    except UnicodeEncodeError as error:
        raise OutputError(f"{name} cannot hold half a surrogate pair: {error.object[error.start]!r}") from error
    finally:
        text.detach()
    return [*found.notices(name), *_notices(name, found, guarded, long)]


def _notices(name: str, found: Survey, guarded: int, long: int) -> Iterator[str]:
    if guarded:
        yield f"{name}: {guarded:,} cells begin with ' so that no spreadsheet runs them; reading takes it off"
    if long:
        yield f"{name}: Excel cuts cells of more than {_EXCEL_CELL:,} characters; so many are longer: {long:,}"


def _refusal(row: JSON) -> str | None:
    if isinstance(row, dict) and not all(map(_fits, row)):
        return "CSV holds no field name with a NUL in it; write .jsonl"
    return no_table_row(row)


CONTAINER = Container("a CSV file", (".csv", ".tsv"), rows=_rows, write=_write, refusal=_refusal, text=True)
