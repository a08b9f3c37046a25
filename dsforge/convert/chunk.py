"""The pure part of a conversion: a chunk of rows in, rows and rejects out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dsforge.convert.job import Job
from dsforge.convert.result import WOULD_LOSE, ConvertResult
from dsforge.engine.chunks import Chunk
from dsforge.engine.plan import beside
from dsforge.errors import RowError
from dsforge.example import JSON, Example
from dsforge.feature import Feature, used_features
from dsforge.formats.format import CANNOT_HOLD, Format
from dsforge.formats.held import only_held
from dsforge.formats.plain import ShortWay
from dsforge.formats.read import ExampleReader
from dsforge.io.atomic import WriteBehind
from dsforge.io.jsonl import dumps, lines_of
from dsforge.io.rejects import Reject
from dsforge.io.rows import RawRow

if TYPE_CHECKING:
    from dsforge.convert.media import MediaStore

_UNKNOWN_FIELDS = frozenset({Feature.METADATA, Feature.EXTRA, Feature.MESSAGE_EXTRA})
_BATCH = 512  # rows to a write, where they do not come in batches


def convert_example(example: Example, to: Format, *, keep_extra: bool = True) -> tuple[bytes, set[str]]:
    """`(row, features lost)` of an example written in format `to`.

    Raises:
        RowError: the format cannot hold what makes the example what it is (turns, tool calls, images, the pair).
    """
    value, lost = encode_example(example, to, keep_extra)
    return dumps(value), {feature.value for feature in lost}


def encode_example(example: Example, to: Format, keep_extra: bool = True) -> tuple[JSON, set[Feature]]:
    """`(row value, features lost)`; see `convert_example`."""
    dropped: set[Feature] = set()
    if not keep_extra:
        example, dropped = without_extra(example)
    value, lost = to.written(example)
    return value, lost | dropped


def encode_for(
    job: Job, to: Format, refusal: Callable[[JSON], str | None] | None, example: Example
) -> tuple[JSON, set[Feature]]:
    """`(row value, features lost)` of an example, its media in their place, under all that the job asks.

    Raises:
        RowError: the format or the file cannot hold it, or it would lose a feature and `job` drops such rows.
    """
    value, lost = encode_example(example, to, job.keep_extra)
    if lost and job.on_loss == "drop":
        names = ", ".join(sorted(feature.value for feature in lost))
        raise RowError(f"{to.name} would lose: {names}", code=WOULD_LOSE)
    if refusal and (reason := refusal(value)):
        raise RowError(reason, code=CANNOT_HOLD)
    return value, lost


def lost_fields(example: Example, to: Format, keep_extra: bool, lost: set[Feature]) -> list[str]:
    """The unknown fields and metadata of the row that are not written."""
    if not keep_extra:
        return [*example.meta, *example.extra]
    gone = list(example.meta) if Feature.METADATA in lost else []
    if Feature.EXTRA in lost:
        gone += [key for key in example.extra if Feature.EXTRA not in to.holds or key in to.keys]
    return gone


def without_extra(example: Example) -> tuple[Example, set[Feature]]:
    """The example without metadata and unknown fields, and which of them it had."""
    dropped = used_features(example) & _UNKNOWN_FIELDS
    return (only_held(example, frozenset(Feature) - dropped, frozenset()) if dropped else example), dropped


class _Converter:
    """One chunk on its way: counts in `result`, rows to `write`, rejects to `rejects`."""

    def __init__(
        self, chunk: Chunk, job: Job, separator: bytes, refusal: Callable[[JSON], str | None] | None,
        media: MediaStore | None,
        write: Callable[[bytes], object], rejects: BinaryIO,
    ) -> None:  # fmt: skip
        self.job, self.to, self.media = job, job.target(), media
        self.result = ConvertResult()
        self._losses: Counter[str] = Counter()
        self._separator, self._refusal = separator, refusal
        self._write_rows, self._rejects = write, rejects
        self._reader = ExampleReader(
            chunk.source, job.source(), self._reject, strict=True, start=chunk.start, end=chunk.end,
            readers=job.readers() if job.options else None, encoding=chunk.encoding,
        )  # fmt: skip
        self._short_way = ShortWay(self._reader.format, self.to, self._reader.readers, drop_lossy=job.on_loss == "drop")

    def run(self) -> ConvertResult:
        rows = self._reader.rows
        if rows.layout == "jsonl" and self._refusal is None:
            for batch in rows.line_batches():
                self._batch(*batch)
        else:
            for raw_rows in _batches(filter(None, map(self._the_long_way, rows.raw_rows()))):
                self._write(self._separator.join(raw_rows), len(raw_rows))
        return self._finish()

    def _batch(self, offset: int, block: bytes) -> None:
        """Write a batch of lines: most of them the short way, the others the long one."""
        at_once = self._short_way.convert_block(block, self._separator)
        if at_once is not None:
            self._write_lines(*at_once)
            return
        lines, first = lines_of(block), self._reader.rows.lines + 1
        converted, joined = self._short_way.convert(block, lines, first, self._separator)
        if joined is not None:
            self._write_lines(joined, len(lines))
        else:
            self._write_mixed(first, offset, lines, converted)

    def _write_lines(self, joined: bytes, count: int) -> None:
        """Write rows that are as many lines."""
        self._reader.rows.lines += count
        self._reader.rows.count += count
        self._write(joined, count)

    def _write_mixed(self, first: int, offset: int, lines: list[bytes], converted: list[bytes | None]) -> None:
        """Write lines of which some are converted, the others after they went the long way."""
        rows = self._reader.rows
        kept: list[bytes] = []
        for line, (raw, encoded) in enumerate(zip(lines, converted, strict=True), first):
            if encoded is not None:
                rows.count += 1
                kept.append(encoded)
                continue
            raw_row = rows.row_of_line(line, offset if line == 1 else -1, raw.removesuffix(b"\r"))
            encoded = raw_row and self._the_long_way(raw_row)
            if encoded is not None:
                kept.append(encoded)
        rows.lines = first + len(lines) - 1
        self._write(self._separator.join(kept), len(kept))

    def _the_long_way(self, raw_row: RawRow) -> bytes | None:
        found = self._reader.decoded(self._reader.rows.parsed(raw_row))
        if found is None:
            return None
        row, example = found
        try:
            example = self.media.placed(example) if self.media else example
            value, lost = encode_for(self.job, self.to, self._refusal, example)
        except RowError as error:
            self._reject(
                Reject(self._reader.path, row.number, row.line, error.code, error.reason, error.pointer, row.raw)
            )
            return None
        for name in lost_fields(example, self.to, self.job.keep_extra, lost):
            self.result.lost_fields[name] = self.result.lost_fields.get(name, 0) + 1
        for feature in lost:
            self._losses[feature.value] += 1
            self.result.first_lost.setdefault(feature.value, (self._reader.path, row.line))
        return dumps(value)

    def _reject(self, item: Reject) -> None:
        self.result.count_reject(item.code, item.reason)
        self.result.rows_rejected += 1
        self._rejects.write(item.to_json() + b"\n")

    def _write(self, joined: bytes, count: int) -> None:
        if count:
            if self.result.rows_out:
                self._write_rows(self._separator)
            self._write_rows(joined)
            self.result.rows_out += count

    def _finish(self) -> ConvertResult:
        reader, short_way, result = self._reader, self._short_way, self.result
        result.rows_in, result.lines = reader.rows.count, reader.rows.lines
        result.formats = dict(reader.formats + short_way.formats)
        result.losses = dict(self._losses + short_way.losses)
        for feature, line in short_way.first_lost.items():
            known = result.first_lost.get(feature)
            if known is None or line < known[1]:
                result.first_lost[feature] = reader.path, line
        result.notices = list(reader.rows.notices)
        return result


def _batches(rows: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


def convert_chunk(
    chunk: Chunk, job: Job, separator: bytes, kind_of_output: str, is_last_step: bool, output: Path
) -> ConvertResult:
    """Convert one chunk of rows to `output` (rows joined by `separator`) and `output` + ".rejects".

    Plain rows go the short way. The rows and lines of the rejects count from the beginning of the chunk. Rows that a
    file of the name `kind_of_output` cannot hold (a cell of Excel is short) are rejected. `is_last_step` says that
    `output` will be flushed to the disk as it is.
    """
    from dsforge.io.write import refusal_for

    refusal = refusal_for(kind_of_output)
    with output.open("wb", 1 << 20) as rows, rejects_of(output).open("wb") as rejects:
        behind = WriteBehind(rows)
        media = media_store(chunk.source, job, output.parent)
        write = behind.write if is_last_step else rows.write
        result = _Converter(chunk, job, separator, refusal, media, write, rejects).run()
        behind.close()
    if media:
        media.finish(output)
    return result


def media_store(source: str, job: Job, folder: Path) -> MediaStore | None:
    """What puts the media of a source where the job wants them; None where they stay where they are."""
    if job.media == "keep":
        return None
    from dsforge.convert.media import MediaStore

    return MediaStore(source, job.media_root, job.media, folder)


def rejects_of(output: Path) -> Path:
    """Where the rejects of the task with this output lie."""
    return beside(output, "rejects")
