"""The slow path: a JSON parser that goes on after a mistake and names every one of them.

The fast parsers stop at the first error and place it where they noticed, not where it was made (a
trailing comma is reported a line late). This one reads a single row, reports each `Problem` with its
offset and with what to write instead, and returns the value it believes was meant.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from dsforge.example import JSON

MAX_DEPTH = 200
"""Nesting deeper than this is refused on reading; orjson could not write beyond 254."""
MAX_PROBLEMS = 100
"""Reading ends at this many mistakes: a megabyte of raw tabs is one finding's worth of news, not a million."""

ProblemKind: TypeAlias = Literal["syntax", "duplicate key", "encoding", "number", "depth", "surrogate"]


class Problem(msgspec.Struct, frozen=True):
    """One mistake in a row's JSON.

    `offset` counts characters of the decoded text from 0; `line` (from 1, within the row) and
    `column` (characters, from 1) are the same place for people. `pointer` is the JSON Pointer of the
    value that was being read. `fix` says which characters `[start, end)` become which text, where that
    mends it beyond doubt.
    """

    kind: ProblemKind
    message: str
    help: str
    offset: int
    line: int
    column: int
    pointer: str = ""
    fix: tuple[int, int, str] | None = None


class Diagnosis(msgspec.Struct, frozen=True):
    """All problems of one row, and the value that was probably meant (None if nothing was)."""

    problems: list[Problem]
    value: JSON = None


class Lines:
    """Turns character offsets of a text into lines and columns, both from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """`(line, column)` of the character at `offset`."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def escape_pointer(token: object) -> str:
    """One reference token of a JSON Pointer, escaped as RFC 6901 asks."""
    return str(token).replace("~", "~0").replace("/", "~1")


_SPACE = re.compile(r"[\s\ufeff]*")
_SOLID = frozenset('{}[]":,-0123456789')
_ODD_SPACE = re.compile(r"[^ \t\r\n]")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[^\s,:\[\]{}\"']+")
_PLAIN = {'"': re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]*'), "'": re.compile(r"[^'\\\x00-\x1f\ud800-\udfff]*")}
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS: dict[str, JSON] = {"true": True, "false": False, "null": None}
_MEANT = {
    "True": ("true", True), "TRUE": ("true", True), "False": ("false", False), "FALSE": ("false", False),
    "None": ("null", None), "nil": ("null", None), "NULL": ("null", None), "Null": ("null", None),
    "undefined": ("null", None), "nan": ("null", None), "NaN": ("null", None),
    "Infinity": ("null", None), "-Infinity": ("null", None), "inf": ("null", None),
}  # fmt: skip
_QUOTES = {"\u201c": "\u201d", "\u2018": "\u2019", "\u300c": "\u300d"}


_BROKEN_BYTE = re.compile("[\udc80-\udcff]")
_BROKEN_BYTES = re.compile("[\udc80-\udcff]+")
_ODD_NAMES = {"\ufeff": "a byte order mark (BOM)", "\u00a0": "a no-break space", "\u3000": "a wide space"}

_DIGITS = 17
"""As many significant digits tell any two floats apart; a number with more was no float where it came from."""
_WHOLE = 2.0**53
"""From here on not every whole number is a float."""
_SMALLEST = 2.0**-1022
"""Below this, floats have fewer digits."""
_MOST_DIGITS = 4000  # Python refuses to convert integers of more than 4,300 digits


def number_problem(word: str) -> tuple[str, str] | None:
    """`(message, help)` where the JSON number `word` would be read as another number, None where it would not.

    Whole numbers are exact at any size. What has a point or an exponent becomes a float: other ways to write the same
    number (1e2, 100.0) are no change, and neither are the 17 digits of a program that writes each float with as many
    (0.10000000000000001).
    """
    shown = word if len(word) <= 40 else f"{word[:40]}..."
    help = "write it as text, or with the digits that matter"
    if not any(mark in word for mark in ".eE"):
        return (f"an integer of {len(word)} digits", "write it as text") if len(word) > _MOST_DIGITS else None
    value = float(word)
    if value in (float("inf"), float("-inf")):
        return f"{shown} is too large for a number", "write it as text"
    mantissa = re.split("[eE]", word)[0]
    digits = len(mantissa.lstrip("-0.").replace(".", ""))
    if not digits:
        return None  # 0.00, 0e7
    if abs(value) < _SMALLEST:
        same = value != 0.0 and digits <= _DIGITS and Decimal(word) == Decimal(repr(value))
        return None if same else (f"{shown} is too small for a number: it would become {value!r}", help)
    if digits <= _DIGITS and abs(value) < _WHOLE:
        return None
    if len(word) <= _MOST_DIGITS and Decimal(word) == Decimal(repr(value)):
        return None  # 1e300, 0.5000000000000000000
    return f"{shown} has more digits than a number keeps: it would become {value!r}", help


def _encoding_of(raw: bytes) -> str:
    """A guess at the encoding of bytes that are not UTF-8: GB18030 where they read as Chinese, else Latin-1."""
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return "; the bytes may be Latin-1"
    chinese = re.findall("[\u4e00-\u9fa5]+", text)
    return (
        f"; it reads as GB18030: {max(chinese, key=len)[:12]}; where all of the file does: "
        "dsforge convert FILE --encoding gb18030 --to FORMAT -o OUT"
        if chinese
        else "; the bytes may be Latin-1"
    )


def _printable(text: str) -> str:
    """`text` with the bytes that are not UTF-8, which it holds as lone surrogates, written as `\\x80`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class _Stop(Exception):
    """Nothing sensible can be read beyond this point."""


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.path: list[object] = []
        self.problems: list[Problem] = []
        self.lines = Lines(text)

    # -- reporting ---------------------------------------------------------------------------------

    def report(
        self, kind: ProblemKind, offset: int, message: str, help: str, fix: tuple[int, int, str] | None = None
    ) -> None:
        line, column = self.lines.place(offset)
        pointer = "".join("/" + escape_pointer(token) for token in self.path)
        texts = [_printable(text) for text in (message, help, pointer)]
        self.problems.append(Problem(kind, texts[0], texts[1], offset, line, column, texts[2], fix))
        if len(self.problems) == MAX_PROBLEMS:
            raise _Stop

    def syntax(self, offset: int, message: str, help: str, fix: tuple[int, int, str] | None = None) -> None:
        self.report("syntax", offset, message, help, fix)

    def replace(self, start: int, written: str, message: str, help: str) -> None:
        """Report a wrong character for which there is a right one."""
        self.syntax(start, message, help, (start, start + 1, written))

    # -- reading -----------------------------------------------------------------------------------

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip_space(self) -> None:
        while self.peek() not in _SOLID:
            match = _SPACE.match(self.text, self.at)
            assert match is not None  # the pattern matches the empty text
            if match.end() > match.start():
                self.odd_space(match.start(), match.end())
            self.at = match.end()
            if not self.skip_comment():
                return

    def odd_space(self, start: int, end: int) -> None:
        """Report the first white space that is none in JSON."""
        found = _ODD_SPACE.search(self.text, start, end)
        if found:
            name = _ODD_NAMES.get(found.group(), f"U+{ord(found.group()):04X}")
            is_mark = found.group() == "\ufeff"
            help = "remove it" if is_mark else "use an ordinary space"
            self.replace(found.start(), "" if is_mark else " ", f"{name} between tokens", help)

    def skip_comment(self) -> bool:
        start = self.at
        if self.text.startswith("//", start) or self.peek() == "#":
            end = self.text.find("\n", start)
        elif self.text.startswith("/*", start):
            end = self.text.find("*/", start)
            end = end + 2 if end >= 0 else end
        else:
            return False
        self.at = end if end >= 0 else len(self.text)
        self.syntax(start, "a comment; JSON has none", "remove it", (start, self.at, ""))
        return True

    def value(self) -> JSON:
        if len(self.path) > MAX_DEPTH:
            self.report("depth", self.at, f"nested deeper than {MAX_DEPTH} levels", "flatten the row")
            raise _Stop
        self.skip_space()
        char = self.peek()
        if char == "{":
            return self.object()
        if char == "[":
            return self.array()
        if char and char in "\"'":
            return self.string()
        if char in _QUOTES and char:
            return self.curly_string()
        return self.scalar()

    def object(self) -> JSON:
        result: dict[str, JSON] = {}
        start = self.at
        self.at += 1
        comma = -1
        while True:
            self.skip_space()
            char = self.peek()
            if char == "}":
                if comma >= 0:
                    self.replace(comma, "", "trailing comma before `}`", "remove this comma")
                self.at += 1
                return result
            if char == "":
                self.syntax(start, "`{` is never closed", "the row is cut off: write the missing `}`")
                return result
            if char == "]":
                self.syntax(self.at, "`]` where `}` was expected", "write `}`")
                self.at += 1
                return result
            if char == ",":
                self.replace(self.at, "", "a comma with nothing before it", "remove this comma")
                self.at += 1
                continue
            if result and comma < 0:
                self.missing_comma("members")
            key_at = self.at
            key = self.key()
            self.path.append(key)
            self.skip_space()
            if self.peek() == ":":
                self.at += 1
            elif self.peek() and self.peek() in "=\uff1a":
                self.replace(self.at, ":", f"`{self.peek()}` where `:` was expected", "write `:`")
                self.at += 1
            else:
                self.syntax(self.at, "missing `:` after the key", "write `:` here")
            if key in result:
                shown = repr(key if len(key) <= 40 else f"{key[:40]}...")
                self.report("duplicate key", key_at, f"the key {shown} occurs twice; parsers keep the last, in silence",
                            "keep one of the two")  # fmt: skip
            result[key] = self.value()
            self.path.pop()
            comma = self.comma()

    def array(self) -> JSON:
        result: list[JSON] = []
        start = self.at
        self.at += 1
        comma = -1
        while True:
            self.skip_space()
            char = self.peek()
            if char == "]":
                if comma >= 0:
                    self.replace(comma, "", "trailing comma before `]`", "remove this comma")
                self.at += 1
                return result
            if char == "":
                self.syntax(start, "`[` is never closed", "the row is cut off: write the missing `]`")
                return result
            if char == "}":
                self.syntax(self.at, "`}` where `]` was expected", "write `]`")
                return result
            if char == ",":
                self.replace(self.at, "", "a comma with nothing before it", "remove this comma")
                self.at += 1
                continue
            if result and comma < 0:
                self.missing_comma("elements")
            self.path.append(len(result))
            result.append(self.value())
            self.path.pop()
            comma = self.comma()

    def comma(self) -> int:
        """The offset of the comma that follows, or -1."""
        end = self.at
        self.skip_space()
        if self.peek() == ",":
            self.at += 1
            return self.at - 1
        if self.peek() == "\uff0c":
            self.replace(self.at, ",", "a full-width comma", "write `,`")
            self.at += 1
            return self.at - 1
        self._after_value = end
        return -1

    def missing_comma(self, what: str) -> None:
        after = self.text[self._after_value - 1]
        at = self._after_value
        self.syntax(at, f"missing comma between {what}", f"write `,` after this `{after}`", (at, at, ","))

    _after_value = 0

    def key(self) -> str:
        char = self.peek()
        if char and char in "\"'":
            return self.string()
        if char in _QUOTES:
            return self.curly_string()
        match = _WORD.match(self.text, self.at)
        if match is None:
            self.syntax(self.at, f"`{char}` where a key was expected", "write a key in double quotes")
            raise _Stop
        shown = match.group()[:40]
        fix = (self.at, match.end(), json.dumps(match.group(), ensure_ascii=False))
        self.syntax(self.at, f"the key {shown} has no quotes", f'write "{shown}"', fix)
        self.at = match.end()
        return match.group()

    def curly_string(self) -> str:
        start, closing = self.at, _QUOTES[self.peek()]
        end = self.text.find(closing, start + 1)
        inner = self.text[start + 1 : end]
        fix = (start, end + 1, f'"{inner}"') if end > 0 and _PLAIN['"'].fullmatch(inner) else None
        self.syntax(start, f"`{self.peek()}` is a typographic quote", 'write `"`', fix)
        if end < 0:
            raise _Stop
        self.at = end + 1
        return self.text[start + 1 : end]

    def string(self) -> str:
        start, quote, reported = self.at, self.peek(), len(self.problems)
        if quote == "'":
            self.syntax(start, "text in single quotes", "use double quotes")
        self.at += 1
        pieces: list[str] = []
        while True:
            match = _PLAIN[quote].match(self.text, self.at)
            assert match is not None  # the pattern matches the empty text
            pieces.append(match.group())
            self.at = match.end()
            char = self.peek()
            if char == quote:
                self.at += 1
                if quote == "'":
                    self.mend_single_quotes(start, "".join(pieces), reported)
                return "".join(pieces)
            if char == "":
                self.syntax(start, "text that is never closed", f"the row is cut off: write the missing `{quote}`")
                return "".join(pieces)
            if char == "\\" and quote == "'" and self.text.startswith("\\'", self.at):
                pieces.append("'")
                self.at += 2
                continue
            if char == "\\":
                pieces.append(self.escape())
                continue
            self.bad_character(char)
            broken = _BROKEN_BYTES.match(self.text, self.at)
            pieces.append("" if broken else char)
            self.at = broken.end() if broken else self.at + 1

    def mend_single_quotes(self, start: int, text: str, reported: int) -> None:
        """Give the problem of a text in single quotes its fix, unless other mistakes in it leave open what it says."""
        within = self.problems[reported + 1 :]
        if within:
            self.problems[reported + 1 :] = [replace(problem, fix=None) for problem in within]
        else:
            fix = (start, self.at, json.dumps(text, ensure_ascii=False))
            self.problems[reported] = replace(self.problems[reported], fix=fix)

    def bad_character(self, char: str) -> None:
        if "\udc80" <= char <= "\udcff":  # put there by the surrogateescape decoding of a broken byte
            self.broken_bytes(char)
        else:
            name = {"\n": "line break", "\t": "tab", "\r": "carriage return"}.get(
                char, f"control character U+{ord(char):04X}"
            )
            escape = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char, f"\\u{ord(char):04x}")
            self.replace(self.at, escape, f"a raw {name} inside text", f"write it as {escape}")

    def broken_bytes(self, char: str) -> None:
        """Report the bytes of the row that are not UTF-8: once, at the first of them."""
        if any(problem.message.endswith("not valid UTF-8") for problem in self.problems):
            return
        count = len(_BROKEN_BYTE.findall(self.text))
        which = f"byte 0x{ord(char) - 0xDC00:02x} is" if count == 1 else f"{count} bytes are"
        raw = self.text.encode("utf-8", "surrogateescape")
        self.report("encoding", self.at, f"{which} not valid UTF-8", f"save the file as UTF-8{_encoding_of(raw)}")

    def escape(self) -> str:
        start = self.at
        char = self.text[start + 1 : start + 2]
        if char in _ESCAPES and char:
            self.at += 2
            return _ESCAPES[char]
        if char != "u":
            self.replace(start, "\\\\", f"`\\{char}` is not a JSON escape", f"write `\\\\{char}` for a backslash")
            self.at += 1 + len(char)
            return "\\" + char
        unit = self.code_unit(start)
        if unit is None:
            self.syntax(start, "`\\u` must be followed by four hexadecimal digits", "write `\\uXXXX`")
            self.at = start + 2
            return "\\u"
        self.at = start + 6
        if 0xD800 <= unit < 0xDC00:
            low = self.code_unit(self.at)
            if low is not None and 0xDC00 <= low < 0xE000:
                self.at += 6
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        if 0xD800 <= unit < 0xE000:
            written = self.text[start : start + 6]
            self.report("surrogate", start, f"{written} is half of a surrogate pair: no character",
                        "remove it or write both halves", (start, start + 6, ""))  # fmt: skip
            return ""
        return chr(unit)

    def code_unit(self, at: int) -> int | None:
        match = _HEX.match(self.text, at + 2) if self.text.startswith("\\u", at) else None
        return int(match.group(), 16) if match else None

    def scalar(self) -> JSON:
        start = self.at
        match = _WORD.match(self.text, start)
        if match is None:
            what = f"`{self.peek()}`" if self.peek() else "the end of the row"
            self.syntax(start, f"{what} where a value was expected", "write a value here")
            raise _Stop
        word = match.group()
        self.at = match.end()
        if word in _WORDS:
            return _WORDS[word]
        if _NUMBER.fullmatch(word):
            return self.number(word, start)
        if word in _MEANT:
            right, value = _MEANT[word]
            kind: ProblemKind = "number" if word.lower().lstrip("-") in ("nan", "infinity", "inf") else "syntax"
            self.report(kind, start, f"{word} is not JSON", f"write {right}", (start, self.at, right))
            return value
        if word == "...":
            self.syntax(start, "`...` is a placeholder, not a value", "write the real value")
            return None
        self.syntax(start, f"{word[:40]} is not a JSON value", f'text needs double quotes: "{word[:40]}"')
        return word

    def number(self, word: str, start: int) -> JSON:
        problem = number_problem(word)
        if problem:
            self.report("number", start, *problem)
        if any(mark in word for mark in ".eE"):
            return float(word)
        return None if problem else int(word)

    # -- the whole row -----------------------------------------------------------------------------

    def row(self) -> JSON:
        value = self.value()
        self.skip_space()
        if self.at < len(self.text) and not any(problem.offset == self.at for problem in self.problems):
            rest = self.text[self.at : self.at + 1]
            if rest == ",":
                self.replace(self.at, "", "a comma after the row", "remove this comma")
            elif rest and rest in "}]":
                self.syntax(self.at, f"`{rest}` closes nothing", f"remove this `{rest}`")
            else:
                self.syntax(self.at, "a second value after the end of the row",
                            "one row to a line: write a line break here")  # fmt: skip
        return value


def diagnose(raw: bytes) -> Diagnosis:
    """Read one row of bytes tolerantly and name every mistake in it.

    Bytes that are not UTF-8 are reported by their own. A row without mistakes has no problems, so
    this is also a complete (slow) strict reader, which sees duplicate keys and exact integers.
    """
    parser = _Parser(raw.decode("utf-8", "surrogateescape"))
    try:
        value = parser.row()
    except _Stop:
        value = None
    return Diagnosis(sorted(parser.problems, key=lambda problem: problem.offset), value)
