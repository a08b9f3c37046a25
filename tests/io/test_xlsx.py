"""Excel workbooks as people and as Excel write them."""

from __future__ import annotations

import datetime
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from dsforge.errors import InputError, OutputError, UsageError
from dsforge.io.jsonl import dumps
from dsforge.io.rows import Refused, Row, RowReader
from dsforge.io.write import refusal, write_rows


def book(folder: Path, sheets: dict[str, list[list[Any]]], name: str = "rows.xlsx") -> Path:
    """A workbook as openpyxl writes it: shared strings, as Excel has them."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.save(folder / name)
    return folder / name


def values(reader: RowReader) -> list[object]:
    return [row.value for row in reader if isinstance(row, Row)]


def test_every_kind_of_cell_is_text(tmp_path: Path) -> None:
    day = datetime.datetime(2024, 2, 29)
    cells = ["text", 7, 7.0, 1.5, 1e20, True, day, day.replace(hour=13, minute=5), datetime.time(8, 30), None]
    path = book(tmp_path, {"S": [[f"c{index}" for index in range(len(cells))], cells]})
    assert values(RowReader(path)) == [
        {"c0": "text", "c1": "7", "c2": "7", "c3": "1.5", "c4": "1e+20", "c5": "true", "c6": "2024-02-29",
         "c7": "2024-02-29T13:05:00", "c8": "08:30:00", "c9": ""}
    ]  # fmt: skip


def test_formulas_and_errors_refuse_their_row_by_the_name_of_the_cell(tmp_path: Path) -> None:
    path = book(tmp_path, {"S": [["a", "b"], ["x", "=1+1"], ["x", ArrayFormula("B3:B3", "=SUM(A1:A2)")],
                                 ["x", "#N/A"], ["x", "y"]]})  # fmt: skip
    rows = list(RowReader(path))
    said = [(row.line, row.problems[0].message, row.problems[0].help) for row in rows if isinstance(row, Refused)]
    assert said == [
        (2, "B2 holds a formula", "paste it as a value"),
        (3, "B3 holds a formula", "paste it as a value"),
        (4, "B4 holds the error #N/A", "write what was meant"),
    ]
    assert [row.value for row in rows if isinstance(row, Row)] == [{"a": "x", "b": "y"}]


def test_sheets_are_named_and_the_others_told(tmp_path: Path) -> None:
    path = book(tmp_path, {"First": [["a"], ["1"]], "Empty": [], "Zweites Blatt": [["b"], ["2"]]})
    reader = RowReader(path)
    assert values(reader) == [{"a": "1"}]
    assert reader.notices == [
        f"{path}: only its first sheet, 'First', is read; {path}#Zweites Blatt names another "
        "(rows stand also in: Zweites Blatt)"
    ]
    named = RowReader(f"{path}#Zweites Blatt")
    assert values(named) == [{"b": "2"}]
    assert not named.notices
    with pytest.raises(InputError, match="no sheet 'third': it has First, Empty, Zweites Blatt"):
        RowReader(f"{path}#third")
    with pytest.raises(InputError, match="no header"):
        RowReader(f"{path}#Empty")


def test_headers_and_blank_rows(tmp_path: Path) -> None:
    path = book(tmp_path, {"S": [["a", "b", None], ["1", None], [], ["2", "3"], [None, None, "note"], []]})
    reader = RowReader(path)
    rows = list(reader)
    assert [row.value for row in rows if isinstance(row, Row)] == [{"a": "1", "b": ""}, {"a": "2", "b": "3"}]
    assert [(row.line, row.problems[0].message) for row in rows if isinstance(row, Refused)] == [
        (5, "C5 stands in a column without a header")
    ]
    assert [flaw.line for flaw in reader.flaws] == [3]
    for header, said in ((["a", None, "b"], "B1 is empty"), (["a", "a"], "B1 is the second column"), (["=1"], "A1")):
        with pytest.raises(InputError, match=said):
            RowReader(book(tmp_path, {"S": [header, ["1", "2", "3"]]}))


def test_marked_columns_are_json(tmp_path: Path) -> None:
    path = book(tmp_path, {"S": [["m (JSON)"], ['[{"role": "user"}]'], [5], [True], ["{no"]]})
    rows = list(RowReader(path))
    assert [row.value for row in rows if isinstance(row, Row)] == [{"m": [{"role": "user"}]}, {"m": 5}, {"m": True}]
    assert isinstance(rows[3], Refused)
    assert rows[3].problems[0].message.startswith("A5, which its header says is JSON: ")


def test_escapes_of_excel_are_read_as_what_they_stand_for(tmp_path: Path) -> None:
    """Excel writes a carriage return as `_x000D_`, and a text that looks like that as `_x005F_x000D_`."""
    path = book(tmp_path, {"S": [["a"], ["one_x000D_\ntwo"], ["_x005F_x000D_"], ["_xD83D__xDE00_"], ["_x00"]]})
    assert values(RowReader(path)) == [{"a": "one\r\ntwo"}, {"a": "_x000D_"}, {"a": "\U0001f600"}, {"a": "_x00"}]


def test_no_cell_is_cut_or_run(tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    texts = ["=1+1", "http://example.com", "12", "x" * 32_767, "\U0001f600" * 16_383, "true", "2024-01-01"]
    write_rows(path, lambda: [dumps({"a": text}) for text in texts])
    sheet = openpyxl.load_workbook(path).active
    assert [(cell.data_type, cell.value, cell.hyperlink) for (cell,) in sheet.iter_rows(min_row=2)] == [
        ("s", text, None) for text in texts
    ]
    assert values(RowReader(path)) == [{"a": text} for text in texts]
    for text in ("x" * 32_768, "\U0001f600" * 16_384):
        assert re.search(r"its a has 32,768 characters", refusal(path, {"a": text}) or "")
        with pytest.raises(OutputError, match="cannot hold row 1"):
            write_rows(path, lambda text=text: [dumps({"a": text})])  # type: ignore[misc]
    assert refusal(path, {"a": [" " * 32_764]})
    assert values(RowReader(path)) == [{"a": text} for text in texts], "the old file stays"


def test_text_that_grows_too_long_as_json_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"row 2: its a is 32,76\d characters of JSON"):
        write_rows(tmp_path / "rows.xlsx", lambda: [b'{"a":1}', dumps({"a": "x" * 32_767})])
    assert not list(tmp_path.iterdir())


def test_a_sheet_that_is_too_small_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsforge.io.containers.xlsx.MAX_ROWS", 10)
    write_rows(tmp_path / "nine.xlsx", lambda: [b'{"a":"x"}'] * 9)
    with pytest.raises(OutputError, match=r"cannot hold 10 rows: a sheet has 10"):
        write_rows(tmp_path / "ten.xlsx", lambda: [b'{"a":"x"}'] * 10)


def test_how_it_looks(tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    write_rows(path, lambda: [dumps({"short": "x", "long": "y" * 300, "tools": []})])
    sheet = openpyxl.load_workbook(path).active
    assert sheet.freeze_panes == "A2"
    assert [cell.value for cell in sheet[1]] == ["short", "long", "tools (JSON)"]
    assert sheet["B2"].alignment.wrap_text
    assert 10 <= sheet.column_dimensions["A"].width < sheet.column_dimensions["B"].width <= 90


def test_what_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "text.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<a/>")
    with pytest.raises(InputError, match="no Excel workbook"):
        RowReader(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/workbook.xml", "<broken")
    with pytest.raises(InputError, match="broken Excel workbook"):
        RowReader(path)
    broken = book(tmp_path, {"S": [["a"], ["1"]]})
    with zipfile.ZipFile(broken) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(broken, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content[:-30] if name.endswith("sheet1.xml") else content)
    with pytest.raises(InputError, match="broken Excel workbook"):
        list(RowReader(broken))
    plain = tmp_path / "rows.jsonl"
    plain.write_text("{}")
    with pytest.raises(InputError, match="has no parts"):
        RowReader(f"{plain}#Sheet")


def test_macro_workbooks_are_read_but_not_written(tmp_path: Path) -> None:
    path = book(tmp_path, {"S": [["a"], ["1"]]}, "rows.xlsm")
    assert values(RowReader(path)) == [{"a": "1"}]
    with pytest.raises(UsageError, match=r"name it \.xlsx"):
        write_rows(path, lambda: [b'{"a":"x"}'])
