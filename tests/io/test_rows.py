"""Files of every layout give the same rows, at their own places; what is no file of rows is refused plainly."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.errors import InputError, OutputError
from dsforge.io.atomic import atomic_write
from dsforge.io.jsonl import dumps
from dsforge.io.naming import split_part
from dsforge.io.rows import Refused, Row, RowReader, read_rows
from dsforge.io.write import row_writer, write_rows
from tests.laws.strategies import json_values

objects = st.lists(st.dictionaries(st.text(max_size=4), json_values, max_size=3), min_size=1, max_size=6)


def _write(path: Path, rows: list[object], layout: str) -> None:
    if layout == "jsonl":
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    elif layout == "documents":
        text = "\n".join(json.dumps(row, indent=1, ensure_ascii=False) for row in rows)
    else:
        text = json.dumps(rows, ensure_ascii=False, indent={"array": None, "indented": 2}[layout])
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


@given(rows=objects, layout=st.sampled_from(["jsonl", "array", "indented"]), zipped=st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_layout_gives_the_same_rows_at_their_places(
    tmp_path_factory: pytest.TempPathFactory, rows: list[object], layout: str, zipped: bool
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.json"
    _write(path, rows, layout)
    content = path.read_bytes()
    if zipped:
        path.write_bytes(gzip.compress(content))
    read = list(read_rows(path))
    assert [row.value for row in read if isinstance(row, Row)] == rows
    lines = content.decode().split("\n")
    for number, row in enumerate(read, 1):
        assert row.number == number
        assert content[row.offset :].startswith(row.raw)
        rest = "\n".join(lines[row.line - 1 :])[row.column - 1 :]
        assert rest.startswith(row.raw.decode())


def test_documents_over_several_lines_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    _write(path, [{"a": 1}, {"b": {"c": [2]}}], "documents")
    reader = read_rows(path)
    assert [row.value for row in reader if isinstance(row, Row)] == [{"a": 1}, {"b": {"c": [2]}}]
    assert reader.layout == "documents"
    assert [flaw.kind for flaw in reader.flaws] == ["several lines"]


def test_rows_larger_than_the_read_buffer(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    rows = [{"text": "x" * size, "n": size} for size in (10, 1 << 20, 3 << 20, 5)]
    path.write_text(json.dumps(rows, indent=1))
    assert [row.value for row in read_rows(path) if isinstance(row, Row)] == rows


@pytest.mark.parametrize("chunk", [1, 2, 7, 1 << 20])
def test_comments_between_rows_of_an_array_are_no_rows(
    tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsforge.io.json_array._CHUNK", chunk)
    path = tmp_path / "rows.json"
    path.write_text(
        '[ // "one, [\n {"a": "// no # comment"}, # it\'s {\n/* two\n ] */ {"b": [1, 2]} // three\n'
        ' ,"s", // 4\n {"c": 1}\n# 5\n]\n// 6'
    )
    reader = read_rows(path)
    rows = list(reader)
    assert [row.value for row in rows if isinstance(row, Row)] == [
        {"a": "// no # comment"}, {"b": [1, 2]}, "s", {"c": 1},
    ]  # fmt: skip
    assert len(rows) == 4
    said = [(flaw.line, flaw.column) for flaw in reader.flaws if flaw.message.startswith("a comment between rows")]
    assert said == [(1, 3), (2, 28), (3, 1), (4, 21), (5, 8), (7, 1), (9, 1)]
    assert len(reader.flaws) == len(said)


def test_an_array_that_ends_in_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    for comment in ("// b", "/* b", "# b\n/* c"):
        path.write_text(f'[{{"a": 1}}, {comment}')
        reader = read_rows(path)
        assert len(list(reader)) == 1
        assert "the array is never closed" in [flaw.message for flaw in reader.flaws]


def test_a_broken_element_does_not_spoil_its_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"a": 1},\n {"b": 2,}, 3\n {"c": 3}\n')
    reader = read_rows(path)
    rows = list(reader)
    assert [isinstance(row, Refused) for row in rows] == [False, True, False, False]
    assert [row.value for row in rows if isinstance(row, Row)] == [{"a": 1}, 3, {"c": 3}]
    refused = rows[1]
    assert isinstance(refused, Refused)
    assert refused.place(refused.problems[0]) == (2, 9)
    assert [(flaw.line, flaw.message) for flaw in reader.flaws] == [
        (2, "missing comma between rows"), (4, "the array is never closed"),
    ]  # fmt: skip


def test_flaws_of_a_jsonl_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\r\n  \n{"a": 2}')
    reader = read_rows(path)
    assert [(row.number, row.line, row.value) for row in reader if isinstance(row, Row)] == [
        (1, 1, {"a": 1}),
        (2, 4, {"a": 2}),
    ]
    assert [(flaw.kind, flaw.line) for flaw in reader.flaws] == [
        ("byte order mark", 1), ("blank line", 2), ("blank line", 3),
    ]  # fmt: skip


NOT_ROWS = {
    "empty": (b"", "empty"),
    "blank": (b"\n \n", "blank lines"),
    "utf-16 without mark": ('{"a": 1}'.encode("utf-16-le"), "UTF-16"),
    "binary": (bytes(range(256)), "binary"),
    "broken parquet": (b"PAR1....", "broken Parquet"),
    "broken arrow": (b"ARROW1....", "broken Arrow"),
    "broken arrow stream": (b"\xff\xff\xff\xff....", "broken Arrow"),
    "broken zip": (b"PK\x03\x04....", "Excel"),
    "broken zstd": (b"\x28\xb5\x2f\xfd....", "cannot be unpacked"),
    "old excel": (b"\xd0\xcf\x11\xe0....", "save it as .xlsx"),
    "bzip2": (b"BZh9....", "bunzip2"),
    "png": (b"\x89PNG....", "PNG"),
    "broken gzip": (gzip.compress(b'{"a": 1}')[:-12], "unpacked"),
}


@pytest.mark.parametrize(("content", "said"), NOT_ROWS.values(), ids=NOT_ROWS)
def test_what_is_no_file_of_rows_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        list(read_rows(path))


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_rows(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="directory"):
        read_rows(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"), [("o.jsonl", b'{"a":1}\n{"b":2}\n'), ("o.json", b'[\n{"a":1},\n{"b":2}\n]\n')]
)
def test_rows_are_written_as_the_name_says(tmp_path: Path, name: str, content: bytes) -> None:
    with row_writer(tmp_path / name) as write:
        write(b'{"a":1}')
        write(b'{"b":2}')
    assert (tmp_path / name).read_bytes() == content


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")

    def broken() -> None:
        with atomic_write(path) as file:
            file.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="directory"), atomic_write(tmp_path):
        pass
    with pytest.raises(OutputError, match="does not exist"), atomic_write(tmp_path / "no" / "out"):
        pass


def test_a_part_is_named_after_the_file(tmp_path: Path) -> None:
    for name in ("rows.jsonl", "rows.csv", "rows.parquet"):
        path = tmp_path / name
        write_rows(path, lambda: [b'{"a":"1"}'])
        with pytest.raises(InputError, match="has no parts: leave out #b#c"):
            read_rows(f"{path}#b#c")
    with pytest.raises(InputError, match=r"none\.xlsx#Sheet does not exist"):
        read_rows(tmp_path / "none.xlsx#Sheet")
    (tmp_path / "x#y").write_text('{"a": 1}')
    assert split_part(tmp_path / "x#y#z") == (str(tmp_path / "x#y"), "z")


def test_tables_are_packed_in_themselves(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.parquet", lambda: [b'{"a":"1"}'])
    path = tmp_path / "rows.parquet.gz"
    path.write_bytes(gzip.compress((tmp_path / "rows.parquet").read_bytes()))
    with pytest.raises(InputError, match="a Parquet file packed once more"):
        read_rows(path)


@pytest.mark.parametrize(
    "name", ["rows.xlsx", "rows.parquet", "rows.jsonl.zst", "rows.json.gz", "two.csv", "two.tsv", "two.csv.gz"]
)
def test_standard_input_is_told_by_its_bytes(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"a": "1", "tools": ["x"]} if name.startswith("two") else {"a": "1"}
    write_rows(tmp_path / name, lambda: [dumps(value)])
    with (tmp_path / name).open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert [row.value for row in read_rows("-") if isinstance(row, Row)] == [value]


@pytest.mark.parametrize("first", ['{"a": 1}', "Hello, world", "'a': 1, 'b': 2", '"a", 1', "[1,2]", "null", "a"])
def test_what_is_no_header_is_not_read_as_csv(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{first}\n1,2\n".encode())))
    reader = RowReader("-")
    assert reader.layout != "table"


AWKWARD = [
    b'{"a": 1, "a": 2}', b'{"a":1,"\\u0061":2}', b'{"a" :1,"a" :1}', b'{"a":"x","a":1e0}', b'{"a":9007199254740993.0}',
    b'{"a":1e-330}', b'{"a":' + b"[" * 250 + b"]" * 250 + b"}", b'{"a":1,}', b"", b"  ", b'{"a":1}\r', b'{"a":1E5}',
    b'\xef\xbb\xbf{"a":1}', b'{"a":"\\"b\\":"}', b'{"a": {"b": "c:d", "e" : 1}}', b'{"a":"\xff"}', b'{"a":NaN}',
]  # fmt: skip
plain_lines = st.dictionaries(st.text(max_size=3), json_values, max_size=3).map(dumps)


@given(lines=st.lists(plain_lines | st.sampled_from(AWKWARD), min_size=1, max_size=8), ended=st.booleans())
@settings(max_examples=400, deadline=None)
def test_many_lines_at_once_give_what_each_gives(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool
) -> None:
    """A block of lines that is parsed at once: no mistake in one of them is overlooked for the others."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_bytes(b'{"first":1}\n' + b"\n".join(lines) + b"\n" * ended)
    at_once, one_by_one = RowReader(path, strict=True), RowReader(path, strict=True)
    rows = list(at_once)
    assert repr(rows) == repr([*map(one_by_one.parsed, one_by_one.raw_rows())])
    counted = [(reader.count, reader.lines, reader.flaws) for reader in (at_once, one_by_one)]
    assert counted[0] == counted[1]
