"""The law of every container: rows come back as they were written, value for value."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsforge.errors import OutputError
from dsforge.example import JSON
from dsforge.io.container import all_containers
from dsforge.io.jsonl import dumps
from dsforge.io.rows import Row, RowReader
from dsforge.io.write import refusal, refusal_for, row_writer, write_rows
from tests.laws.strategies import json_values

LOSSLESS = ["rows.jsonl", "rows.ndjson.gz", "rows.jsonl.zst", "rows.json", "rows.json.gz", "rows.parquet"]
FLAT = ["rows.csv", "rows.csv.gz", "rows.tsv", "rows.tsv.zst", "rows.xlsx"]

any_text = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["=1+1", "'=1", "''@x", "-5", "\t", "\r", "\n", "a\r\nb\rc", ' "quoted", ', "_x000D_", "_x0041_x0042_", "_x005F_",
     "1", "true", "null", "[1]", " (JSON)", "a;b", "\x00", "\ufeff", "\ufffe", "\uffff", "\u2028", "\x85", "\U0001f600",
     "http://a.b", "；"]
)  # fmt: skip
keys = (
    st.sampled_from(["a", "b", "messages", "", "a (JSON)", "=k", "a.b", "_x0041_", " a ", "role", "\ufeff"]) | any_text
)
numbers = st.sampled_from([2**63, -(2**63), 2**64, 0.1, -0.0, 1e300, 5e-324, 1.0, 1])
values = st.recursive(
    any_text | json_values | numbers,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": inner}), max_size=2)
    ),
    max_leaves=5,
)
rows_of_objects = st.lists(st.dictionaries(keys, any_text | values, min_size=1, max_size=4), min_size=1, max_size=5)


def read(path: Path) -> list[JSON]:
    rows = list(RowReader(path, strict=True))
    assert all(isinstance(row, Row) for row in rows), rows
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    return [row.value for row in rows if isinstance(row, Row)]


def written(folder: Path, name: str, rows: list[JSON], hf_compat: bool = False) -> Path:
    path = folder / name
    write_rows(path, lambda: map(dumps, rows), hf_compat=hf_compat)
    return path


def same(one: JSON, other: JSON) -> bool:
    """Equality that tells 1 from 1.0 and from true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.parametrize("name", LOSSLESS)
@given(rows=rows_of_objects)
@example(rows=[{"a": [None, None]}, {"b": {"c": [[None], [None, None]]}}])
@settings(max_examples=80, deadline=None)
def test_rows_come_back_exactly(tmp_path_factory: pytest.TempPathFactory, name: str, rows: list[JSON]) -> None:
    path = tmp_path_factory.mktemp("law") / name
    if path.suffix == ".parquet":
        rows = [row for row in rows if refusal(path, row) is None]
    write_rows(path, lambda: map(dumps, rows))
    if rows:
        assert same(read(path), rows)


@pytest.mark.parametrize("name", FLAT)
@given(rows=rows_of_objects)
@settings(max_examples=80, deadline=None)
def test_rows_come_back_from_flat_columns(
    tmp_path_factory: pytest.TempPathFactory, name: str, rows: list[dict[str, JSON]]
) -> None:
    """But for a field that a row lacks: where the column is text, it comes back as the empty text."""
    refused = refusal_for(name)
    assert refused
    rows = [row for row in rows if refused(row) is None]
    if not rows:
        return
    back = read(written(tmp_path_factory.mktemp("law"), name, list(rows)))
    for row, found in zip(rows, back, strict=True):
        assert same({key: value for key, value in found.items() if key in row or value != ""}, row)


@given(rows=rows_of_objects)
@settings(max_examples=60, deadline=None)
def test_parquet_for_older_datasets_comes_back_but_for_nulls(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, JSON]]
) -> None:
    """A null where other rows, or other messages, have no such field at all is taken for no field."""

    def without_nulls(value: JSON) -> JSON:
        if isinstance(value, dict):
            return {key: without_nulls(part) for key, part in value.items() if part is not None}
        return [without_nulls(part) for part in value] if isinstance(value, list) else value

    back = read(written(tmp_path_factory.mktemp("law"), "rows.parquet", list(rows), hf_compat=True))
    assert same(without_nulls(back), without_nulls(rows))


@pytest.mark.parametrize("name", [name for name in FLAT + LOSSLESS if not name.endswith(".xlsx")])
def test_equal_rows_give_equal_files(tmp_path: Path, name: str) -> None:
    rows: list[JSON] = [{"a": "x", "b": [index]} for index in range(100)]
    (tmp_path / "other").mkdir()
    assert written(tmp_path, name, rows).read_bytes() == written(tmp_path / "other", name, rows).read_bytes()


@pytest.mark.parametrize("name", [*FLAT, "rows.parquet"])
def test_what_is_no_object_is_refused(tmp_path: Path, name: str) -> None:
    for row in ([1], "text", None, {}):
        assert refusal(name, row)
    with pytest.raises(OutputError, match="cannot hold row 2"):
        written(tmp_path, name, [{"a": "x"}, [1]])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [*FLAT, *LOSSLESS])
def test_row_by_row_and_all_at_once_give_the_same(tmp_path: Path, name: str) -> None:
    rows: list[JSON] = [{"a": "x", "b": [1, {"c": None}]}, {"a": "=y"}]
    with row_writer(tmp_path / name) as write:
        for row in rows:
            write(dumps(row))
    found = read(tmp_path / name)
    assert found == read(written(tmp_path, name, rows)) == rows


def test_plain_json_needs_no_library_of_tables() -> None:
    code = (
        "import sys, dsforge.io.rows, dsforge.io.write, tempfile, pathlib\n"
        "path = pathlib.Path(tempfile.mkdtemp()) / 'a.jsonl'\n"
        "with dsforge.io.write.row_writer(path) as write: write(b'{}')\n"
        "list(dsforge.io.rows.read_rows(path))\n"
        "print([name for name in ('csv', 'pyarrow', 'openpyxl', 'xlsxwriter', 'zstandard', 'zipfile', 'yaml')"
        " if name in sys.modules], [name for name in sys.modules if 'containers' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


def test_every_container_has_a_name_and_a_suffix() -> None:
    names = {container.name for container in all_containers()}
    assert len(names) == len(all_containers()) == 5
    assert all(container.suffixes for container in all_containers())
