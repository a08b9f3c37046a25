"""CSV as spreadsheets write it: byte order marks, separators, line breaks in cells, and mistakes at their place."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dsforge.errors import InputError, OutputError
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import reject_refused
from dsforge.io.rows import Refused, Row, RowReader
from dsforge.io.write import refusal, write_rows


def reader_of(folder: Path, content: str | bytes, name: str = "rows.csv") -> RowReader:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return RowReader(path)


def values(reader: RowReader) -> list[object]:
    return [row.value for row in reader if isinstance(row, Row)]


def test_cells_are_text_and_marked_ones_json(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, 'prompt,n,tools (JSON)\r\n"a,\r\nb ""c""",1,"[{""x"": 1}]"\r\nd,,\r\n')
    assert reader.layout == "table"
    rows = list(reader)
    assert [row.value for row in rows if isinstance(row, Row)] == [
        {"prompt": 'a,\r\nb "c"', "n": "1", "tools": [{"x": 1}]},
        {"prompt": "d", "n": ""},
    ]
    assert [row.line for row in rows] == [2, 4]
    assert rows[0].raw == b'{"prompt":"a,\\r\\nb \\"c\\"","n":"1","tools":[{"x": 1}]}'


@pytest.mark.parametrize("content", ["a;b\n1,5;2\n", "\ufeffa;b\n1,5;2\n"])
def test_a_semicolon_between_cells_is_told(tmp_path: Path, content: str) -> None:
    reader = reader_of(tmp_path, content)
    assert values(reader) == [{"a": "1,5", "b": "2"}]
    assert "`;`" in reader.notices[0]


def test_tabs_and_other_encodings(tmp_path: Path) -> None:
    assert values(reader_of(tmp_path, "a\tb\n1,5\t2\n", "rows.tsv")) == [{"a": "1,5", "b": "2"}]
    assert values(reader_of(tmp_path, "a\tb\n1\t2\n".encode("utf-16"))) == [{"a": "1", "b": "2"}]
    chinese = "请帮我把这个地址改成新的，谢谢。我们在北京的公司已经搬到了中关村，大家都说那里的工作环境很好"
    reader = reader_of(tmp_path, f"指令,输出\r\n{chinese},{chinese}\r\n".encode("gbk"))
    assert values(reader) == [{"指令": chinese, "输出": chinese}]
    assert "GB18030" in reader.notices[0]


def test_bytes_that_are_not_utf8_refuse_their_row(tmp_path: Path) -> None:
    rows = list(reader_of(tmp_path, b"a,b\nx,y\ncaf\xe9,y\n"))
    assert isinstance(rows[1], Refused)
    assert rows[1].problems[0].kind == "encoding"
    assert b"caf\xe9" in rows[1].raw


MISTAKES = [
    ("a,b\n1,2,3\n", 2, "the row has 3 cells, the header 2"),
    ("a,b\nx,y\n1\n", 3, "the row has 1 cell, the header 2"),
    ("a,b (JSON)\nx,{no\n", 2, "column 2, which its header says is JSON"),
    ('a,b (JSON)\nx,"1, ""c"": 2"\n', 2, "column 2, which its header says is JSON: a comma after the row"),
    ('a,b\nx,"y"z\n', 2, "broken quoting"),
]


@pytest.mark.parametrize(("content", "line", "said"), MISTAKES, ids=[said for *_, said in MISTAKES])
def test_a_row_that_is_wrong_is_refused_at_its_line(tmp_path: Path, content: str, line: int, said: str) -> None:
    reader = reader_of(tmp_path, content + ("good,\n" if "JSON" in content else "good,row\n"))
    rows = list(reader)
    refused = [row for row in rows if isinstance(row, Refused)]
    assert len(refused) == 1
    assert refused[0].place(refused[0].problems[0]) == (line, 1)
    assert isinstance(rows[-1], Row)
    reject = reject_refused("rows.csv", refused[0])
    assert (reject.line, reject.reason.startswith(said)) == (line, True), reject


def test_a_row_that_is_refused_is_never_taken_for_a_row(tmp_path: Path) -> None:
    """What a refused row holds might be JSON, and even the row of a format: it must not go the short way."""
    reader = reader_of(tmp_path, 'a,b (JSON)\n"{""instruction"": ""x"", ""output"": ""y""}",{\n')
    ((*_, raw),) = reader.raw_rows()
    assert raw.startswith(b'["{')


HEADERS = [
    ("a,,b\n1,2,3\n", "column 2 is empty"),
    ("a,b,a\n1,2,3\n", "second column named 'a'"),
    ("a,a (JSON)\n1,2\n", "second column named 'a'"),
    (",\n1,2\n", "no header"),
    ('a,"b\n1,2\n', "header cannot be read"),
]


@pytest.mark.parametrize(("content", "said"), HEADERS, ids=[said for _, said in HEADERS])
def test_a_header_that_is_wrong_is_an_error_at_once(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        reader_of(tmp_path, content)


def test_columns_that_a_spreadsheet_left_behind(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, "a,b,,\n1,2,,\n,,,\n3,4,,\n5,6,,note\n,,,\n\n")
    rows = list(reader)
    assert [row.value for row in rows if isinstance(row, Row)] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert [(flaw.kind, flaw.line) for flaw in reader.flaws] == [("blank line", 3)]
    assert isinstance(rows[-1], Refused)
    assert rows[-1].problems[0].message == "column 4 stands in a column without a header"


def test_a_quote_that_is_never_closed_is_found_before_memory_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsforge.io.containers.csv._LONGEST", 1000)
    with pytest.raises(InputError, match=r"the row on line 3 does not end"):
        list(reader_of(tmp_path, 'a,b\n1,2\n"x,y\n' + "z,w\n" * 1000))


def test_no_spreadsheet_runs_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    cells = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1", "it's", "'quoted'"]
    notices = write_rows(path, lambda: [dumps({"=name": cell}) for cell in cells])
    assert [notice for notice in notices if "8 cells" in notice]
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        seen = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in seen if cell.startswith(tuple("=+-@\t\r＝"))]
    reader = RowReader(path)
    assert values(reader) == [{"=name": cell} for cell in cells]
    assert "8 cells" in reader.notices[0]


def test_columns_are_those_of_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows = [{"a": "1"}, {"b": "2", "a": "3"}, {"c": [1], "a": "4"}]
    notices = write_rows(path, lambda: map(dumps, rows))
    assert path.read_text("utf-8-sig").splitlines() == ['"a","b","c (JSON)"', "1,,", "3,2,", "4,,[1]"]
    assert notices == [
        f"{path}: a row without one of these fields has an empty cell, which reads back as empty text: b"
    ]


def test_cells_longer_than_those_of_excel_are_told(tmp_path: Path) -> None:
    (notice,) = write_rows(tmp_path / "rows.csv", lambda: [dumps({"a": "x" * 40_000})])
    assert "32,767" in notice
    assert values(RowReader(tmp_path / "rows.csv")) == [{"a": "x" * 40_000}]


def test_rows_that_would_be_blank_are_refused(tmp_path: Path) -> None:
    assert "blank row" in (refusal("o.csv", {"a": "", "b": ""}) or "")
    assert refusal("o.csv", {"a": "", "b": None}) is None
    with pytest.raises(OutputError, match="cannot hold row 1"):
        write_rows(tmp_path / "o.csv", lambda: [b'{"a":""}'])
