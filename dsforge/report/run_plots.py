"""Plots of runs as inline SVG: curves over steps, and a line for each run over parallel axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dsforge.report.markup import Html, clip, element
from dsforge.report.plots import WIDTH, compact, shortened, svg
from dsforge.report.run_report import Axis, Chart, Curve

MOST_CURVES = 12
_HEIGHT = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 330, 22, 160
_MOST_POINTS = 400  # of a curve; more cannot be told apart at this size
_NAME_COLUMNS = 14


class _Scale(NamedTuple):
    """Values between two places."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return round(self.start + (self.end - self.start) * share, 1)


def curves(name: str, chart: Chart) -> Html:
    """Lines over steps; `name` is used for ids and must be the only one on its page. Values that are no numbers, and
    curves over `MOST_CURVES`, are left out."""
    shown = [Curve(word, _thinned(points)) for word, points in chart.curves[:MOST_CURVES]]
    steps = [step for curve in shown for step, _ in curve.points]
    values = [value for curve in shown for _, value in curve.points]
    if not values:
        return element("p", "There is nothing to draw.", class_="nothing")
    x = _Scale(min(steps), max(steps), _LEFT, _RIGHT)
    y = _Scale(min(values), max(values), _BOTTOM, _TOP)
    drawn = [part for number, curve in enumerate(shown) for part in _curve(number, curve, x, y)]
    told = "; ".join(
        f"{clip(curve.word, 80)}: {_number(curve.points[0][1])} to {_number(curve.points[-1][1])}"
        for curve in shown
        if curve.points
    )
    return svg(name, chart.title, told, _HEIGHT, [*_frame(chart.unit, x, y), *drawn])


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    every = -(-len(finite) // _MOST_POINTS) or 1
    kept = finite[::every]
    return kept if not finite or kept[-1] == finite[-1] else [*kept, finite[-1]]


def _frame(unit: str, x: _Scale, y: _Scale) -> Iterator[Html]:
    for value in (y.low, (y.low + y.high) / 2, y.high):
        at = y.at(value)
        yield element("line", class_="grid", x1=_LEFT, x2=_RIGHT, y1=at, y2=at)
        yield element("text", _number(value), class_="count", x=_LEFT - 5, y=at + 4)
    yield element("line", class_="axis", x1=_LEFT, x2=_RIGHT, y1=_BOTTOM, y2=_BOTTOM)
    yield element("text", unit, class_="counted", x=2, y=12)
    for step in sorted({x.low, x.high}):
        yield element("text", compact(int(step)), class_="size", x=min(x.at(step), WIDTH - 13), y=_BOTTOM + 17)
    yield element("text", "step", class_="size", x=(_LEFT + _RIGHT) / 2, y=_BOTTOM + 34)


def _curve(number: int, curve: Curve, x: _Scale, y: _Scale) -> Iterator[Html]:
    if not curve.points:
        return
    hover = element("title", curve.word)
    if len(curve.points) == 1:
        step, value = curve.points[0]
        yield element("circle", hover, class_=f"dot line-{number}", cx=x.at(step), cy=y.at(value), r=3)
        return
    places = [f"{x.at(step):g} {y.at(value):g}" for step, value in curve.points]
    path = f"M{'L'.join(places)}"
    yield element("path", hover, class_=f"line line-{number}", d=path)
    if len(curve.points) <= 12:
        for step, value in curve.points:
            yield element("circle", class_=f"dot line-{number}", cx=x.at(step), cy=y.at(value), r=2.5)


def curve_key(number: int) -> Html:
    """The stroke of a curve, for a legend."""
    stroke = element("path", class_=f"line line-{number}", d="M1 6H19")
    return element("svg", stroke, class_="swatch", viewBox="0 0 20 12", aria_hidden="true")


def _number(value: float) -> str:
    """A number of few digits for an axis."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.1 else f"{value:.2g}"


def parallel(name: str, title: str, names: Sequence[str], axes: Sequence[Axis], ranked: Sequence[float | None]) -> Html:
    """A line for each run over an axis for each setting and result, coloured from the best (0) to the worst (1).

    A run that has no value on an axis ends before it.
    """
    width = max(WIDTH, 110 * len(axes))
    scales = [_Upright(axis) for axis in axes]
    places = [round(55 + (width - 110) * at / max(1, len(axes) - 1), 1) for at in range(len(axes))]
    frame = [part for at, scale in zip(places, scales, strict=True) for part in scale.drawn(at)]
    order = sorted(range(len(names)), key=lambda run: -(2.0 if ranked[run] is None else ranked[run] or 0.0))
    lines = [
        element("path", element("title", _told(names[run], axes, run)), class_=f"run {_shade(ranked[run])}", d=path)
        for run in order
        for path in _stretches([scale.at(run) for scale in scales], places)
    ]
    described = "; ".join(_told(each, axes, run) for run, each in enumerate(names[:20]))
    heading = element("title", title, id=f"{name}-title"), element("desc", described, id=f"{name}-text")
    return element("svg", *heading, *frame, *lines, class_="plot parallel", viewBox=f"0 0 {width} 230", role="img",
                   aria_labelledby=f"{name}-title {name}-text")  # fmt: skip


class _Upright:
    """An axis: numbers by their size (by their logarithm where they span a hundredfold), texts at even distances."""

    def __init__(self, axis: Axis) -> None:
        self._axis = axis
        numbers = [value for value in axis.values if isinstance(value, (int, float)) and math.isfinite(value)]
        self._is_number = bool(numbers) and not any(isinstance(value, str) for value in axis.values)
        self._words = [] if self._is_number else sorted({str(value) for value in axis.values if value is not None})
        self._logarithmic = self._is_number and min(numbers) > 0 and max(numbers) / min(numbers) >= 100
        ends = [self._placed(value) for value in numbers] if self._is_number else [0.0, max(1, len(self._words) - 1)]
        self._scale = _Scale(min(ends), max(ends), 180, 40)
        self._ends = sorted({min(numbers), max(numbers)}) if self._is_number else []

    def _placed(self, value: float) -> float:
        return math.log(value) if self._logarithmic else float(value)

    def at(self, run: int) -> float | None:
        """Where a run's value stands, None where it has none."""
        value = self._axis.values[run]
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return None
        if self._is_number and not isinstance(value, str):
            return self._scale.at(self._placed(value))
        return self._scale.at(self._words.index(str(value)))

    @property
    def _label(self) -> str:
        """A setting without its section, unless it is a mere name."""
        last = self._axis.name.rpartition(".")[2]
        return self._axis.name if last == "name" else last

    def drawn(self, x: float) -> Iterator[Html]:
        """The line, its name, its ends or its words."""
        yield element("line", class_="axis", x1=x, x2=x, y1=40, y2=180)
        yield element("text", element("title", self._axis.name), shortened(self._label, 16),
                      class_="size name", x=x, y=20)  # fmt: skip
        for value in self._ends:
            y = self._scale.at(self._placed(value))
            yield element("text", _number(value), class_="size", x=x, y=y + (14 if y > 110 else -5))
        for place, word in enumerate(self._words):
            yield element("text", shortened(word, _NAME_COLUMNS), class_="size", x=x, y=self._scale.at(place) - 5)


def _stretches(heights: Sequence[float | None], places: Sequence[float]) -> Iterator[str]:
    """The paths between axes that follow one another."""
    path = ""
    for x, y in zip([*places, 0.0], [*heights, None], strict=True):
        if y is not None:
            path += f"{'L' if path else 'M'}{x:g} {y:g}"
        elif path:
            yield path
            path = ""


def _told(name: str, axes: Sequence[Axis], run: int) -> str:
    values = (f"{axis.name} {_told_value(axis.values[run])}" for axis in axes if axis.values[run] is not None)
    return clip(f"{name}: {', '.join(values)}", 300)


def _told_value(value: float | str | None) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _shade(rank: float | None) -> str:
    return "rank-unknown" if rank is None else f"rank-{min(4, int(rank * 5))}"
