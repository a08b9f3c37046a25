"""Any format in, any format out; what the target cannot hold is counted before it is left out."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import orjson

from dsforge.engine.chunks import Chunk, plan_chunks, plan_identity, read_once
from dsforge.engine.local import local_executor
from dsforge.engine.plan import Task, run_stage, work_folder
from dsforge.errors import RowError
from dsforge.example import Example
from dsforge.feature import ESSENTIAL
from dsforge.formats.format import Format, get_format
from dsforge.formats.plain import ShortWay
from dsforge.formats.read import ExampleReader
from dsforge.io.atomic import atomic_write, is_special, publish
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import Reject, rejects_path, remove_stale
from dsforge.io.rows import RawRow
from dsforge.io.together import check_outputs

CANNOT_HOLD = "S902"
NEEDS_PAIR = "S901"
_BATCH = 512  # rows to a write


class Reason(msgspec.Struct):
    """Why rows were rejected: a code, the reason of the first such row, and how many there are."""

    code: str
    first: str
    rows: int = 0


class ConvertResult(msgspec.Struct):
    """What a conversion did. `losses` counts, by feature, the rows that lost it; `formats` the rows read.

    Conservation: rows_in = rows_out + rows_rejected.
    """

    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    lines: int = 0
    formats: dict[str, int] = {}
    losses: dict[str, int] = {}
    reasons: list[Reason] = []

    def count_reject(self, code: str, reason: str, rows: int = 1) -> None:
        """Count rejected rows under their code; those that the format cannot hold, under their own words."""
        for known in self.reasons:
            if known.code == code and (code not in (CANNOT_HOLD, NEEDS_PAIR) or known.first == reason):
                known.rows += rows
                return
        self.reasons.append(Reason(code, reason, rows))

    def add(self, other: ConvertResult) -> None:
        """Take the counts of another part of the work into this one."""
        for name in ("rows_in", "rows_out", "rows_rejected", "lines"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("formats", "losses"):
            setattr(self, name, dict(Counter(getattr(self, name)) + Counter(getattr(other, name))))
        for reason in other.reasons:
            self.count_reject(reason.code, reason.first, reason.rows)


def convert_example(example: Example, to: Format) -> tuple[bytes, set[str]]:
    """`(row, features lost)` of an example written in format `to`.

    Raises:
        RowError: the format cannot hold what makes the example what it is (turns, tool calls, images, the pair).
    """
    lost = to.losses(example)
    if essential := lost & ESSENTIAL:
        names = " and ".join(sorted(feature.value for feature in essential))
        raise RowError(f"{to.name} cannot hold: {names}", code=CANNOT_HOLD)
    return dumps(to.encode(example)), {feature.value for feature in lost}


def convert_chunk(chunk: Chunk, from_name: str, to_name: str, separator: bytes, output: Path) -> ConvertResult:
    """Convert one chunk of rows to `output` (rows joined by `separator`) and `output` + ".rejects".

    Plain rows go the short way. The rows and lines of the rejects count from the beginning of the chunk.
    """
    to = get_format(to_name)
    result = ConvertResult()
    losses: Counter[str] = Counter()
    batch: list[bytes] = []
    with output.open("wb", 0) as rows, _rejects_of(output).open("wb") as rejects:

        def flush() -> None:
            if batch:
                rows.write(separator if result.rows_out else b"")
                rows.write(separator.join(batch))
                result.rows_out += len(batch)
                batch.clear()

        def reject(item: Reject) -> None:
            result.count_reject(item.code, item.reason)
            result.rows_rejected += 1
            rejects.write(item.to_json() + b"\n")

        def the_long_way(raw_row: RawRow) -> bytes | None:
            found = reader.decoded(reader.rows.parsed(raw_row))
            if found is None:
                return None
            row, example = found
            try:
                encoded, lost = convert_example(example, to)
            except RowError as error:
                reject(Reject(reader.path, row.number, row.line, error.code, error.reason, error.pointer, row.raw))
                return None
            losses.update(lost)
            return encoded

        reader = ExampleReader(chunk.source, from_name, reject, strict=True, start=chunk.start, end=chunk.end)
        short_way = ShortWay(reader.format, to)
        for raw_row in reader.rows.raw_rows():
            encoded = short_way(raw_row[4]) or the_long_way(raw_row)
            if encoded is None:
                continue
            batch.append(encoded)
            if len(batch) == _BATCH:
                flush()
        flush()
    result.rows_in, result.lines = reader.rows.count, reader.rows.lines
    result.formats = dict(reader.formats + short_way.formats)
    result.losses = dict(losses + short_way.losses)
    return result


def _rejects_of(output: Path) -> Path:
    return output.with_name(f"{output.name.removesuffix('.partial')}.rejects")


def convert(
    sources: list[str],
    output: str | Path,
    to: str,
    *,
    from_format: str = "auto",
    rejects: str | Path | None = None,
    workers: int = 1,
) -> ConvertResult:
    """Write the rows of `sources` to `output` in format `to`; rows that do not fit go to `rejects`.

    A JSON array is written where `output` ends in .json, else JSONL. The result does not depend on
    `workers`, to the byte.

    Raises:
        UsageError: no such format, or the output is one of the inputs.
        InputError, OutputError: a file that cannot be read or written.
    """
    target = get_format(to)
    if from_format != "auto":
        get_format(from_format)
    rejects = Path(rejects) if rejects else rejects_path(output)
    check_outputs(sources, [output, rejects])
    chunks = [chunk for source in sources for chunk in plan_chunks(source, workers)]
    separator = b",\n" if str(output).endswith(".json") else b"\n"
    plan = ("convert", plan_identity(sources), from_format, target.name, separator, len(chunks))
    resumable = not (str(output) == "-" or is_special(Path(output)) or any(map(read_once, sources)))
    with work_folder(output, plan, resumable) as folder:
        tasks = [
            Task(
                convert_chunk,
                (chunk, from_format, target.name, separator),
                folder / f"{index:05}.rows",
                ConvertResult,
            )
            for index, chunk in enumerate(chunks)
        ]
        parts = run_stage(tasks, local_executor(workers, len(tasks)))
        outputs = [task.output for task in tasks]
        total = ConvertResult()
        for part in parts:
            total.add(part)
        _merge_rows(outputs, parts, output, separator)
        _merge_rejects(list(zip(chunks, parts, outputs, strict=True)), rejects, total.rows_rejected)
    if total.rows_in != total.rows_out + total.rows_rejected:
        raise AssertionError(f"conservation broken: {total}")
    return total


def _merge_rows(outputs: list[Path], parts: list[ConvertResult], output: str | Path, separator: bytes) -> None:
    array = separator != b"\n"
    if len(parts) == 1 and not array and str(output) != "-":
        with outputs[0].open("ab") as file:
            file.write(b"\n" if parts[0].rows_out else b"")
        publish(outputs[0], output)
        return
    with atomic_write(output) as file:
        lead = b"[\n" if array else b""
        for path, part in zip(outputs, parts, strict=True):
            if part.rows_out:
                file.write(lead)
                _append(path, file)
                lead = separator
        if array:
            file.write(b"\n]\n" if lead == separator else b"[]\n")
        elif lead:
            file.write(b"\n")


def _append(path: Path, file: BinaryIO) -> None:
    with path.open("rb") as part:
        shutil.copyfileobj(part, file, 8 << 20)


def _merge_rejects(parts: list[tuple[Chunk, ConvertResult, Path]], rejects: Path, count: int) -> None:
    """One rejects file with rows and lines counted from the beginning of each source."""
    if not count:
        remove_stale(rejects)
        return
    with atomic_write(rejects) as file:
        for line in _rejects_with_place(parts):
            file.write(line)


def _rejects_with_place(parts: Iterable[tuple[Chunk, ConvertResult, Path]]) -> Iterator[bytes]:
    rows = lines = 0
    for chunk, result, output in parts:
        if chunk.start == 0:
            rows = lines = 0
        with _rejects_of(output).open("rb") as file:
            for line in file:
                if not rows:
                    yield line
                    continue
                entry = orjson.loads(line)
                entry["row"] += rows
                entry["line"] += lines
                yield dumps(entry) + b"\n"
        rows += result.rows_in
        lines += result.lines
