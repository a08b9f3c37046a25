"""The drawings of the page about cost: bars of amounts, memory against what a GPU has, bills over epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from dsforge.report.cost_report import money
from dsforge.report.markup import Html, element
from dsforge.report.plots import WIDTH, compact, shortened, svg

LETTERS = "ABCDEFGH"
"""What lines are called: no more of them are drawn."""

KINDS = 6
"""Parts of memory that have a colour; where there are more, the smallest share the last."""

_BAR = 36  # the height of a bar with the words above it
_COLUMNS = 52  # of the words and the number above a bar
_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 44, 322, 24, 190, 228
_WIDE = 100  # how many times the least amount the largest is where a scale turns logarithmic
_LETTER_GAP = 11
_OUTLIER = 10  # how many times the next smaller amount is too large for a bar


class Machine(NamedTuple):
    """A GPU on which a training takes `total` GiB, made of `parts`; `capacity` is None where it is not known."""

    word: str
    parts: Sequence[tuple[str, float]]
    total: float
    capacity: float | None
    fits: bool

    @property
    def told(self) -> str:
        """Its memory in words."""
        known = f" of {self.capacity:g}" if self.capacity is not None else ""
        return f"{self.total:g}{known} GiB" + ("" if self.fits else ": does not fit")


def reach(amounts: Iterable[Decimal]) -> Decimal:
    """Where bars end: at the largest amount, but for such as would leave nothing to see of two or more others."""
    ordered = sorted(amounts)
    while len(ordered) > 2 and ordered[-1] > _OUTLIER * ordered[-2] > 0:
        ordered.pop()
    return ordered[-1] or Decimal(1)


def amount_bars(name: str, title: str, choices: Sequence[tuple[str, Decimal]], currency: str) -> Html:
    """A horizontal bar for each `(word, amount)`, the words above it; one beyond `reach` ends in an arrow."""
    end = reach(amount for _, amount in choices)
    drawn = []
    for number, (word, amount) in enumerate(choices):
        told, top = money(amount, currency), number * _BAR
        width = max(1.0, round(float(WIDTH * amount / end), 1))
        if amount > end:
            bar = element("path", class_="bar", d=f"M0 {top + 18}H{WIDTH - 8}l8 6l-8 6H0Z")
        else:
            bar = element("rect", class_="bar", x=0, y=top + 18, width=width, height=12)
        drawn.append(element("g", element("title", f"{word}: {told}"), *_words(word, told, top), bar))
    description = "; ".join(f"{word}: {money(amount, currency)}" for word, amount in choices)
    return svg(name, title, description, len(choices) * _BAR, drawn)


def _words(word: str, told: str, top: int, kind: str = "") -> Iterator[Html]:
    yield element("text", shortened(word, _COLUMNS - len(told)), class_=f"key {kind}".rstrip(), x=0, y=top + 12)
    yield element("text", told, class_=f"key end {kind}".rstrip(), x=WIDTH, y=top + 12)


def kinds_of(machines: Sequence[Machine]) -> list[str]:
    """The parts that are told apart, in the order they are stacked in; the last is `other` where there are too many."""
    sums: dict[str, float] = {}
    for machine in machines:
        for part, gib in machine.parts:
            if gib > 0:
                sums[part] = sums.get(part, 0.0) + gib
    if len(sums) <= KINDS:
        return list(sums)
    largest = sorted(sums, key=lambda part: -sums[part])[: KINDS - 1]
    return [*(part for part in sums if part in largest), "other"]


def memory_bars(name: str, title: str, machines: Sequence[Machine]) -> Html:
    """A bar of its parts for each machine with a line at what it has; what is too much for one is told and marked."""
    kinds = kinds_of(machines)
    scale = (WIDTH - 2) / (max(max(machine.total, machine.capacity or 0) for machine in machines) or 1)
    drawn = []
    for number, machine in enumerate(machines):
        top = number * _BAR
        parts = [*_words(machine.word, machine.told, top, "" if machine.fits else "unfit")]
        parts += _stack(machine, kinds, scale, top + 18)
        if machine.capacity is not None:
            x = round(machine.capacity * scale, 1)
            if not machine.fits and machine.total > machine.capacity:
                over = round((machine.total - machine.capacity) * scale, 1)
                parts.append(element("rect", class_="over", x=x, y=top + 18, width=over, height=12))
            parts.append(element("line", class_="capacity", x1=x, x2=x, y1=top + 15, y2=top + 33))
        drawn.append(element("g", element("title", f"{machine.word}: {machine.told}"), *parts))
    description = "; ".join(f"{machine.word}: {machine.told}" for machine in machines)
    return svg(name, title, description, len(machines) * _BAR, drawn)


def _stack(machine: Machine, kinds: Sequence[str], scale: float, top: int) -> Iterator[Html]:
    sizes = dict.fromkeys(kinds, 0.0)
    for part, gib in machine.parts:
        if gib > 0:
            sizes[part if part in sizes else "other"] += gib
    at = 0.0
    for number, (part, gib) in enumerate(sizes.items()):
        if gib:
            hover = element("title", f"{part}: {gib:.3g} GiB")
            yield element("rect", hover, class_=f"part p{number}", x=round(at, 1), y=top, width=round(gib * scale, 1),
                          height=12)  # fmt: skip
            at += gib * scale


class _Scale(NamedTuple):
    """Heights of amounts from `low` to `top`."""

    low: float
    top: float
    logarithmic: bool

    def y(self, amount: float) -> float:
        if self.logarithmic:
            share = math.log(max(amount, self.low) / self.low) / math.log(self.top / self.low)
        else:
            share = amount / self.top
        return round(_BOTTOM - (_BOTTOM - _TOP) * share, 1)

    def ticks(self) -> list[float]:
        if not self.logarithmic:
            return [self.top / 2, self.top]
        first, last = round(math.log10(self.low)), round(math.log10(self.top))
        return [10.0**power for power in range(first, last + 1, max(1, math.ceil((last - first) / 5)))]


def _scale(amounts: Iterable[Decimal]) -> _Scale:
    positive = [float(amount) for amount in amounts if amount > 0] or [1.0]
    least, largest = min(positive), max(positive)
    if largest > _WIDE * least:
        return _Scale(10.0 ** math.floor(math.log10(least)), 10.0 ** math.ceil(math.log10(largest)), True)
    power = 10.0 ** math.floor(math.log10(largest))
    return _Scale(0.0, next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10, 20) if step * power >= largest), False)


def bill_lines(
    name: str, title: str, drawn: Sequence[int], asked: int, lines: Sequence[tuple[str, Sequence[Decimal]]],
    currency: str,
) -> Html:  # fmt: skip
    """A line for each `(word, bills)`, called by its letter at its right end; a bill belongs to each of `drawn`."""
    scale = _scale(bill for _, bills in lines for bill in bills)
    last = drawn[-1]

    def x(epochs: int) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (epochs - 1) / (last - 1), 1)

    parts = [*_frame(scale, currency), *_epochs(last, x(asked), x)]
    for number, (word, bills) in enumerate(lines):
        points = [(x(epochs), scale.y(float(bill))) for epochs, bill in zip(drawn, bills, strict=True)]
        parts.append(element("path", element("title", f"{LETTERS[number]}: {word}"), class_=f"line n{number}",
                             d="M" + "L".join(f"{across:g} {down:g}" for across, down in points)))  # fmt: skip
    ends = [scale.y(float(bills[-1])) for _, bills in lines]
    parts += [
        element("text", LETTERS[number], class_="key", x=_RIGHT + 5, y=round(y + 4, 1))
        for number, y in enumerate(_apart(ends))
    ]
    description = "; ".join(
        f"{LETTERS[number]}, {word}: {money(bills[0], currency)} for 1 epoch, {money(bills[-1], currency)} for {last:,}"
        for number, (word, bills) in enumerate(lines)
    )
    return svg(name, title, description, _HEIGHT, parts)


def _frame(scale: _Scale, currency: str) -> Iterator[Html]:
    for amount in scale.ticks():
        y = scale.y(amount)
        yield element("line", class_="grid", x1=_LEFT, x2=_RIGHT, y1=y, y2=y)
        told = compact(round(amount)) if amount >= 1000 else f"{amount:g}"
        yield element("text", told, class_="count", x=_LEFT - 5, y=y + 4)
    yield element("line", class_="axis", x1=_LEFT, x2=_RIGHT, y1=_BOTTOM, y2=_BOTTOM)
    yield element("text", f"{currency}, logarithmic" if scale.logarithmic else currency, class_="counted", x=2, y=12)


def _epochs(last: int, asked: float, x: Callable[[int], float]) -> Iterator[Html]:
    yield element("line", class_="asked", x1=asked, x2=asked, y1=_TOP, y2=_BOTTOM)
    for epochs in range(1, last + 1, math.ceil(last / 10)):
        at = x(epochs)
        yield element("line", class_="axis", x1=at, x2=at, y1=_BOTTOM, y2=_BOTTOM + 4)
        yield element("text", compact(epochs), class_="size", x=at, y=_BOTTOM + 17)
    yield element("text", "epochs", class_="size", x=(_LEFT + _RIGHT) / 2, y=_BOTTOM + 34)


def _apart(heights: Sequence[float]) -> list[float]:
    """The heights, moved so that letters there do not lie on one another."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = [heights[number] for number in order]
    for above, below in pairwise(range(len(placed))):
        placed[below] = max(placed[below], placed[above] + _LETTER_GAP)
    if placed[-1] > _BOTTOM:
        placed[-1] = _BOTTOM
    for below, above in pairwise(reversed(range(len(placed)))):
        placed[above] = min(placed[above], placed[below] - _LETTER_GAP)
    return [height for _, height in sorted(zip(order, placed, strict=True))]


def line_key(number: int) -> Html:
    """How a line looks, small enough to stand in a text."""
    return _key(element("line", class_=f"line n{number}", x1=0, x2=28, y1=7, y2=7), 28)


def part_key(number: int) -> Html:
    """The colour of a part."""
    return _key(element("rect", class_=f"part p{number}", x=0, y=1, width=12, height=12), 12)


def capacity_key() -> Html:
    """The line at what a GPU has."""
    return _key(element("line", class_="capacity", x1=6, x2=6, y1=0, y2=14), 12)


def over_key() -> Html:
    """The colour of what is more than that."""
    return _key(element("rect", class_="over", x=0, y=1, width=12, height=12), 12)


def _key(drawn: Html, width: int) -> Html:
    return element("svg", drawn, class_="swatch", viewBox=f"0 0 {width} 14", width=width, height=14, aria_hidden="true")
