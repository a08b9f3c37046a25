"""Counts the tokens of files: in batches, in this process or in several, rows kept as columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from dsforge.engine.chunks import Chunk, pieces_for, plan_chunks
from dsforge.engine.engine import Engine
from dsforge.engine.plan import Task
from dsforge.errors import UsageError
from dsforge.example import Example
from dsforge.formats.format import get_format
from dsforge.formats.read import ExampleReader
from dsforge.io.expand import expand_sources
from dsforge.io.rejects import Reject
from dsforge.tokens.counter import Counter, get_counter
from dsforge.tokens.rows import RowTokens, count_examples

BATCH = 512

_FIELDS = tuple(field.name for field in msgspec.structs.fields(RowTokens))


@dataclass
class Columns:
    """The rows' numbers, one row after the other, each with the fields of RowTokens in order."""

    flat: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.flat) // len(_FIELDS)

    def __getitem__(self, name: str) -> array[int]:
        """One number per row (`pair` and `label` are 0 or 1)."""
        return self.flat[_FIELDS.index(name) :: len(_FIELDS)]

    def append(self, row: RowTokens) -> None:
        """Add a row."""
        self.flat.extend(msgspec.structs.astuple(row))


class ChunkCount(msgspec.Struct):
    """What one chunk of a file held; rows and lines of the rejects count from its beginning."""

    rows_in: int
    lines: int
    formats: dict[str, int]
    rejects: list[Reject]
    notices: list[str] = []


@dataclass
class TokenCount:
    """The tokens of every row that decoded, and the rows that did not. rows_in = rows + rejects."""

    counter: Counter
    columns: Columns = field(default_factory=Columns)
    rows_in: int = 0
    formats: dict[str, int] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def _batches(reader: ExampleReader) -> Iterator[list[Example]]:
    examples = (example for _, example in reader)
    while batch := list(islice(examples, BATCH)):
        yield batch


def count_chunk(chunk: Chunk, format_name: str, tokenizer: str, output: Path) -> ChunkCount:
    """Count the rows of a chunk; the columns are written to `output`."""
    counter = get_counter(tokenizer)
    reader = ExampleReader(chunk.source, format_name, start=chunk.start, end=chunk.end)
    columns = Columns()
    for batch in _batches(reader):
        for row in count_examples(batch, counter):
            columns.append(row)
    with output.open("wb") as file:
        columns.flat.tofile(file)
    return ChunkCount(
        reader.rows_in, reader.rows.lines, dict(reader.formats), reader.rejects, list(reader.rows.notices)
    )


def _moved(reject: Reject, rows: int, lines: int) -> Reject:
    return msgspec.structs.replace(reject, row=reject.row + rows, line=reject.line + lines) if rows else reject


def _gather(
    count: TokenCount, chunks: Sequence[Chunk], tasks: Sequence[Task[ChunkCount]], parts: Sequence[ChunkCount]
) -> None:
    rows = lines = 0
    for chunk, task, part in zip(chunks, tasks, parts, strict=True):
        if chunk.start == 0:
            rows = lines = 0
        count.columns.flat.frombytes(task.output.read_bytes())
        count.rejects.extend(_moved(reject, rows, lines) for reject in part.rejects)
        for name, number in part.formats.items():
            count.formats[name] = count.formats.get(name, 0) + number
        count.rows_in += part.rows_in
        count.notices += [notice for notice in part.notices if notice not in count.notices]
        rows, lines = rows + part.rows_in, lines + part.lines


def count_tokens(sources: Sequence[str], tokenizer: str, *, format_name: str = "auto", workers: int = 1) -> TokenCount:
    """The tokens of every row of `sources`. The result does not depend on `workers`.

    Raises:
        UsageError: no such format or tokenizer.
        InputError: a file cannot be read as rows.
    """
    if format_name != "auto":
        get_format(format_name)
    sources = expand_sources(sources)
    if sources.count("-") > 1:
        raise UsageError("standard input can be read only once: give - once")
    counter = get_counter(tokenizer)
    chunks = [chunk for source in sources for chunk in plan_chunks(source, pieces_for(workers))]
    with TemporaryDirectory(prefix="dsforge-cost-") as folder:
        tasks = [
            Task(count_chunk, (chunk, format_name, counter.name), Path(folder, f"{index:05}"), ChunkCount)
            for index, chunk in enumerate(chunks)
        ]
        with Engine(workers=workers) as engine:
            parts = engine.run_all(tasks)
        count = TokenCount(counter)
        _gather(count, chunks, tasks, parts)
    if count.rows_in != len(count.columns) + len(count.rejects):
        raise AssertionError(f"conservation broken: {count.rows_in} rows in")
    return count
