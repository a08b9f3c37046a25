"""The loss of a run over its steps: as plain text for a terminal, as a picture for a folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

Points: TypeAlias = Sequence[tuple[int, float]]
"""`(step, loss)`, ordered by step."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a Braille cell, by row and column
_SMOOTH_FROM = 60  # points; fewer are drawn as they are


def plain(points: Points, width: int = 64, height: int = 10) -> str:
    """The curve in Braille dots (2 by 4 to a character) with its axes; losses that are not numbers are left out."""
    points = [(step, loss) for step, loss in points if math.isfinite(loss)]
    if not points:
        return "no losses to draw"
    low, high = min(loss for _, loss in points), max(loss for _, loss in points)
    span = (high - low) or 1.0
    first, last = points[0][0], points[-1][0]
    cells = [[0] * width for _ in range(height)]
    previous: tuple[int, int] | None = None
    for step, loss in points:
        dot = (
            round((step - first) / max(1, last - first) * (width * 2 - 1)),
            round((high - loss) / span * (height * 4 - 1)),
        )
        for x, y in _line(previous or dot, dot):
            cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
        previous = dot
    labels = {
        0: f"{high:.3f}",
        height - 1: f"{low:.3f}",
        (height - 1) // 2: f"{high - span * ((height - 1) // 2) / (height - 1):.3f}",
    }
    margin = max(len(label) for label in labels.values())
    rows = [
        f"{labels.get(index, ''):>{margin}} ┤{''.join(chr(0x2800 + cell) for cell in row)}".rstrip("\u2800")
        for index, row in enumerate(cells)
    ]
    axis = f"{'':>{margin}} └{'─' * width}"
    ends = f"{'':>{margin}}  {f'step {first}'}{last:>{width - len(f'step {first}')}}"
    return "\n".join([*rows, axis, ends])


def _line(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (
            start[0] + round((end[0] - start[0]) * at / steps),
            start[1] + round((end[1] - start[1]) * at / steps),
        )
        for at in range(steps + 1)
    ]


def smooth(points: Points) -> list[tuple[int, float]]:
    """A centred running mean over a twentieth of the points, the window shrinking evenly at both ends."""
    half = max(1, len(points) // 40)
    result = []
    for index, (step, _) in enumerate(points):
        reach = min(half, index, len(points) - 1 - index)
        window = points[index - reach : index + reach + 1]
        result.append((step, sum(loss for _, loss in window) / len(window)))
    return result


def write_png(path: Path, points: Points, validation: Points = (), title: str = "") -> None:
    """Draw the curve to `path`: each step, the running mean where there are many, the validation losses."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plot
    from matplotlib.ticker import MaxNLocator

    figure, axes = plot.subplots(figsize=(7.2, 4.2), dpi=150, layout="constrained")
    many = len(points) >= _SMOOTH_FROM
    axes.plot(*_columns(points), color="#4477aa", alpha=0.3 if many else 1.0, linewidth=1.2, marker="" if many else ".",
              label="training, each step" if many else "training")  # fmt: skip
    if many:
        axes.plot(*_columns(smooth(points)), color="#4477aa", linewidth=2.0, label="training, running mean")
    if validation:
        axes.plot(*_columns(validation), color="#cc6677", linewidth=1.6, marker="o", markersize=4, label="validation")
    axes.set(xlabel="step", ylabel="loss (nats per token)", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if many or validation:
        axes.legend(frameon=False)
    figure.savefig(path)
    plot.close(figure)


def _columns(points: Points) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [loss for _, loss in points]
