"""Pairs of rows side by side on a page, what differs marked; as many as there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsforge.report.dedup_report import Pair
from dsforge.report.markup import Html, clip, element

_LENGTHS = (20_000, 6_000, 2_000, 600, 200)  # characters of each row that are tried, the longest first
_LEAST_SHARE = 4_000
_SIDES = ("left", "right")
_CUT = "..."


def fitting(pairs: Sequence[Pair], roles: tuple[str, str], room: int) -> list[Html]:
    """The first pairs that fit into `room` bytes of UTF-8, long rows cut; `roles` say what the two rows are."""
    items: list[Html] = []
    for number, pair in enumerate(pairs):
        share = max(_LEAST_SHARE, 2 * room // (len(pairs) - number))
        item = _fitted(pair, roles, share)
        room -= len(item.encode())
        if room < 0:
            break
        items.append(item)
    return items


def _fitted(pair: Pair, roles: tuple[str, str], share: int) -> Html:
    """One pair with as much of its rows as fits into `share` bytes, or else as little as is worth showing."""
    tried = (_item(pair, roles, longest) for longest in _LENGTHS)
    return next((item for item in tried if len(item.encode()) <= share), None) or _item(pair, roles, _LENGTHS[-1])


def _item(pair: Pair, roles: tuple[str, str], longest: int) -> Html:
    heading = [clip(pair.title, 120)]
    if pair.rows > 2:
        heading.append(element("span", f" {pair.rows:,} rows in all", class_="listed"))
    stretches = list(_first(pair.stretches, longest))
    columns = [_side(side, roles[side], (pair.left, pair.right)[side], stretches) for side in (0, 1)]
    return element("li", element("h4", *heading), element("div", *columns, class_="sides"), class_="pair")


def _first(stretches: Sequence[tuple[str, str, str]], longest: int) -> Iterator[tuple[str, str, str]]:
    """The stretches up to `longest` characters of the longer row."""
    for kind, left, right in stretches:
        yield kind, left[:longest], right[:longest]
        longest -= max(len(left), len(right))
        if longest < 0:
            yield "cut", _CUT, _CUT
            return


def _side(side: int, role: str, place: str, stretches: Sequence[tuple[str, str, str]]) -> Html:
    place = clip(place, 200)
    said = [part for kind, *texts in stretches for part in _stretch(kind, texts[side], _SIDES[side])]
    heading = element("p", element("b", role), " ", element("span", place, class_="path"), class_="place")
    row = element("pre", *said, dir="auto", tabindex="0")
    return element("div", heading, row, class_="side", role="group", aria_label=f"{role} {place}".strip())


def _stretch(kind: str, text: str, side: str) -> Iterator[str]:
    """A stretch of one row: white space around a difference stands outside its mark, and what is missing is marked."""
    if kind == "cut":
        yield element("span", text, class_="cut")
    elif kind == "changed":
        said = text.strip()
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        yield from (before, element("mark", said, class_=side), after) if said else (_missing(side), text)
    else:
        yield text


def _missing(side: str) -> Html:
    return element("mark", class_=f"{side} missing")
