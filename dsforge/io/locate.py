"""Where in the text of a row the value of a JSON Pointer stands. Slow, so asked only for rows with findings."""

from __future__ import annotations

import re

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

    def enter(self, token: str) -> bool:
        """Go to the member or element `token` of the container that begins here; False where there is none."""
        opening = self.text[self.at]
        if opening not in "{[":
            return False
        found, count = -1, 0
        self.at = self.space(self.at + 1)
        while self.text[self.at] not in "}]":
            key = str(count)
            if opening == "{":
                key = orjson.loads(self.string())
                self.at = self.space(self.space(self.at) + 1)
            if key == token:
                found = self.at  # the last of several, as parsers keep it
                if opening == "[":
                    return True
            self.skip()
            count += 1
            self.at = self.space(self.at)
            if self.text[self.at] == ",":
                self.at = self.space(self.at + 1)
        if found >= 0:
            self.at = found
        return found >= 0


def locate(raw: bytes, pointer: str) -> tuple[int, int]:
    """`(line, column)`, both from 1 and within the row, of the value at `pointer`.

    Where the pointer leads nowhere (a field that is missing), the place of the value it should be in.
    `raw` is valid JSON.
    """
    text = raw.decode()
    walker = _Walker(text)
    for token in pointer.split("/")[1:]:
        start = walker.at
        if not walker.enter(token.replace("~1", "/").replace("~0", "~")):
            walker.at = start
            break
    return Lines(text).place(walker.at)
