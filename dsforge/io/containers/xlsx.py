"""Excel workbooks. The first row of a sheet names its columns; cells are written as text and never as a formula."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from dsforge.errors import InputError, OutputError
from dsforge.example import JSON
from dsforge.extras import require
from dsforge.io.columns import Column, Header, no_table_row, objects, problem, survey
from dsforge.io.container import Container, Opened, Rows, TableRow
from dsforge.io.diagnose import Problem

MAX_CELL = 32_767
"""UTF-16 units that a cell holds; Excel and the libraries cut what is longer."""
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384

_WORKBOOK = "xl/workbook.xml"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_OVERLAPPING = re.compile(r"_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_")
_MAX_UNPACKED = 8 << 30
_MAX_RATIO = 1000
_WIDEST, _NARROWEST = 80, 12


def _recognise(head: bytes, file: BinaryIO) -> bool:
    if not head.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _workbook(opened: Opened) -> Any:
    openpyxl = require("openpyxl", "tables", f"reading {opened.name}")
    with zipfile.ZipFile(opened.file) as archive:
        members = archive.infolist()
    if _WORKBOOK not in {member.filename for member in members}:
        raise InputError(f"{opened.name} is an Office document, but no Excel workbook: save the rows as .xlsx or JSONL")
    for member in members:
        ratio = member.file_size / max(member.compress_size, 1)
        if member.file_size > _MAX_UNPACKED or (member.file_size > 1 << 28 and ratio > _MAX_RATIO):
            raise InputError(f"{opened.name} would unpack to more than it can honestly hold: it is not opened")
    try:
        return openpyxl.load_workbook(opened.file, read_only=True)
    except Exception as error:
        raise InputError(f"{opened.name} is a broken Excel workbook ({error}): open it in Excel and save it") from error


def _sheet(opened: Opened, workbook: Any) -> Any:
    sheets = workbook.worksheets
    if not sheets:
        raise InputError(f"{opened.name} holds no worksheet")
    names = [sheet.title for sheet in sheets]
    if opened.part:
        if opened.part not in names:
            raise InputError(f"{opened.name} has no sheet {opened.part!r}: it has {', '.join(names)}")
        return sheets[names.index(opened.part)]
    others = [sheet.title for sheet in sheets[1:] if _holds_rows(sheet)]
    if others:
        opened.notices.append(
            f"{opened.name}: only its first sheet, {names[0]!r}, is read; {opened.name}#{others[0]} names "
            f"another (rows stand also in: {', '.join(others)})"
        )
    return sheets[0]


def _holds_rows(sheet: Any) -> bool:
    sheet.reset_dimensions()
    return any(any(cell is not None for cell in row) for row in sheet.iter_rows(values_only=True))


def _strings(workbook: Any, strings: list[str]) -> list[str]:
    """The workbook's table of texts as it is written; openpyxl takes `x005F_` out of it, which escapes an escape."""
    archive = workbook._archive
    path = next((name for name in archive.namelist() if name.lower() == "xl/sharedstrings.xml"), None)
    if path is None or not _mentions(archive, path, b"x005F_"):
        return strings
    functions = require("openpyxl.xml.functions", "tables", "reading a workbook")
    text = require("openpyxl.cell.text", "tables", "reading a workbook")
    found: list[str] = []
    with archive.open(path) as file:
        for _, node in functions.iterparse(file):
            if node.tag.endswith("}si"):
                found.append(text.Text.from_tree(node).content)
                node.clear()
    return found


def _mentions(archive: zipfile.ZipFile, path: str, word: bytes) -> bool:
    with archive.open(path) as file:
        before = b""
        while piece := file.read(1 << 20):
            if word in before + piece:
                return True
            before = piece[-len(word) :]
    return False


def _unescaped(text: str) -> str:
    """Text with the characters that Excel writes as `_x000D_`."""
    if "_x" not in text:
        return text
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # joins surrogate pairs


def _text(value: object) -> str:
    """What a cell holds, as text: numbers as JSON has them, dates as ISO 8601 has them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _unescaped(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        return (value.date() if value.time() == datetime.time() else value).isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)


def cell_name(column: int, line: int) -> str:
    """`C3`: the name of a cell, its column counted from 0."""
    letters = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{line}"


def _cells(line: int, row: Sequence[Any]) -> tuple[list[str], list[Problem]]:
    cells: list[str] = []
    problems: list[Problem] = []
    for index, cell in enumerate(row):
        kind = getattr(cell, "data_type", "n")
        value = cell.value
        if kind == "f":
            value = getattr(value, "text", value)  # of a formula that fills several cells
            problems.append(problem(f"{cell_name(index, line)} holds a formula", "paste it as a value"))
        elif kind == "e":
            problems.append(problem(f"{cell_name(index, line)} holds the error {value}", "write what was meant"))
        cells.append(_text(value))
    return cells, problems


def _rows(opened: Opened) -> Iterator[TableRow]:
    workbook = _workbook(opened)
    sheet = _sheet(opened, workbook)
    sheet._shared_strings = _strings(workbook, sheet._shared_strings)
    sheet.reset_dimensions()  # what the file says of them is often wrong
    rows = _read(opened.name, sheet)
    line, cells, problems = next(rows, (1, [], []))
    if problems:
        raise InputError(f"{opened.name}: {problems[0].message}, but is the name of a column: {problems[0].help}")
    header = Header(f"{opened.name} ({sheet.title})", cells, line, cell_name)
    return _under(header, rows)


def _read(name: str, sheet: Any) -> Iterator[tuple[int, list[str], list[Problem]]]:
    try:
        for line, row in enumerate(sheet.iter_rows(), 1):
            if line > MAX_ROWS:
                raise InputError(f"{name} has more rows than a sheet can have: it is not read")
            yield line, *_cells(line, row)
    except (ValueError, KeyError, IndexError, TypeError, SyntaxError) as error:  # SyntaxError: broken XML
        raise InputError(f"{name} is a broken Excel workbook ({error}): open it in Excel and save it") from error


def _under(header: Header, rows: Iterable[tuple[int, list[str], list[Problem]]]) -> Iterator[TableRow]:
    for line, cells, problems in rows:
        yield header.row(line, cells, problems)


def _units(text: str) -> int:
    """UTF-16 units of a text, which are what Excel counts."""
    return len(text) + sum(char > "\uffff" for char in text) if not text.isascii() else len(text)


def _fits(text: str) -> bool:
    """Whether the escape of odd characters, which xlsxwriter does not nest, brings a text back."""
    return not _OVERLAPPING.search(text)


def _refusal(row: JSON) -> str | None:
    if reason := no_table_row(row):
        return reason
    if len(row) > MAX_COLUMNS:
        return f"it has {len(row):,} fields, a sheet {MAX_COLUMNS:,} columns; write .csv or .jsonl"
    for name, value in row.items():
        cell = Column(name, isinstance(value, str)).cell(row)
        if len(cell) > MAX_CELL // 2 and _units(cell) > MAX_CELL:
            return f"its {name} has {_units(cell):,} characters, an Excel cell {MAX_CELL:,}; write .csv or .jsonl"
        if not _fits(name) or len(name) > 255:
            return f"a column of a workbook cannot be named {name[:40]!r}; write .csv or .jsonl"
    return None


def _cell(name: str, line: int, column: Column, row: dict[str, JSON]) -> str:
    cell = column.cell(row)
    if not column.plain:
        cell = cell.replace("_x", "\\u005fx").replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    if len(cell) > MAX_CELL // 2 and _units(cell) > MAX_CELL:
        raise OutputError(
            f"{name} cannot hold row {line - 1:,}: its {column.name} is {_units(cell):,} characters of JSON, "
            f"an Excel cell {MAX_CELL:,}; write .csv or .jsonl"
        )
    return cell


def _write(file: BinaryIO, rows: Rows, name: str, hf_compat: bool) -> list[str]:
    xlsxwriter = require("xlsxwriter", "tables", f"writing {name}")
    found = survey(rows(), name, _refusal, _fits)
    if found.rows + 1 > MAX_ROWS:
        raise OutputError(
            f"{name} cannot hold {found.rows:,} rows: a sheet has {MAX_ROWS:,}; write .csv, or several files"
        )
    if len(found.columns) > MAX_COLUMNS:
        raise OutputError(f"{name} cannot hold {len(found.columns):,} columns: a sheet has {MAX_COLUMNS:,}; write .csv")
    workbook = xlsxwriter.Workbook(file, {"constant_memory": True})
    workbook.use_zip64()
    # the same rows give the same file
    workbook.set_properties({"created": datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)})
    sheet = workbook.add_worksheet("rows")
    bold, wrapped = workbook.add_format({"bold": True}), workbook.add_format({"text_wrap": True, "valign": "top"})
    widths = [len(column.header) for column in found.columns]
    for index, column in enumerate(found.columns):
        _put(sheet, 0, index, column.header, bold)
    for line, row in enumerate(objects(rows(), name, _refusal), 2):
        for index, column in enumerate(found.columns):
            if cell := _cell(name, line, column, row):
                _put(sheet, line - 1, index, cell, wrapped)
                widths[index] = max(widths[index], min(len(cell), _WIDEST))
    for index, width in enumerate(widths):
        sheet.set_column(index, index, max(width + 2, _NARROWEST))
    sheet.freeze_panes(1, 0)
    workbook.close()
    return found.notices(name)


def _put(sheet: Any, row: int, column: int, text: str, style: Any) -> None:
    if sheet.write_string(row, column, text, style) != 0:  # it says so when it cuts a text
        raise AssertionError(f"xlsxwriter did not write {cell_name(column, row + 1)} in full")


CONTAINER = Container(
    "an Excel workbook",
    (".xlsx",),
    recognise=_recognise,
    rows=_rows,
    write=_write,
    refusal=_refusal,
    parts=True,
    needs=("xlsxwriter",),
)
