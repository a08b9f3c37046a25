"""Plots as inline SVG, coloured by the page's custom properties; the drawing is 340 units wide, a phone's width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from dsforge.report.histogram import filled, lower_edge
from dsforge.report.markup import Html, element
from dsforge.report.visible import columns

WIDTH = 340
_HEIGHT = 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 330, 22, 140
_MOST_BARS = 44
_FEWEST_BARS = 6
_LABEL = 130  # where horizontal bars begin
_LABEL_COLUMNS = 18


class _Axes(NamedTuple):
    """Which bins are drawn, how many to a bar, and the count at the top."""

    first: int
    bars: int
    step: int
    top: int

    def x(self, bar: float) -> float:
        """Where a bar begins."""
        return round(_LEFT + (_RIGHT - _LEFT) * bar / self.bars, 1)

    def y(self, count: int) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * count / self.top, 1)

    def counts(self, bins: Sequence[int]) -> list[int]:
        """The counts of the bars."""
        end = self.first + self.bars * self.step
        padded = [*bins, *[0] * max(0, end - len(bins))]
        return [sum(padded[at : at + self.step]) for at in range(self.first, end, self.step)]

    def edge(self, bar: int) -> int:
        return lower_edge(self.first + bar * self.step)


def _axes(histograms: Sequence[Sequence[int]]) -> _Axes:
    held = [number for bins in histograms for number, count in enumerate(bins) if count] or [0]
    first, last = min(held), max(held)
    step = next(step for step in (1, 2, 4, 8) if (last - first) // step < _MOST_BARS)
    first -= first % step
    bars = (last - first) // step + 1
    if bars < _FEWEST_BARS:
        first = max(0, first - (_FEWEST_BARS - bars) // 2 * step)
        bars = _FEWEST_BARS
    axes = _Axes(first, bars, step, 1)
    return axes._replace(top=_round_up(max(max(axes.counts(bins)) for bins in histograms)))


def _round_up(count: int) -> int:
    """The next of 2, 4, 6, 8, 10, 20, 40 ...: what halves well."""
    power = 1
    while True:
        for factor in (2, 4, 6, 8, 10):
            if factor * power >= count:
                return factor * power
        power *= 10


def compact(number: int) -> str:
    """A number for an axis: 800, 1.5k, 12k, 3M."""
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            value = number / size
            return f"{value:.1f}".removesuffix(".0") + unit if value < 10 else f"{value:.0f}{unit}"
    return str(number)


def svg(name: str, title: str, description: str, height: int, parts: Iterable[str]) -> Html:
    """A drawing `WIDTH` units wide, which is read out as its title and description; `name` as of `histogram`."""
    heading = element("title", title, id=f"{name}-title"), element("desc", description, id=f"{name}-text")
    return element(
        "svg", *heading, *parts, class_="plot", viewBox=f"0 0 {WIDTH} {height}", role="img",
        aria_labelledby=f"{name}-title {name}-text",
    )  # fmt: skip


def _frame(axes: _Axes, unit: str, counted: str = "rows") -> Iterable[Html]:
    """Grid lines with counts, the bottom line with sizes, and what both are."""
    exact = axes.edge(axes.bars) <= 8  # a bar to a number
    yield from _grid(axes, unit if exact else f"{unit}, logarithmic", counted)
    every = max(1, -(-axes.bars // (8 if exact else 5)))
    for bar in range(0, axes.bars, every):
        yield from _tick(axes.x(bar + 0.5 if exact else bar), compact(axes.edge(bar)))


def _grid(axes: _Axes, unit: str, counted: str) -> Iterable[Html]:
    for count in (axes.top, axes.top // 2):
        y = axes.y(count)
        yield element("line", class_="grid", x1=_LEFT, x2=_RIGHT, y1=y, y2=y)
        yield element("text", compact(count), class_="count", x=_LEFT - 5, y=y + 4)
    yield element("line", class_="axis", x1=_LEFT, x2=_RIGHT, y1=_BOTTOM, y2=_BOTTOM)
    yield element("text", counted, class_="counted", x=2, y=12)
    yield element("text", unit, class_="size", x=(_LEFT + _RIGHT) / 2, y=_BOTTOM + 34)


def _tick(x: float, word: str) -> Iterable[Html]:
    yield element("line", class_="axis", x1=x, x2=x, y1=_BOTTOM, y2=_BOTTOM + 4)
    yield element("text", word, class_="size", x=min(x, WIDTH - 13), y=_BOTTOM + 17)


def _sizes(axes: _Axes, bar: int, count: int) -> str:
    low, high = axes.edge(bar), axes.edge(bar + 1) - 1
    return f"{low:,}: {count:,}" if low == high else f"{low:,} to {high:,}: {count:,}"


def _described(bins: Sequence[int], unit: str, counted: str = "rows") -> str:
    held = list(filled(bins))
    if not held:
        return f"no {counted}"
    largest = max(held, key=lambda each: each[2])
    return (
        f"{sum(bins):,} {counted}, from {held[0][0]:,} to {held[-1][1] - 1:,} {unit}; "
        f"most have {largest[0]:,} to {largest[1] - 1:,}"
    )


def histogram(name: str, title: str, unit: str, bins: Sequence[int], counted: str = "rows") -> Html:
    """Bars over sizes. `name` is used for ids and must be the only one on its page; `bins` as of histogram.py."""
    axes = _axes([bins])
    gap = 1 if axes.bars > 12 else 3
    drawn = [
        _bar(axes, number, gap, count, _sizes(axes, number, count))
        for number, count in enumerate(axes.counts(bins))
        if count
    ]
    return svg(name, title, _described(bins, unit, counted), _HEIGHT, [*_frame(axes, unit, counted), *drawn])


def stepped(name: str, title: str, unit: str, edges: Sequence[float], counts: Sequence[int]) -> Html:
    """Bars over even steps of a share; of `edges` there is one more than of `counts`."""
    axes = _Axes(0, len(counts), 1, _round_up(max(counts)))
    spans = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)]
    drawn = [
        _bar(axes, number, 2, count, f"{spans[number]}: {count:,}") for number, count in enumerate(counts) if count
    ]
    every = max(1, -(-len(counts) // 6))
    ticks = [part for at in range(0, len(edges), every) for part in _tick(axes.x(at), f"{edges[at]:.2f}")]
    most = spans[max(range(len(counts)), key=counts.__getitem__)]
    description = f"{sum(counts):,} rows, from {edges[0]:.2f} to {edges[-1]:.2f} {unit}; most have {most}"
    return svg(name, title, description, _HEIGHT, [*_grid(axes, unit, "rows"), *ticks, *drawn])


def _bar(axes: _Axes, number: int, gap: int, count: int, title: str) -> Html:
    x, y = axes.x(number), min(axes.y(count), _BOTTOM - 0.7)
    width = round(axes.x(number + 1) - x - gap, 1)
    return element("rect", element("title", title), class_="bar", x=x + gap / 2, y=y, width=width,
                   height=round(_BOTTOM - y, 1))  # fmt: skip


def overlaid(
    name: str,
    title: str,
    unit: str,
    first: tuple[str, Sequence[int]],
    second: tuple[str, Sequence[int]],
    counted: str = "rows",
) -> Html:
    """Two histograms over one another, each with its word."""
    axes = _axes([first[1], second[1]])
    shapes, legend = [], []
    for number, (word, bins) in enumerate((first, second)):
        kind = ("first", "second")[number]
        shapes.append(
            element("path", element("title", word), class_=f"area {kind}", d=_outline(axes, axes.counts(bins)))
        )
        x = 170 + number * 85
        legend.append(element("rect", class_=f"area {kind}", x=x, y=3, width=14, height=10))
        legend.append(element("text", word, class_="key", x=x + 19, y=12))
    description = "; ".join(f"{word}: {_described(bins, unit, counted)}" for word, bins in (first, second))
    return svg(name, title, description, _HEIGHT, [*_frame(axes, unit, counted), *shapes, *legend])


def _outline(axes: _Axes, counts: Sequence[int]) -> str:
    steps = "".join(f"V{axes.y(count):g}H{axes.x(bar + 1):g}" for bar, count in enumerate(counts))
    return f"M{_LEFT} {_BOTTOM}{steps}V{_BOTTOM}Z"


def bars(name: str, title: str, pairs: Sequence[tuple[str, int]], total: int) -> Html:
    """A horizontal bar for each `(word, rows)`, with its share of `total`."""
    longest = max((count for _, count in pairs), default=1) or 1
    drawn = []
    for number, (word, count) in enumerate(pairs):
        middle = 13 + number * 24
        width = max(1.0, round((WIDTH - 90 - _LABEL) * count / longest, 1))
        share = f" ({'<1%' if 0 < count / total < 0.005 else f'{count / total:.0%}'})" if total else ""
        hover = element("title", f"{word}: {count:,}{share}")
        parts = (
            element("text", shortened(word), class_="word", x=_LABEL - 8, y=middle + 4),
            element("rect", class_="bar", x=_LABEL, y=middle - 7, width=width, height=14),
            element("text", compact(count) + share, class_="key", x=_LABEL + width + 6, y=middle + 4),
        )
        drawn.append(element("g", hover, *parts))
    description = ", ".join(f"{shortened(word)} {count:,}" for word, count in pairs) or "nothing"
    return svg(name, title, description, max(1, len(pairs)) * 24 + 2, drawn)


def shortened(word: str, most: int = _LABEL_COLUMNS) -> str:
    """`word`, or as much of it as `most` columns hold."""
    if columns(word) <= most:
        return word
    while columns(word) >= most:
        word = word[:-1]
    return f"{word}…"
