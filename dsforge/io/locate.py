"""Where in the text of a row the value of a JSON Pointer stands. Slow, so asked only for rows with findings."""

from __future__ import annotations

import re
from typing import NamedTuple

import orjson

from dsforge.io.diagnose import Lines

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SCALAR = re.compile(r"[^\s,\]}]+")


class _Walker:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = self.space(0)

    def space(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        assert match is not None  # the pattern matches the empty text
        return match.end()

    def string(self) -> str:
        match = _STRING.match(self.text, self.at)
        assert match is not None  # valid JSON has text here
        self.at = match.end()
        return match.group()

    def skip(self) -> None:
        """Go past the value that begins here."""
        depth = 0
        while True:
            char = self.text[self.at]
            if char == '"':
                self.string()
            elif char in "{[":
                depth += 1
                self.at += 1
            elif char in "}]":
                depth -= 1
                self.at += 1
            elif char in ",:":
                self.at += 1
            else:
                match = _SCALAR.match(self.text, self.at)
                assert match is not None  # valid JSON has a scalar here
                self.at = match.end()
            if depth == 0:
                return
            self.at = self.space(self.at)

    def enter(self, token: str) -> int | None:
        """Go to the member or element `token` of the container that begins here; where it, or its key, begins.

        None where there is none, or nothing to enter.
        """
        opening = self.text[self.at]
        if opening not in "{[":
            return None
        found: tuple[int, int] | None = None
        count = 0
        self.at = self.space(self.at + 1)
        while self.text[self.at] not in "}]":
            key, member = str(count), self.at
            if opening == "{":
                key = orjson.loads(self.string())
                self.at = self.space(self.space(self.at) + 1)
            if key == token:
                found = member, self.at  # the last of several, as parsers keep it
                if opening == "[":
                    return member
            self.skip()
            count += 1
            self.at = self.space(self.at)
            if self.text[self.at] == ",":
                self.at = self.space(self.at + 1)
        if found is None:
            return None
        self.at = found[1]
        return found[0]


class Spot(NamedTuple):
    """Where a value stands in the text of a row: characters from `start` to `end`; its key begins at `member`."""

    member: int
    start: int
    end: int


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def find_value(text: str, pointer: str) -> Spot | None:
    """Where in `text`, which is valid JSON, the value at `pointer` stands; None where there is none."""
    walker = _Walker(text)
    member = walker.at
    for token in _tokens(pointer):
        entered = walker.enter(token)
        if entered is None:
            return None
        member = entered
    start = walker.at
    walker.skip()
    return Spot(member, start, walker.at)


_UNIT = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)


_PLAIN = re.compile(r"[^\\]+")


def offset_in_string(text: str, start: int, index: int) -> int:
    """The offset in `text` of the character `index` of the JSON string that begins at `start` with its quote."""
    at = start + 1
    while index > 0:
        plain = _PLAIN.match(text, at, at + index)
        unit = plain or _UNIT.match(text, at)
        assert unit is not None  # valid JSON, and no index beyond its text
        index -= len(plain.group()) if plain else 1
        at = unit.end()
    return at


def locate(raw: bytes, pointer: str) -> tuple[int, int]:
    """`(line, column)`, both from 1 and within the row, of the value at `pointer`.

    Where the pointer leads nowhere (a field that is missing), the place of the value it should be in.
    `raw` is valid JSON.
    """
    text = raw.decode()
    return Lines(text).place(nearest(text, pointer))


def nearest(text: str, pointer: str) -> int:
    """The offset in `text` of the value at `pointer`, or of the innermost one that would hold it."""
    walker = _Walker(text)
    for token in _tokens(pointer):
        start = walker.at
        if walker.enter(token) is None:
            walker.at = start
            break
    return walker.at
