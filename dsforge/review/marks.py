"""Where in the text of a message a finding stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from dsforge.finding import Finding
from dsforge.io.locate import find_value
from dsforge.report.visible import in_page


class Mark(NamedTuple):
    """Characters `[start, end)` of the text of a message, and which finding means them."""

    start: int
    end: int
    finding: int


def message_of(finding: Finding, places: Sequence[str]) -> int | None:
    """The number of the message that a finding speaks of; `places` are where the texts of the messages stand."""
    for number, place in enumerate(places):
        if place and (finding.pointer == place or finding.pointer.startswith(f"{place}/")):
            return number
    folders = [place.rpartition("/")[0] for place in places]
    for number, folder in enumerate(folders):
        if folder.count("/") > 1 and (finding.pointer == folder or finding.pointer.startswith(f"{folder}/")):
            return number
    return None


def mark_of(finding: Finding, raw: str, text: str, number: int) -> Mark | None:
    """The characters of a message's `text` that a finding means; None where it means the whole, or another field.

    `raw` is the row as the finding has it: its line and column count from the row's beginning.
    """
    length = finding.mark[1]
    if length <= 0 or not finding.pointer:
        return None
    spot = find_value(raw, finding.pointer)
    at = sum(len(line) + 1 for line in raw.split("\n")[: finding.line - 1]) + finding.column - 1
    if spot is None or raw[spot.start : spot.start + 1] != '"' or not spot.start < at < spot.end:
        return None
    try:
        before = json.loads(f'"{raw[spot.start + 1 : at]}"')
        meant = json.loads(f'"{raw[at : min(at + length, spot.end - 1)]}"')
        value = json.loads(raw[spot.start : spot.end])
    except ValueError:  # the mark was cut within an escape
        return None
    offset = text.find(value)
    if offset < 0 or not meant:
        return None
    start = offset + len(before)
    return Mark(start, start + len(meant), number)


def marked(text: str, marks: Sequence[Mark]) -> Markup:
    """A text with marks on what findings mean; of marks that overlap the first is shown."""
    pieces: list[str] = []
    at = 0
    for start, end, number in sorted(marks):
        if start < at:
            continue
        pieces.append(Markup("{}").format(in_page(text[at:start])))
        pieces.append(Markup('<mark data-finding="{}">{}</mark>').format(number, _seen(text[start:end])))
        at = end
    pieces.append(Markup("{}").format(in_page(text[at:])))
    return Markup('<div class="plain" dir="auto">{}</div>').format(Markup("").join(pieces))


def _seen(text: str) -> str:
    """White space and what has no form of its own, so that a mark on it can be seen."""
    return "".join(_SEEN.get(char, char) for char in in_page(text))


_SEEN = {" ": "\u00b7", "\u00a0": "\u2423", "\n": "\u21b5\n", "\t": "\u2192\t"}
