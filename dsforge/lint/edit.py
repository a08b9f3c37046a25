"""Changes to a row that leave every other byte of it as it stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from dsforge.example import JSON
from dsforge.io.locate import find_value, offset_in_string

Action: TypeAlias = Literal["replace", "remove", "rename", "text"]

Splice: TypeAlias = "tuple[int, int, str]"
"""Characters `[start, end)` of a row and what is written in their place."""


class Edit(msgspec.Struct, frozen=True):
    """A change at one place of a row.

    - replace: the value at `pointer` becomes `value`;
    - remove: the member or element at `pointer` goes, with its comma;
    - rename: the key of the member at `pointer` becomes `value`;
    - text: characters `[start, end)` of the text at `pointer` become `value`.
    """

    action: Action
    pointer: str
    value: JSON = None
    start: int = 0
    end: int = 0


def _written(value: JSON, beside: str) -> str:
    """`value` as JSON; other letters than those of ASCII as escapes where the row writes them so."""
    return json.dumps(value, ensure_ascii=beside.isascii() and "\\u" in beside)


def _comma_beside(text: str, start: int, end: int) -> tuple[int, int]:
    """`[start, end)` widened by the comma after the member there, or by the one before the last."""
    after = len(text) - len(text[end:].lstrip(" \t\r\n"))
    if text[after] == ",":
        rest = text[after + 1 :]
        return start, len(text) - len(rest.lstrip(" \t\r\n"))
    before = text[:start].rstrip(" \t\r\n")
    return (len(before) - 1, end) if before.endswith(",") else (start, end)


def _splice(text: str, edit: Edit) -> Splice | None:
    spot = find_value(text, edit.pointer)
    if spot is None:
        return None
    if edit.action == "replace":
        return spot.start, spot.end, _written(edit.value, text)
    if edit.action == "remove":
        return (*_comma_beside(text, spot.member, spot.end), "")
    if edit.action == "rename":
        key_end = offset_in_string(text, spot.member, len(json.JSONDecoder().raw_decode(text, spot.member)[0])) + 1
        return spot.member, key_end, _written(edit.value, text)
    start = offset_in_string(text, spot.start, edit.start)
    return start, offset_in_string(text, spot.start, edit.end), _written(edit.value, text)[1:-1]


def apply_splices(text: str, splices: Sequence[Splice | None]) -> tuple[str, list[int]]:
    """`(text with the splices, the indexes of those made)`.

    Of two that touch the same characters the first alone is made.
    """
    pieces: list[str] = []
    made: list[int] = []
    at = 0
    asked = [(splice, index) for index, splice in enumerate(splices) if splice is not None]
    for (start, end, written), index in sorted(asked):
        if start < at or (made and start == end == at):
            continue
        pieces += [text[at:start], written]
        at = end
        made.append(index)
    return "".join([*pieces, text[at:]]), made


def apply_edits(raw: bytes, edits: Sequence[Edit]) -> tuple[bytes, list[int]]:
    """`(row with the edits, the indexes of those made)`.

    An edit that touches what another one changes is left for the next round, as is one whose place is gone. `raw` is
    valid JSON, and stays so.
    """
    text = raw.decode()
    changed, made = apply_splices(text, [_splice(text, edit) for edit in edits])
    return changed.encode(), made
