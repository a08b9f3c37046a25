"""Where in a row a stretch of a message's text stands: decoding has moved it there from one text or several."""

from __future__ import annotations

from typing import NamedTuple

from dsforge.example import JSON, Message, Text


class Place(NamedTuple):
    """Characters `[start, end)` of the text at `pointer`."""

    pointer: str
    start: int
    end: int


def value_at(row: JSON, pointer: str) -> JSON:
    """The value at `pointer`, None where it leads nowhere."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(row, dict):
            row = row.get(key)
        elif isinstance(row, list) and key.isdecimal() and int(key) < len(row):
            row = row[int(key)]
        else:
            return None
    return row


def place_in_row(row: JSON, pointer: str, message: Message, span: tuple[int, int]) -> Place | None:
    """The place of characters `span` of `message.text` in a row, whose message stands at `pointer`.

    None where the stretch does not stand in one text of the row as it is.
    """
    value = value_at(row, pointer)
    start, end = span
    if isinstance(value, list):
        return _in_parts(value, pointer, message, span)
    if not isinstance(value, str):
        return None
    if message.input_at is not None and start >= message.input_at:
        return _within(value_at(row, "/input"), "/input", message.text[message.input_at :], start - message.input_at,
                       end - message.input_at)  # fmt: skip
    if message.input_at is not None and end <= len(value) and message.text.startswith(value):
        return Place(pointer, start, end)
    return _within(value, pointer, message.text, start, end)


def _within(value: JSON, pointer: str, text: str, start: int, end: int) -> Place | None:
    if not isinstance(value, str):
        return None
    if value == text:
        return Place(pointer, start, end)
    if text and value.count(text) == 1:  # the conversation is one text, or the reasoning stands before the answer
        at = value.index(text)
        return Place(pointer, at + start, at + end)
    return None


def _in_parts(parts: list[JSON], pointer: str, message: Message, span: tuple[int, int]) -> Place | None:
    """The place within one of several parts."""
    texts = [part.text for part in message.content or () if isinstance(part, Text)]
    if isinstance(message.content, str):
        texts = [message.content]
    before = found = 0
    for index, part in enumerate(parts):
        key = next((key for key in ("text", "value") if isinstance(part, dict) and isinstance(part.get(key), str)), "")
        if not key or found == len(texts) or part[key] != texts[found]:
            continue
        if before <= span[0] and span[1] <= before + len(texts[found]):
            return Place(f"{pointer}/{index}/{key}", span[0] - before, span[1] - before)
        before += len(texts[found])
        found += 1
    return None
