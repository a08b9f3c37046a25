"""The drawings of the page about augmented rows: rows before and new by group, and shares before and new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsforge.report.markup import Html, element
from dsforge.report.plots import WIDTH, compact, shortened, svg

_LABEL = 130  # where bars begin
_NUMBER = 82  # room for the number behind a bar
_TOP = 24  # where they begin, below what the colours mean
_SPAN = WIDTH - _LABEL - _NUMBER
_KINDS = ("first", "second")


def stacked(name: str, title: str, words: tuple[str, str], lines: Sequence[tuple[str, int, int]]) -> Html:
    """A bar for each `(word, rows, rows)` of two kinds, one behind the other; `words` are those of the kinds."""
    longest = max((old + new for _, old, new in lines), default=0) or 1
    drawn = []
    for number, (word, old, new) in enumerate(lines):
        middle = _TOP + 13 + number * 24
        ends = [_LABEL + round(_SPAN * rows / longest, 1) for rows in (0, old, old + new)]
        bars = [
            element("rect", class_=kind, x=ends[at], y=middle - 7, width=round(ends[at + 1] - ends[at], 1), height=14)
            for at, kind in enumerate(_KINDS)
            if ends[at + 1] > ends[at]
        ]
        told = f"{compact(old)} + {compact(new)}" if new else compact(old)
        drawn.append(
            element(
                "g",
                element("title", _said(word, words, f"{old:,}", f"{new:,}")),
                element("text", shortened(word), class_="word", x=_LABEL - 8, y=middle + 4),
                *bars,
                element("text", told, class_="key", x=ends[-1] + 6, y=middle + 4),
            )
        )
    description = (
        "; ".join(_said(shortened(word), words, f"{old:,}", f"{new:,}") for word, old, new in lines) or "nothing"
    )
    return svg(name, title, description, _TOP + max(1, len(lines)) * 24 + 2, [*_legend(words), *drawn])


def paired(name: str, title: str, lines: Sequence[tuple[str, float, float]]) -> Html:
    """Two bars for each `(word, share before, share of the new)`, one below the other; the full width is 1."""
    drawn = []
    for number, (word, *shares) in enumerate(lines):
        top = _TOP + 4 + number * 38
        parts = [element("text", word, class_="word", x=_LABEL - 8, y=top + 18)]
        for at, (share, kind) in enumerate(zip(shares, _KINDS, strict=True)):
            width = round((_SPAN + 40) * share, 1)
            parts.append(element("rect", class_=kind, x=_LABEL, y=top + at * 15, width=width, height=12))
            told = f"{share:.3f}"
            parts.append(element("text", told, class_="key", x=_LABEL + width + 6, y=top + at * 15 + 10))
        drawn.append(element("g", element("title", f"{word}: {shares[0]:.3f} before, {shares[1]:.3f} new"), *parts))
    description = "; ".join(f"{word}: {old:.3f} before, {new:.3f} new" for word, old, new in lines)
    return svg(name, title, description, _TOP + len(lines) * 38, [*_legend(("before", "new")), *drawn])


def _said(word: str, words: tuple[str, str], first: str, second: str) -> str:
    return f"{word}: {first} {words[0]}, {second} {words[1]}"


def _legend(words: tuple[str, str]) -> Iterator[Html]:
    for word, kind, x in zip(words, _KINDS, (_LABEL, _LABEL + 90), strict=True):
        yield element("rect", class_=kind, x=x, y=3, width=14, height=10)
        yield element("text", word, class_="key", x=x + 19, y=12)
