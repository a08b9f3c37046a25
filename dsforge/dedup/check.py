"""Checks of rows for training against what they are to be tested with: held-out files, and benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from dsforge.dedup.clusters import removed, side_by_side
from dsforge.dedup.comparison import THRESHOLD, Comparison
from dsforge.dedup.output import Outputs, check_apart
from dsforge.dedup.result import Contaminated, ContaminationResult, LeakResult
from dsforge.dedup.verdict import judge_by_known
from dsforge.engine.engine import Engine
from dsforge.errors import UsageError
from dsforge.example import Example
from dsforge.io.arrays import temporary_folder
from dsforge.io.expand import expand_sources
from dsforge.io.rows import Row
from dsforge.similarity.collect import Collected, Reading, check_sources
from dsforge.similarity.compared import On, message_text
from dsforge.similarity.contamination import Benchmark, asked_by_user, read_benchmark
from dsforge.similarity.key import DEFAULT_STEPS
from dsforge.similarity.shingle import parse_shingling

_MISS = 1e-6
"""Share of the pairs right at the threshold that may be missed, as for `split`: a leak is worse than a slow check."""


def leaks(
    train: str,
    held_out: Sequence[str],
    output: str | Path | None = None,
    *,
    on: On = "prompt",
    threshold: float = THRESHOLD,
    exact: bool = False,
    normalise: Sequence[str] = DEFAULT_STEPS,
    show: int = 0,
    rejects: str | Path | None = None,
    format_name: str = "auto",
    shingles: str = "characters",
    workers: int = 1,
    engine: str = "local",
    partitions: int = 0,
) -> LeakResult:
    """The rows of `train` that are the same as a row of `held_out`, or reach the threshold with one.

    Duplicates within one side do not matter. `train` may be a glob or a folder. `output` gets the rows of
    `train` that do not leak, as they stand.

    Raises:
        UsageError: an option out of range, no held-out file, an output that is an input.
        InputError, OutputError: a file that cannot be read or written.
    """
    comparison = Comparison(on, threshold, exact, tuple(normalise), _MISS, parse_shingling(shingles))
    sources, others = expand_sources([str(train)]), expand_sources(map(str, held_out))
    if not others:
        raise UsageError("--leaks compares a training file with others: name these after it, as train.jsonl val.jsonl")
    _check_files(sources, others, format_name, output, rejects)
    with temporary_folder() as folder, Engine(engine, workers, partitions) as runs:
        rows = Collected(comparison.reading(format_name), folder, runs)
        rows.read(others)
        unread = rows.make_known()
        rows.read(sources)
        verdicts = judge_by_known(rows, threshold)
        kept_by: list[int] = verdicts.kept.tolist()
        leaking = [row for row in range(rows.known, len(rows)) if kept_by[row] != row]
        found = [removed(rows, row, kept_by[row], verdicts.similarity.get(row)) for row in leaking]
        result = LeakResult(
            rows_in=rows.rows_in, rows_out=len(rows) - rows.known - len(leaking), rows_rejected=len(rows.rejects),
            other_rows=rows.known, unread=unread, leaks=found,
            first_reject=rows.first_reject, notices=rows.notices,
        )  # fmt: skip
        for row in islice(leaking, show):
            similarity = verdicts.similarity.get(row)
            title = "exact copy" if similarity is None else f"{similarity:.2f} alike"
            result.shown.append(side_by_side(rows, title, kept_by[row], row))
        _write(rows, leaking, result, output, rejects)
    return result


def contamination(
    sources: Sequence[str],
    benchmarks: Sequence[str],
    output: str | Path | None = None,
    *,
    rejects: str | Path | None = None,
    format_name: str = "auto",
    workers: int = 1,
    engine: str = "local",
    partitions: int = 0,
) -> ContaminationResult:
    """The rows of `sources` that hold an item of a benchmark (see `dsforge.similarity.contamination`).

    `output` gets the rows that hold none, as they stand.

    Raises:
        UsageError: an output that is an input.
        InputError, OutputError: a file that cannot be read or written, or that is no benchmark.
    """
    sources, others = expand_sources(map(str, sources)), expand_sources(map(str, benchmarks))
    _check_files(sources, others, format_name, output, rejects)
    benchmark, items = read_benchmark(others)
    with temporary_folder() as folder, Engine(engine, workers, partitions) as runs:
        rows = Collected(Reading(format_name=format_name), folder, runs)
        rows.read(sources, partial(_see, benchmark))
        holding = [(row, match) for row, match in enumerate(rows.notes()) if match]
        found = [
            Contaminated(*rows.place(row), items[item].path, items[item].row, share, stretch)
            for row, (item, share, stretch) in holding
        ]
        result = ContaminationResult(
            rows_in=rows.rows_in, rows_out=len(rows) - len(found), rows_rejected=len(rows.rejects),
            other_rows=len(items), contaminated=found,
            first_reject=rows.first_reject, notices=rows.notices,
        )  # fmt: skip
        _write(rows, [row for row, _ in holding], result, output, rejects)
    return result


def _see(benchmark: Benchmark, path: str, row: Row, example: Example) -> tuple[int, float, str] | None:
    """The item of the benchmark that a row holds, its share and the stretch."""
    text = "\n".join(map(message_text, example.all_messages()))
    match = benchmark.find(asked_by_user(example), text)
    return (match.item, match.share, match.stretch) if match else None


def _check_files(
    sources: Sequence[str],
    others: Sequence[str],
    format_name: str,
    output: str | Path | None,
    rejects: str | Path | None,
) -> None:
    check_apart(sources, others)
    check_sources(sources, format_name)
    check_sources(others, "auto")
    if output:
        Outputs(output, rejects).check([*sources, *others])


def _write(
    rows: Collected,
    without: Iterable[int],
    result: LeakResult | ContaminationResult,
    output: str | Path | None,
    rejects: str | Path | None,
) -> None:
    """Write the rows but those found, where there is an output."""
    if output:
        kept = np.setdiff1d(np.arange(rows.known, len(rows)), list(without))
        result.notices += Outputs(output, rejects).write(rows, kept)
