"""Cuts a JSONL file into ranges of bytes that begin and end at line breaks."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dsforge.io.rows import RowReader

MIN_CHUNK = 4 << 20
"""Bytes below which a chunk of its own is not worth a process."""


class Chunk(msgspec.Struct, frozen=True):
    """The rows of `source` whose line begins in bytes [start, end); end None is the end of the file."""

    source: str
    start: int = 0
    end: int | None = None


def plan_chunks(source: str | Path, workers: int) -> list[Chunk]:
    """The chunks of one file: several where it is plain JSONL, large, and there are workers for them.

    Raises:
        InputError: the file cannot be read as rows.
    """
    whole = [Chunk(str(source))]
    path = Path(source)
    if read_once(source):
        return whole
    reader = RowReader(source)  # also where one worker will do: what is no file of rows is found before the work
    reader.close()
    count = min(workers * 4, path.stat().st_size // MIN_CHUNK)
    if workers == 1 or reader.layout != "jsonl" or reader.compressed or count < 2:
        return whole
    starts = _line_starts(path, count)
    return [Chunk(str(source), start, end) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def read_once(source: str | Path) -> bool:
    """Whether a source gives its bytes only once: standard input or a pipe."""
    return str(source) == "-" or (Path(source).exists() and not Path(source).is_file() and not Path(source).is_dir())


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
    """`(path, bytes, time of change)` of the inputs: what makes a plan the same plan."""
    files = [Path(source) for source in sources if not read_once(source)]
    return [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
