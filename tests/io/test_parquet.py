"""Parquet and Arrow, held against pyarrow and Hugging Face's datasets themselves."""

from __future__ import annotations

import datetime
import decimal
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as paj
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from dsforge.errors import InputError
from dsforge.formats.read import decode_row
from dsforge.io.jsonl import dumps
from dsforge.io.rows import Refused, Row, RowReader
from dsforge.io.write import write_rows
from tests.io.test_containers import rows_of_objects
from tests.shared_data import real_files

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def tool(name: str, **parameters: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": parameters}}}


def call(**arguments: object) -> dict[str, object]:
    return {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}


SAID = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}
CALLED = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": None, "tool_calls": [call(x=1), call(y=["a"], z={"deep": True})]},
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
    ],
    "tools": [tool("f", x={"type": "integer"}), tool("g", y={"type": "array"})],
}
PLAIN: list[dict[str, Any]] = [SAID, {"messages": [{"role": "user", "content": "12"}]}]
MIXED: list[dict[str, Any]] = [SAID, CALLED, {**SAID, "tools": [tool("f")], "meta": {}}]


def values(path: Path) -> list[object]:
    return [row.value for row in RowReader(path) if isinstance(row, Row)]


def load(kind: str, path: Path, folder: Path) -> Any:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    return datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=str(folder / "cache"))


def write(path: Path, rows: list[dict[str, Any]], hf_compat: bool = False) -> list[str]:
    return write_rows(path, lambda: map(dumps, rows), hf_compat=hf_compat)


def without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """A row of datasets without the columns that it lacks."""
    return {key: value for key, value in row.items() if value is not None}


def test_columns_are_typed_where_rows_agree(tmp_path: Path) -> None:
    rows = [{**row, "label": True, "score": 0.5, "n": 3} for row in PLAIN]
    write(tmp_path / "rows.parquet", rows)
    schema = pq.read_schema(tmp_path / "rows.parquet")
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    assert schema.field("messages").type.value_type == message
    assert [schema.field(name).type for name in ("label", "score", "n")] == [pa.bool_(), pa.float64(), pa.int64()]
    loaded = load("parquet", tmp_path / "rows.parquet", tmp_path)
    assert str(loaded.features["messages"]) == "List({'role': Value('string'), 'content': Value('string')})"
    assert list(loaded) == rows


def test_what_differs_is_json_and_loads_exactly(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    assert write(path, MIXED) == []
    assert values(path) == MIXED
    loaded = load("parquet", path, tmp_path)
    assert "Json" in str(loaded.features["messages"])
    assert [without_nulls(row) for row in loaded] == MIXED


def test_jsonl_loads_exactly(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write(path, MIXED)
    assert [without_nulls(row) for row in load("json", path, tmp_path)] == MIXED


@pytest.mark.parametrize("name", ["rows.parquet", "rows.jsonl"])
def test_for_older_datasets_there_is_no_json_feature(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    (notice,) = write(path, MIXED, hf_compat=True)
    assert "messages[].content" in notice
    assert "tools" in notice
    if name.endswith("parquet"):
        loaded = load("parquet", path, tmp_path)
        assert "Json" not in str(loaded.features)
    else:
        loaded = paj.read_json(path).to_pylist()  # how datasets before 4.8 reads it
    assert json.loads(loaded[1]["tools"]) == CALLED["tools"]
    assert json.loads(loaded[1]["messages"][0]["content"]) == CALLED["messages"][0]["content"]  # type: ignore[index]
    assert json.loads(loaded[1]["messages"][1]["tool_calls"][1]["function"]["arguments"]) == {
        "y": ["a"], "z": {"deep": True},
    }  # fmt: skip
    assert write(tmp_path / f"plain.{name}", PLAIN, hf_compat=True) == []


def test_what_older_datasets_read_dsforge_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write(path, MIXED, hf_compat=True)
    back = values(path)
    expected = json.loads(json.dumps(MIXED))
    del expected[1]["messages"][1]["content"]  # the null of a field that other messages lack
    assert back in (MIXED, expected)


@given(rows=rows_of_objects)
@settings(max_examples=25, deadline=None)
def test_any_rows_load(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    """Arrow's own reader takes every file, and finds every row."""
    path = tmp_path_factory.mktemp("law") / "rows.parquet"
    write(path, rows)
    table = pq.read_table(path)
    table.validate(full=True)
    assert table.num_rows == len(rows)


@pytest.mark.parametrize("file", real_files(), ids=lambda path: path.name)
def test_public_datasets_come_back_and_load(tmp_path: Path, file: Path) -> None:
    rows = [row.value for row in RowReader(file) if isinstance(row, Row)]
    path = tmp_path / "rows.parquet"
    write(path, rows)
    assert values(path) == rows
    loaded = load("parquet", path, tmp_path)
    assert [without_nulls(row) for row in loaded] == [without_nulls(row) for row in rows]


def test_nulls_that_datasets_fills_in_are_no_fields(tmp_path: Path) -> None:
    named = {"role": "assistant", "content": None, "name": "x"}
    rows: list[dict[str, Any]] = [{"messages": [{"role": "user", "content": "hi"}, named]},
            {"messages": [], "system": "s"}]  # fmt: skip
    path = tmp_path / "filled.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema([
        ("messages", pa.list_(pa.struct([(key, pa.string()) for key in ("role", "content", "name")]))),
        ("system", pa.string()),
    ])), path)  # fmt: skip
    del named["content"]
    assert values(path) == rows


def test_json_features_of_datasets_come_back_exactly(tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", MIXED)
    loaded = load("json", tmp_path / "rows.jsonl", tmp_path)
    loaded.save_to_disk(str(tmp_path / "saved"))
    loaded.to_parquet(str(tmp_path / "rows.parquet"))
    assert values(tmp_path / "saved" / "data-00000-of-00001.arrow") == MIXED
    assert values(tmp_path / "rows.parquet") == MIXED


def test_a_missing_content_means_what_a_null_one_means() -> None:
    answer = {"role": "assistant", "tool_calls": [call(x=1)]}
    rows = [{"messages": [SAID["messages"][0], {**answer, **content}]} for content in ({}, {"content": None})]
    one, other = (decode_row(row)[1] for row in rows)
    assert [message.content for message in one.messages] == [message.content for message in other.messages]
    assert one.messages[1].tool_calls == other.messages[1].tool_calls


def test_every_type_that_has_json(tmp_path: Path) -> None:
    moment = datetime.datetime(2024, 2, 29, 13, 5, tzinfo=datetime.timezone.utc)
    inner = pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))])
    table = pa.table({
        "dictionary": pa.array(["a", "b", "a"]).dictionary_encode(),
        "large": pa.array(["x", None, "y"], pa.large_string()),
        "view": pa.array(["x", "y", "z"], pa.string_view()),
        "small": pa.array([1, 2, 3], pa.uint8()),
        "huge": pa.array([2**64 - 1, 0, 1], pa.uint64()),
        "half": pa.array([0.5, 1.5, None], pa.float32()),
        "exact": pa.array([decimal.Decimal("12345678901234567890.10")] * 3, pa.decimal128(30, 2)),
        "time": pa.array([moment] * 3),
        "day": pa.array([moment.date()] * 3),
        "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())),
        "fixed": pa.array([[1, 2]] * 3, pa.list_(pa.int64(), 2)),
        "large list": pa.array([[{"a": None, "b": [None]}]] * 3, pa.large_list(inner)),
        "json": pa.array(['{"a": 1.10}', "null", None], pa.json_()),
    })  # fmt: skip
    expected = {
        "dictionary": "a", "large": "x", "view": "x", "small": 1, "huge": 2**64 - 1, "half": 0.5,
        "time": "2024-02-29T13:05:00+00:00", "day": "2024-02-29", "map": {"k": 1}, "fixed": [1, 2],
        "large list": [{"b": [None]}], "json": {"a": 1.1},
    }  # fmt: skip
    pq.write_table(table, tmp_path / "rows.parquet")
    with pa.OSFile(str(tmp_path / "file.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.OSFile(str(tmp_path / "stream.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    for name in ("rows.parquet", "file.arrow", "stream.arrow"):
        rows = list(RowReader(tmp_path / name))
        assert b'"exact":12345678901234567890.10' in rows[0].raw
        assert b'{"a": 1.10}' in rows[0].raw
        found = [json.loads(row.raw) for row in rows]
        assert {key: value for key, value in found[0].items() if key != "exact"} == expected
        assert found[1]["json"] is None
        assert "json" not in found[2]
        assert "map" not in found[2]


def test_values_without_json_refuse_their_row(tmp_path: Path) -> None:
    table = pa.table({"score": [0.5, float("nan"), 1.0], "tools": pa.array(["[1]", "[2]", "{no"], pa.json_())})
    pq.write_table(table, tmp_path / "rows.parquet")
    rows = list(RowReader(tmp_path / "rows.parquet"))
    assert [isinstance(row, Refused) for row in rows] == [False, True, True]
    assert [row.problems[0].message for row in rows if isinstance(row, Refused)] == [
        "column score holds nan, which JSON has no number for",
        "column tools is JSON: the key no has no quotes (character 2)",
    ]
    assert [row.line for row in rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([b"x"]), "column c holds bytes"),
        (pa.array([{"bytes": b"x", "path": "a.png"}]), r"column c\.bytes holds bytes \(images"),
        (pa.array([[(1, "x")]], pa.map_(pa.int64(), pa.string())), "keys are no text"),
    ],
)
def test_columns_without_json_refuse_the_file(tmp_path: Path, column: Any, said: str) -> None:
    pq.write_table(pa.table({"c": column}), tmp_path / "rows.parquet")
    with pytest.raises(InputError, match=said):
        RowReader(tmp_path / "rows.parquet")


@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_a_file_that_is_cut_off_is_one_error(tmp_path: Path, kept: float) -> None:
    write(tmp_path / "rows.parquet", PLAIN * 1000)
    table = pq.read_table(tmp_path / "rows.parquet")
    with pa.OSFile(str(tmp_path / "rows.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    for name in ("rows.parquet", "rows.arrow"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
        with pytest.raises(InputError, match="is a broken"):
            list(RowReader(path))


def test_large_files_have_several_groups_and_are_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsforge.io.containers.parquet._PIECE", 1000)
    monkeypatch.setattr("dsforge.io.containers.parquet._GROUP", 5000)
    rows = [{"text": "x" * (index % 90), "n": index} for index in range(3000)]
    write(tmp_path / "rows.parquet", rows)
    assert pq.ParquetFile(tmp_path / "rows.parquet").num_row_groups > 10
    assert values(tmp_path / "rows.parquet") == rows
