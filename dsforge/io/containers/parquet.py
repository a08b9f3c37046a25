"""Parquet that Hugging Face's datasets and TRL load as it is: typed columns where rows agree, `Json()` where not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from dsforge.errors import InputError
from dsforge.example import JSON
from dsforge.extras import require
from dsforge.io.arrow_rows import MARK, ArrowRows
from dsforge.io.columns import objects
from dsforge.io.container import Container, Opened, Rows, TableRow
from dsforge.io.shape import Form, Forms

_MAGIC = b"PAR1"
_READ_ROWS = 1000
_PIECE = 1 << 20  # bytes of JSON that become Python values at once
_GROUP = 16 << 20  # bytes of JSON in a row group


def _recognise(head: bytes, file: BinaryIO) -> bool:
    return head.startswith(_MAGIC)


def _rows(opened: Opened) -> Iterator[TableRow]:
    arrow = require("pyarrow", "tables", f"reading {opened.name}")
    parquet = require("pyarrow.parquet", "tables", f"reading {opened.name}")
    try:
        file = parquet.ParquetFile(opened.file, pre_buffer=False)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{opened.name} is a broken Parquet file: {error}") from error
    return ArrowRows(opened.name, file.schema_arrow).rows(_batches(opened.name, arrow, file))


def _batches(name: str, arrow: Any, file: Any) -> Iterator[Any]:
    try:
        yield from file.iter_batches(_READ_ROWS)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{name} is a broken Parquet file: {error}") from error


def _refusal(row: JSON) -> str | None:
    if not isinstance(row, dict) or not row:
        return "Parquet holds objects with named fields only; write .jsonl"
    return None


class _Types:
    """Arrow's types for forms; JSON is an extension of text, and plain text for datasets before 4.8."""

    def __init__(self, arrow: Any, hf_compat: bool) -> None:
        self._arrow = arrow
        self._hf_compat = hf_compat
        self._scalars = {
            "text": arrow.string(), "bool": arrow.bool_(), "int": arrow.int64(),
            "float": arrow.float64(), "null": arrow.null(), "json": arrow.string(),
        }  # fmt: skip

    def field(self, name: str, form: Form, stored: bool = False) -> Any:
        """The field of a form; `stored` gives the one that values are built with, before text becomes JSON."""
        marks = [mark for mark, holds in (("always", form.always), ("json", form.kind == "json")) if holds]
        return self._arrow.field(name, self._type(form, stored), metadata={MARK: " ".join(marks)} if marks else None)

    def _type(self, form: Form, stored: bool) -> Any:
        if form.item and form.item.kind == "null":  # a cast of list<null> breaks its offsets (pyarrow 26)
            return self._arrow.list_(self.field("element", form.item, stored).with_type(self._arrow.string()))
        if form.item:
            return self._arrow.list_(self.field("element", form.item, stored))
        if form.kind == "struct":
            return self._arrow.struct([self.field(name, part, stored) for name, part in form.fields.items()])
        if form.kind == "json" and not stored and not self._hf_compat:
            return self._arrow.json_()
        return self._scalars[form.kind]


def _write(file: BinaryIO, rows: Rows, name: str, hf_compat: bool) -> list[str]:
    arrow = require("pyarrow", "tables", f"writing {name}")
    parquet = require("pyarrow.parquet", "tables", f"writing {name}")
    forms = Forms(rows(), hf_compat)
    types = _Types(arrow, hf_compat)
    schema = arrow.schema([types.field(key, form) for key, form in forms.columns.items()])
    stored = [types.field(key, form, stored=True) for key, form in forms.columns.items()]
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        group: list[Any] = []
        size = 0
        for piece, read in _pieces(rows, name):
            columns = [
                arrow.array([forms.columns[field.name].store(row[field.name]) if field.name in row else None
                             for row in piece], field.type).cast(schema.field(index).type)
                for index, field in enumerate(stored)
            ]  # fmt: skip
            group.append(arrow.RecordBatch.from_arrays(columns, schema=schema))
            size += read
            if size >= _GROUP:
                writer.write_table(arrow.Table.from_batches(group, schema))
                group, size = [], 0
        if group:
            writer.write_table(arrow.Table.from_batches(group, schema))
    return forms.notices(name) if hf_compat else []


def _pieces(rows: Rows, name: str) -> Iterator[tuple[list[dict[str, JSON]], int]]:
    """Rows parsed, some megabytes at a time, and how many bytes they were."""
    piece: list[dict[str, JSON]] = []
    size = 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for raw in rows():
            size += len(raw)
            yield raw

    for row in objects(counted(), name, _refusal):
        piece.append(row)
        if size >= _PIECE:
            yield piece, size
            piece, size = [], 0
    if piece:
        yield piece, size


CONTAINER = Container(
    "a Parquet file",
    (".parquet",),
    recognise=_recognise,
    rows=_rows,
    write=_write,
    refusal=_refusal,
    needs=("pyarrow", "pyarrow.parquet"),
)
