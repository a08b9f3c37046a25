"""JSON Lines: one row to a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from dsforge.example import JSON


def dumps(value: JSON) -> bytes:
    """One row as compact UTF-8 JSON, integers of any size exact (orjson stops at 64 bits)."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def iter_lines(file: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, bytes]]:
    """`(line number from 1, byte offset, line without its line break)` of the lines that begin in [start, end).

    Line numbers count from `start`, which must be the beginning of a line.
    """
    if start:
        file.seek(start)
    offset = start
    last = sys.maxsize if end is None else end
    for number, line in enumerate(file, 1):
        if offset >= last:
            return
        yield number, offset, line.rstrip(b"\r\n")
        offset += len(line)
