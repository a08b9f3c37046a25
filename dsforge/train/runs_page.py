"""Writes the page that compares runs: a table, their settings and results on parallel axes, their losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dsforge.io.atomic import atomic_write
from dsforge.report.loss_curve import smooth
from dsforge.report.run_page import runs_page
from dsforge.report.run_report import Axis, Chart, Curve, RunsReport
from dsforge.train.runs import Found, Run, differing, measures, more_is_better, result, told

_MOST_SETTINGS = 8  # axes that can be told apart on a screen, beside those of results
_SMOOTH_FROM = 60


def write_runs_page(path: str | Path, found: Found, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Write the page about `found`, whose runs stand in a table of `heads` and `lines`.

    Raises:
        OutputError: the file cannot be written.
    """
    runs = found.runs
    axes = list(_axes(runs))
    ranked: list[float | None] = [None] * len(runs)
    if axes:
        ranked = _ranked(axes[-1].values, higher=more_is_better(runs, axes[-1].name))
    report = RunsReport(
        title="Runs compared",
        heads=heads,
        lines=lines,
        names=[run.record.name for run in runs],
        axes=axes,
        ranked=ranked,
        charts=list(_charts(runs)),
        notes=[*(f"{each.folder}: not finished, at step {each.steps:,}" for each in found.unfinished), *found.damaged],
    )
    with atomic_write(Path(path)) as file:
        file.write(runs_page(report).encode())


def _axes(runs: Sequence[Run]) -> Iterator[Axis]:
    """The settings that differ, then the results; last the one that runs are chosen by."""
    for name, values in list(differing(runs).items())[:_MOST_SETTINGS]:
        yield Axis(name, [_placed(value) for value in values])
    chosen = [word for word in ("loss", "validation loss") if any(result(run, word) is not None for run in runs)]
    others = [word for word in measures(runs) if word != "held-out loss"]
    for word in [*chosen[:-1], *others, *chosen[-1:]]:
        yield Axis(word, [result(run, word) for run in runs])


def _placed(value: Any) -> float | str | None:
    if value is None:
        return None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else told(value)


def _ranked(values: Sequence[float | str | None], *, higher: bool) -> list[float | None]:
    """Each value from 0 (best) to 1 (worst)."""
    numbers = [value for value in values if isinstance(value, float)]
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    span = (high - low) or 1.0
    shares = [(value - low) / span if isinstance(value, float) else None for value in values]
    return [1 - share if higher and share is not None else share for share in shares]


def _charts(runs: Sequence[Run]) -> Iterator[Chart]:
    losses = [(run.record.name, run.record.losses) for run in runs if run.record.losses]
    if losses:
        smoothed = [Curve(name, points if len(points) < _SMOOTH_FROM else smooth(points)) for name, points in losses]
        yield Chart("Training loss by step", "nats", smoothed, f"Of more than {_SMOOTH_FROM} steps the running mean.")
    validated = [Curve(run.record.name, run.record.validation_losses) for run in runs if run.record.validation_losses]
    if validated:
        yield Chart("Validation loss by step", "nats", validated)
