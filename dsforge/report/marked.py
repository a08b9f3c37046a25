"""A row's text for the page: with the part that a finding means marked, and shortened around it where it is long."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from dsforge.finding import Finding
from dsforge.io.locate import find_value
from dsforge.report.markup import Html, element, join

_ONE_LINE = str.maketrans("\t\n\r", "   ")
_LONG_VALUE = 160
"""Characters from which a whole value is too much to be marked; then its key is."""


class Span(NamedTuple):
    """Characters of a text from `start` to before `end`; equal where nothing is meant."""

    start: int
    end: int


def meant(row: str, finding: Finding) -> Span:
    """What in the text of a row a finding means: its excerpt's mark, else the value (or key) at its pointer."""
    start, length = finding.mark
    if finding.excerpt and length > 1 and (found := _in_excerpt(row, finding.excerpt, start, length)):
        return found
    if finding.pointer and (found := _at_pointer(row, finding.pointer)):
        return found
    if finding.excerpt and length and (found := _in_excerpt(row, finding.excerpt, start, length)):
        return found
    return Span(0, 0)


def _in_excerpt(row: str, excerpt: str, start: int, length: int) -> Span | None:
    """The marked part, where the excerpt (one line, `...` at cut ends) stands in the row."""
    inner = excerpt.removeprefix("...")
    start -= len(excerpt) - len(inner)
    at = row.translate(_ONE_LINE).find(inner.removesuffix("..."))
    return Span(at + start, min(len(row), at + start + length)) if at >= 0 and start >= 0 else None


def _at_pointer(row: str, pointer: str) -> Span | None:
    try:
        orjson.loads(row)
    except ValueError:  # half a character is no text for orjson either
        return None
    spot = find_value(row, pointer)
    if spot is None:
        return None
    if spot.end - spot.start > _LONG_VALUE and spot.member < spot.start:
        return Span(spot.member, row.rindex('"', 0, spot.start) + 1)
    return Span(spot.start, min(spot.end, spot.start + _LONG_VALUE))


def quoted(row: str, span: Span, longest: int) -> Html:
    """The row with `span` marked; of one longer than `longest` the part around it, with what is cut said."""
    start, end = 0, len(row)
    if end > longest:
        start = max(0, min(span.start - longest // 3, len(row) - longest))
        end = start + longest
    marked = Span(max(start, min(span.start, end)), max(start, min(span.end, end)))
    parts = [_cut(start), row[start : marked.start]]
    if marked.start < marked.end:
        parts.append(element("mark", row[marked.start : marked.end]))
    return join([*parts, row[marked.end : end], _cut(len(row) - end)])


def _cut(characters: int) -> Html:
    return element("span", f"[{characters:,} characters not shown]", class_="cut") if characters else Html("")
