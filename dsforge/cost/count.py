"""Counts the tokens of files: in batches, in this process or in several, rows kept as columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from dsforge.engine.chunks import Chunk, pieces_for, plan_chunks, size_of
from dsforge.engine.engine import Engine
from dsforge.engine.plan import Task
from dsforge.errors import UsageError
from dsforge.example import Example
from dsforge.formats.format import get_format
from dsforge.formats.read import ExampleReader
from dsforge.io.expand import expand_sources
from dsforge.io.rejects import Reject
from dsforge.tokens.counter import Counter, get_counter
from dsforge.tokens.fast import Hastened
from dsforge.tokens.rows import RowTokens, count_examples
from dsforge.tokens.sequences import RowSequences, Sequences, template_of

BATCH = 512

_FIELDS = tuple(field.name for field in msgspec.structs.fields(RowTokens))
_SEQUENCE_FIELDS = tuple(field.name for field in msgspec.structs.fields(RowSequences))


@dataclass
class Columns:
    """The rows' numbers, one row after the other, each with the fields of `kind` in order."""

    kind: tuple[str, ...] = _FIELDS
    flat: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.flat) // len(self.kind)

    def __getitem__(self, name: str) -> array[int]:
        """One number per row (`pair` and `label` are 0 or 1)."""
        return self.flat[self.kind.index(name) :: len(self.kind)]

    def append(self, row: RowTokens | RowSequences) -> None:
        """Add a row."""
        self.flat.extend(msgspec.structs.astuple(row))


class ChunkCount(msgspec.Struct):
    """What one chunk of a file held; rows and lines of the rejects count from its beginning."""

    rows_in: int
    lines: int
    formats: dict[str, int]
    rejects: list[Reject]
    notices: list[str] = []
    refused: int = 0
    reason: str = ""


@dataclass
class TokenCount:
    """The tokens of every row that decoded, and the rows that did not. rows_in = rows + rejects.

    `sequences` are those that a trainer makes by the chat template of the model, where the counter has one; the
    template refuses `refused` rows, the first of them for `reason`.
    """

    counter: Counter
    columns: Columns = field(default_factory=Columns)
    sequences: Columns = field(default_factory=lambda: Columns(_SEQUENCE_FIELDS))
    refused: int = 0
    reason: str = ""
    rows_in: int = 0
    formats: dict[str, int] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def _batches(reader: ExampleReader) -> Iterator[list[Example]]:
    examples = (example for _, example in reader)
    while batch := list(islice(examples, BATCH)):
        yield batch


def count_chunk(chunk: Chunk, format_name: str, tokenizer: str, expected: int, output: Path) -> ChunkCount:
    """Count the rows of a chunk; the columns are written to `output`, those of the sequences behind the others.

    `expected` is how many bytes this process will count in all, about.
    """
    counter = get_counter(tokenizer)
    if isinstance(counter.encode_lengths, Hastened):
        counter.encode_lengths.expect(expected)
    reader = ExampleReader(chunk.source, format_name, start=chunk.start, end=chunk.end)
    columns, of_sequences = Columns(), Columns(_SEQUENCE_FIELDS)
    sequences = _sequences(counter)
    for batch in _batches(reader):
        for row in count_examples(batch, counter):
            columns.append(row)
        for of_row in sequences.count(batch) if sequences else ():
            of_sequences.append(of_row)
    with output.open("wb") as file:
        columns.flat.tofile(file)
        of_sequences.flat.tofile(file)
    return ChunkCount(
        reader.rows_in, reader.rows.lines, dict(reader.formats), reader.rejects, list(reader.rows.notices),
        sequences.refused if sequences else 0, sequences.reason if sequences else "",
    )  # fmt: skip


def _sequences(counter: Counter) -> Sequences | None:
    """What makes the sequences of a trainer, None where there is no template for it."""
    template = template_of(counter.model) if counter.model else ""
    return None if isinstance(template, str) else Sequences(template)


def _moved(reject: Reject, rows: int, lines: int) -> Reject:
    return msgspec.structs.replace(reject, row=reject.row + rows, line=reject.line + lines) if rows else reject


def _gather(
    count: TokenCount, chunks: Sequence[Chunk], tasks: Sequence[Task[ChunkCount]], parts: Sequence[ChunkCount]
) -> None:
    rows = lines = 0
    for chunk, task, part in zip(chunks, tasks, parts, strict=True):
        if chunk.start == 0:
            rows = lines = 0
        values = array("q", task.output.read_bytes())
        rows_counted = part.rows_in - len(part.rejects)
        count.columns.flat += values[: rows_counted * len(_FIELDS)]
        count.sequences.flat += values[rows_counted * len(_FIELDS) :]
        count.refused += part.refused
        count.reason = count.reason or part.reason
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
    expected = sum(map(size_of, sources)) // min(workers, len(chunks) or 1)
    with TemporaryDirectory(prefix="dsforge-cost-") as folder:
        tasks = [
            Task(count_chunk, (chunk, format_name, counter.name, expected), Path(folder, f"{index:05}"), ChunkCount)
            for index, chunk in enumerate(chunks)
        ]
        with Engine(workers=workers) as engine:
            parts = engine.run_all(tasks)
        count = TokenCount(counter)
        if counter.model and isinstance(why := template_of(counter.model), str):
            count.notices.append(f"sequences are counted without the chat template: {why}")
        _gather(count, chunks, tasks, parts)
    if count.rows_in != len(count.columns) + len(count.rejects):
        raise AssertionError(f"conservation broken: {count.rows_in} rows in")
    return count
