"""The text around a place in a row, short enough for one line of a terminal."""

from __future__ import annotations

import re

_NO_CHARACTER = re.compile("[\ud800-\udfff]")
_BEFORE, _AFTER = 40, 72
"""Characters shown before the place, and from it on."""


def excerpt(text: str, start: int, length: int) -> tuple[str, tuple[int, int]]:
    """`(text around characters [start, start + length), (where they stand in it, how many are shown))`.

    Line breaks and tabs are shown as one space each, bytes that are no UTF-8 (surrogates in `text`) as U+FFFD, so the
    marks stay in their places.
    """
    begin, end = max(0, start - _BEFORE), min(len(text), start + _AFTER)
    if end - begin < _BEFORE + _AFTER:  # near an end of the row: more of the other side
        begin = max(0, end - _BEFORE - _AFTER)
    shown = _NO_CHARACTER.sub("\ufffd", text[begin:end].translate({9: " ", 10: " ", 13: " "}))
    head, tail = "..." if begin else "", "..." if end < len(text) else ""
    return head + shown + tail, (len(head) + start - begin, max(1, min(length, end - start)))
