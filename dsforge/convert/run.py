"""A whole conversion: chunks planned, run, put together in order, verified and published at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from dsforge.convert.chunk import convert_chunk, rejects_of
from dsforge.convert.job import Job, MediaMode, OnLoss
from dsforge.convert.manifest import manifest_path, write_manifest
from dsforge.convert.result import ConvertResult
from dsforge.engine.chunks import Chunk, pieces_for, plan_chunks, plan_identity, read_once
from dsforge.engine.engine import Engine
from dsforge.engine.plan import Task, work_folder
from dsforge.errors import OutputError, UsageError
from dsforge.io.atomic import WriteBehind, atomic_write, is_special, publish
from dsforge.io.expand import expand_sources
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import is_stale, rejects_path, remove_stale
from dsforge.io.together import check_outputs
from dsforge.io.write import output_of, row_writer, write_rows

if TYPE_CHECKING:
    from dsforge.formats.dataset_info import Entry
    from dsforge.formats.layout import Layout


def convert(
    sources: Sequence[str],
    output: str | Path,
    to: str,
    *,
    from_format: str = "auto",
    rejects: str | Path | None = None,
    workers: int = 1,
    options: Mapping[str, str] | None = None,
    layout: Layout | None = None,
    entry: Entry | None = None,
    on_loss: OnLoss = "report",
    keep_extra: bool = True,
    hf_compat: bool = False,
    media: MediaMode = "keep",
    media_root: str = "",
    encoding: str = "auto",
    verify: bool = False,
    manifest: bool = False,
) -> ConvertResult:
    """Write the rows of `sources` (files, globs, dataset folders) to `output` in format `to`; rows that do not fit go
    to `rejects`.

    The name of `output` says what kind of file it is. See `Job` for the options. `verify` reads what was written
    again and compares, `manifest` writes a manifest beside. The result does not depend on `workers`, to the byte.

    Raises:
        UsageError: no such format or option, or the output is one of the inputs.
        InputError, OutputError: a file that cannot be read or written, or a row that `verify` finds changed.
    """
    if str(output).lower().endswith(".zip"):
        media = "bundle"
    elif media == "bundle":
        raise UsageError("--media bundle packs the rows and their files into a zip: give -o a name that ends in .zip")
    job = Job(
        to, from_format, dict(options or {}), layout, entry, on_loss, keep_extra, hf_compat, media, media_root, encoding
    )
    job.check()
    run = _Run(expand_sources(sources), output, job, Path(rejects) if rejects else rejects_path(output))
    if verify and run.passes_through:
        raise UsageError("--verify reads what was written: give -o a file name")
    return run(workers, verify, manifest)


class _Run:
    """One conversion and its files."""

    def __init__(self, sources: list[str], output: str | Path, job: Job, rejects: Path) -> None:
        self.sources, self.output, self.job, self.rejects = sources, output, job, rejects
        self.in_bundle = job.media == "bundle"
        self.kind_name = "" if str(output) == "-" or self.in_bundle else str(output)
        self.kind = output_of(self.kind_name)
        self.separator = b",\n" if self.kind.array and not self.kind.packing and not job.hf_compat else b"\n"
        self.passes_through = str(output) == "-" or is_special(Path(output))

    def __call__(self, workers: int, verify: bool, manifest: bool) -> ConvertResult:
        manifest = manifest and not self.passes_through
        if str(self.output).endswith(("/", os.sep)):
            raise OutputError(f"{self.output} is a folder: name a file in it")
        beside = [self.rejects, *([manifest_path(self.output)] if manifest else [])]
        check_outputs(self.sources, [self.output, *beside], bundles=self.in_bundle)
        encoding = self.job.encoding
        pieces = pieces_for(workers)
        chunks = [chunk for source in self.sources for chunk in plan_chunks(source, pieces, encoding)]
        plan = ("convert", plan_identity(self.sources), self.job, self.separator, self.kind, len(chunks))
        resumable = not (self.passes_through or any(map(read_once, self.sources)))
        with work_folder(self.output, plan, resumable) as folder:
            result = self._run(chunks, folder, workers, verify)
        if manifest and result.written:
            write_manifest(self.sources, self.output, self.rejects, self.job, result)
        return result

    def _run(self, chunks: list[Chunk], folder: Path, workers: int, verify: bool) -> ConvertResult:
        tasks = [
            Task(
                convert_chunk,
                (chunk, self.job, self.separator, self.kind_name, len(chunks) == 1),
                folder / f"{index:05}.rows",
                ConvertResult,
            )
            for index, chunk in enumerate(chunks)
        ]
        parts: list[ConvertResult] = []
        outputs = [task.output for task in tasks]
        finished = folder / Path(self.output).name
        with Engine(workers=workers) as engine:
            results = engine.run(tasks)
            if self.is_joined:
                self._join(zip(outputs, _noted(results, parts), strict=True), finished)
            else:
                parts += results
        total = _total(chunks, parts)
        if self.job.on_loss == "error" and (total.losses or total.cannot_be_held):
            total.written = False
            return total
        if total.rows_rejected and self.rejects == rejects_path(self.output) and not is_stale(self.rejects):
            raise OutputError(f"{self.rejects} is no rejects file of dsforge, and would be lost: give --rejects a name")
        self._publish(outputs, finished, total, verify)
        _merge_rejects(list(zip(chunks, parts, outputs, strict=True)), self.rejects, total.rows_rejected)
        return total

    @property
    def is_joined(self) -> bool:
        """Whether the output is the parts one after another: plain JSONL, or an array."""
        plain = self.kind.container is None and not self.kind.packing
        return plain and not self.job.hf_compat and not self.in_bundle

    def _join(self, parts: Iterable[tuple[Path, ConvertResult]], finished: Path) -> None:
        """Put the parts together as they come, the first one by giving it the name."""
        array, begun = self.separator != b"\n", False
        for number, (path, part) in enumerate(parts):
            if number == 0 and not array:
                path.rename(finished)
            if number == 0:
                file = finished.open("wb" if array else "r+b")
                file.seek(0, os.SEEK_END)
                behind = WriteBehind(file)
                behind.write(b"[\n" if array else b"")
            if part.rows_out and (number or array):
                behind.write(self.separator if begun else b"")
                behind.append(path)
            begun = begun or part.rows_out > 0
        behind.write((b"\n" if begun else b"") + (b"]\n" if array else b""))
        behind.close()
        file.close()

    def _publish(self, outputs: list[Path], finished: Path, total: ConvertResult, verify: bool) -> None:
        """Give what is finished its name, after it is verified where that is asked for."""
        if self.in_bundle:
            from dsforge.convert.media import merged
            from dsforge.io.bundle import write_bundle

            files = ((packed.name, packed.content) for packed in merged(outputs))
            write_bundle(finished, _rows(outputs), files)
        elif not self.is_joined:
            name = str(self.output)
            total.notices += write_rows(finished, lambda: _rows(outputs), hf_compat=self.job.hf_compat, name=name)
        if verify:
            from dsforge.convert.verify import verify as verify_rows

            total.verified = verify_rows(self.sources, self.job, finished, str(self.output), total.rows_out)
        if self.passes_through:
            with atomic_write(self.output) as file, finished.open("rb") as rows:
                shutil.copyfileobj(rows, file, 1 << 20)
            return
        publish(finished, self.output)


def _noted(results: Iterable[ConvertResult], parts: list[ConvertResult]) -> Iterator[ConvertResult]:
    """The results, each also appended to `parts`."""
    for result in results:
        parts.append(result)
        yield result


def _total(chunks: list[Chunk], parts: list[ConvertResult]) -> ConvertResult:
    total = ConvertResult()
    lines = 0
    for chunk, part in zip(chunks, parts, strict=True):
        lines = 0 if chunk.start == 0 else lines
        total.add(part, lines)
        lines += part.lines
    if total.rows_in != total.rows_out + total.rows_rejected:
        raise AssertionError(f"conservation broken: {total}")
    return total


def _rows(outputs: list[Path]) -> Iterator[bytes]:
    for path in outputs:
        with path.open("rb") as rows:
            for row in rows:
                yield row.rstrip(b"\n")


def _merge_rejects(parts: list[tuple[Chunk, ConvertResult, Path]], rejects: Path, count: int) -> None:
    """One rejects file with rows and lines counted from the beginning of each source."""
    if not count:
        remove_stale(rejects)
        return
    with row_writer(rejects) as write:
        for line in _rejects_with_place(parts):
            write(line)


def _rejects_with_place(parts: Iterable[tuple[Chunk, ConvertResult, Path]]) -> Iterator[bytes]:
    rows = lines = 0
    for chunk, result, output in parts:
        if chunk.start == 0:
            rows = lines = 0
        with rejects_of(output).open("rb") as file:
            for line in file:
                if not rows:
                    yield line.rstrip(b"\n")
                    continue
                entry = orjson.loads(line)
                entry["row"] += rows
                entry["line"] += lines
                yield dumps(entry)
        rows += result.rows_in
        lines += result.lines
