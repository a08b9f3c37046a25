"""Cuts a JSONL file into ranges of bytes that begin and end at line breaks; any other file is one piece."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dsforge.io.naming import file_of, split_part
from dsforge.io.rows import RowReader

MIN_CHUNK = 4 << 20
"""Bytes below which a chunk of its own is not worth a process."""


def pieces_for(workers: int) -> int:
    """Into how many pieces to cut a file, so that no worker waits long for the others at the end."""
    return workers * 8 if workers > 1 else 1


class Chunk(msgspec.Struct, frozen=True):
    """The rows of `source` whose line begins in bytes [start, end); end None is the end of the file.

    `encoding` is that of text, as RowReader takes it.
    """

    source: str
    start: int = 0
    end: int | None = None
    encoding: str = "auto"


def plan_chunks(source: str | Path, pieces: int, encoding: str = "auto") -> list[Chunk]:
    """The chunks of one file: up to so many pieces where it is plain JSONL and large.

    Raises:
        InputError: the file cannot be read as rows.
        UsageError: no such encoding.
    """
    whole = [Chunk(str(source), encoding=encoding)]
    if read_once(source):
        return whole
    # also where one piece will do: what is no file of rows is found before the work
    reader = RowReader(source, encoding=encoding)
    reader.close()
    path = file_of(source)
    count = min(pieces, path.stat().st_size // MIN_CHUNK)
    if not reader.splittable or count < 2:
        return whole
    starts = _line_starts(path, count)
    ends = [*starts[1:], None]
    return [Chunk(str(source), start, end, encoding) for start, end in zip(starts, ends, strict=True)]


def size_of(source: str | Path) -> int:
    """The bytes of a file, 0 where it has none that could be told."""
    path = file_of(source)
    return path.stat().st_size if path.is_file() else 0


def read_once(source: str | Path) -> bool:
    """Whether a source gives its bytes only once: standard input or a pipe."""
    path = file_of(source)
    return str(source) == "-" or (path.exists() and not path.is_file() and not path.is_dir())


def _line_starts(path: Path, count: int) -> list[int]:
    size = path.stat().st_size
    starts = [0]
    with path.open("rb") as file:
        for index in range(1, count):
            file.seek(max(size * index // count, starts[-1]))
            file.readline()
            if starts[-1] < file.tell() < size:
                starts.append(file.tell())
    return starts


def plan_identity(sources: list[str]) -> list[tuple[str, int, int]]:
    """`(path with its part, bytes, time of change)` of the inputs: what makes a plan the same plan."""
    files = [(file_of(source), split_part(source)[1]) for source in sources if not read_once(source)]
    return [
        (f"{file.resolve()}#{part}" if part else str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns)
        for file, part in files
    ]
