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
        yield number, offset, line.removesuffix(b"\n").removesuffix(b"\r")
        offset += len(line)


def iter_batches(
    file: BinaryIO, start: int = 0, end: int | None = None, size: int = 1 << 16
) -> Iterator[tuple[int, bytes]]:
    """`(byte offset, block)` of whole lines, about `size` bytes at a time.

    The lines, to be had by `lines_of`, are those of `iter_lines`, but for a carriage return that may stand at their
    end. Blocks fit into the cache of a core: larger ones cost a third more.
    """
    if start:
        file.seek(start)
    offset = start
    last = sys.maxsize if end is None else end
    while offset < last and (block := file.read(min(size, last - offset))):
        if not block.endswith(b"\n"):
            block += file.readline()
        yield offset, block
        offset += len(block)


def lines_of(block: bytes) -> list[bytes]:
    """The lines of a block of `iter_batches`."""
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines
