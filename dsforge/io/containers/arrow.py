"""Arrow files and streams, as Hugging Face's datasets saves them to disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from dsforge.errors import InputError
from dsforge.extras import require
from dsforge.io.arrow_rows import ArrowRows
from dsforge.io.container import Container, Opened, TableRow

_FILE, _STREAM = b"ARROW1", b"\xff\xff\xff\xff"


def _recognise(head: bytes, file: BinaryIO) -> bool:
    return head.startswith((_FILE, _STREAM))


def _rows(opened: Opened) -> Iterator[TableRow]:
    arrow = require("pyarrow", "tables", f"reading {opened.name}")
    is_file = opened.file.read(len(_FILE)) == _FILE
    opened.file.seek(0)
    try:
        reader = arrow.ipc.open_file(opened.file) if is_file else arrow.ipc.open_stream(opened.file)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{opened.name} is a broken Arrow file: {error}") from error
    return ArrowRows(opened.name, reader.schema).rows(_batches(opened.name, arrow, reader, is_file))


def _batches(name: str, arrow: Any, reader: Any, is_file: bool) -> Iterator[Any]:
    try:
        yield from map(reader.get_batch, range(reader.num_record_batches)) if is_file else reader
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{name} is a broken Arrow file: {error}") from error


CONTAINER = Container("an Arrow file", (".arrow",), recognise=_recognise, rows=_rows)
