"""The fast way of rows of texts alone, where many are read: compiled code finds their texts and makes them clean.

What it gives of a row is what `compared_turns` gives of the turns that its format reads in it; whatever it does not
understand to the last byte it leaves to them (see `dsforge.similarity.scan_kernel`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeAlias
from unicodedata import combining, decomposition, normalize

import numpy as np
from numpy.typing import NDArray

from dsforge.example import Role
from dsforge.similarity.compared import NO_GUARD
from dsforge.similarity.key import KEY_BYTES, OTHER_SPACES, normalised_bytes
from dsforge.similarity.shingle import I64, U8

I32: TypeAlias = "NDArray[np.int32]"

GUARD_BYTES = KEY_BYTES
COLUMNS = 7
LINE_END, CONTEXT, CONTEXT_END, HEAD, ASKED, ANSWERED, END = range(COLUMNS)
"""What the compiled code tells of a row: the place behind it in the block; in the buffer of clean texts, from where to
where its context reaches (-1 for none), and where begin what its key is made of (a guard, that of rows without a
context, comes first), what is asked, what is answered, and the next row."""

SIDE_CONTEXT, SIDE_PROMPT, SIDE_ANSWER = range(3)
MOST_TURNS = 256
COMPLEX = -1
"""The fold of a character that the compiled code does not know."""

_SHORTEST = len(b'{"prompt":"","completion":""}')
_ROOM = 3  # bytes of the buffer for one of a block: of the shortest rows, the key takes more than the row
_FIELDS: Mapping[tuple[str, int], tuple[str, ...]] = {
    ("alpaca", 3): ("instruction", "input", "output"),
    ("alpaca", 2): ("instruction", "output"),
    ("prompt-completion", 2): ("prompt", "completion"),
}
_TURNS: Mapping[tuple[str, int], tuple[tuple[str, str, str], Mapping[str, Role]]] = {
    ("chatml", 1): (
        ("messages", "role", "content"),
        {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"},
    ),
    ("sharegpt", 1): (
        ("conversations", "from", "value"),
        {"human": "user", "gpt": "assistant", "user": "user", "assistant": "assistant"},
    ),
}
"""By the name of the format and the number of fields: the key of the turns, those of a turn, and the roles."""
_SIDES: Mapping[Role, int] = {"system": SIDE_CONTEXT, "developer": SIDE_CONTEXT, "assistant": SIDE_ANSWER}


@dataclass(frozen=True)
class Shape:
    """Rows of a format with as many fields, for the compiled code: words in quotation marks, and the roles of names.

    Rows of fields have no `sides`.
    """

    words: U8
    starts: I64
    sides: U8
    letters: U8


def _shape(words: Sequence[str], roles: Sequence[Role], sides: Sequence[int]) -> Shape:
    quoted = [f'"{word}"'.encode() for word in words]
    starts = np.concatenate([[0], np.cumsum([len(word) for word in quoted])]).astype(np.int64)
    letters = np.frombuffer("".join(role[0] for role in roles).encode(), dtype=np.uint8)
    return Shape(np.frombuffer(b"".join(quoted), dtype=np.uint8), starts, np.array(sides, dtype=np.uint8), letters)


@cache
def shape_of(format_name: str, width: int) -> Shape | None:
    """What is known of the rows of a format with so many fields; None where nothing is."""
    kind = (format_name, width)
    if kind in _FIELDS:
        return _shape(_FIELDS[kind], ("user", "assistant"), ())
    if kind in _TURNS:
        keys, names = _TURNS[kind]
        roles = [*names.values()]
        sides = [_SIDES.get(role, SIDE_PROMPT) for role in roles]
        return _shape((*keys, *names), roles, sides)
    return None


WIDTHS = sorted({width for _, width in (*_FIELDS, *_TURNS)})
"""How many fields a row can have that the compiled code reads."""


class _Folds(NamedTuple):
    """The normal forms of characters: of each code point another one, or the negative number of one of the `pieces`."""

    codes: I32
    pieces: U8
    starts: I64


_JAMO = range(0x1100, 0x1200)  # they join, which their decompositions do not tell
_THEMSELVES = (range(0x4E00, 0xA000), range(0x3400, 0x4DC0), range(0xE000, 0xF900), range(0xAC00, 0xD7A4))
_ASTRAL = range(0x1F000, 0x1FB00)


@cache
def folds() -> _Folds:
    """The characters whose normal form does not depend on those around them: most below U+10000, and emoji.

    None of them joins the one before it, nor does the beginning of what it is folded to; so a text of them alone has
    the normal form that its characters have one after another. None grows longer.
    """
    codes = np.full(_ASTRAL.stop, COMPLEX, dtype=np.int32)
    for same in _THEMSELVES:
        codes[same.start : same.stop] = np.arange(same.start, same.stop)
    left = np.flatnonzero(codes[:0x10000] == COMPLEX)
    tried = [code for code in left.tolist() if not 0xD800 <= code < 0xE000 and code not in _JAMO]
    parts = [decomposition(chr(code)).split() for code in tried]
    joining = {chr(int(part[1], 16)) for part in parts if len(part) == 2 and not part[0].startswith("<")}
    pieces: list[bytes] = [b"", b""]  # the numbers 0 and 1 would mean other things
    for code in (*tried, *_ASTRAL):
        character = chr(code)
        if code > 0xFF and normalize("NFKD", character) == character == character.casefold():
            if not combining(character) and character not in joining and character not in OTHER_SPACES:
                codes[code] = code
            continue
        folded = normalize("NFKC", normalize("NFKC", character).casefold())
        firsts = {normalize("NFKD", text)[0] for text in (character, normalize("NFKC", character).casefold())}
        if any(combining(first) or first in joining or ord(first) in _JAMO for first in firsts):
            continue
        clean = _clean(folded)
        if len(clean) > len(character.encode()):
            continue
        single = clean.decode()
        if len(single) == 1:
            codes[code] = ord(single)
        else:
            codes[code] = -len(pieces)
            pieces.append(clean)
    starts = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64)
    return _Folds(codes, np.frombuffer(b"".join(pieces), dtype=np.uint8), starts)


def _clean(folded: str) -> bytes:
    """What `normalised_bytes` makes of this within a text: white space around it does not go."""
    return normalised_bytes(f"|{folded}|")[1:-1]


MUCH = 16 << 20
"""Bytes that a process reads before the compiled code is worth loading (0.2 s), and, once, compiling (4 s)."""
_HUGE = 4 << 20
_read = 0


def is_much(size: int) -> bool:
    """Whether this process reads so many bytes, counting these of a block, that the scanner is worth its while.

    It is not for a huge row, of which it would hold several times as much.
    """
    global _read
    _read += size
    return _read >= MUCH and size <= _HUGE


def prepare_scanner() -> None:
    """Load the scanner, so that processes forked from this one have it."""
    is_much(MUCH)  # from now on
    Scanner().scan(b"\n", 0, _shape(("prompt", "completion"), ("user", "assistant"), ()))


class Scanned(NamedTuple):
    """Rows of a block: `rows` as told by the compiled code, and the clean `texts` that they point into."""

    rows: I64
    texts: bytes


class Scanner:
    """Scans blocks of lines."""

    def __init__(self) -> None:
        self._folds = folds()
        self._guard = np.frombuffer(NO_GUARD, dtype=np.uint8)
        self._spans = np.empty((MOST_TURNS, 3), dtype=np.int64)
        self._out = np.empty(0, dtype=np.uint8)
        self._rows = np.empty((0, COLUMNS), dtype=np.int64)

    def scan(self, block: bytes, at: int, shape: Shape) -> Scanned:
        """The rows of this shape that begin at a place of a block of lines, up to the first that is not of it."""
        from dsforge.similarity.scan_kernel import scan_rows

        if len(self._out) < _ROOM * len(block):
            self._out = np.empty(_ROOM * len(block), dtype=np.uint8)
            self._rows = np.empty((len(block) // _SHORTEST + 1, COLUMNS), dtype=np.int64)
        count = scan_rows(
            np.frombuffer(block, dtype=np.uint8), at, shape.words, shape.starts, shape.sides, shape.letters,
            *self._folds, self._guard, self._spans, self._out, self._rows,
        )  # fmt: skip
        rows = self._rows[:count].copy()
        return Scanned(rows, self._out[: rows[-1, END] if count else 0].tobytes())
