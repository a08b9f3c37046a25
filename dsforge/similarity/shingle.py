"""Shingles: overlapping windows of the units of a text, hashed to 64 bits.

Units are characters (code points), or words: what stands between spaces, and each Han, Kana or Hangul character for
itself. By characters a window is 5 wide, or 3 where more than 30% of a text is of those scripts (measured: one replaced
character in a Chinese prompt of 12 to 25 leaves a Jaccard similarity of .56 on windows of 5 and .70 on windows of 3).
From `LONG` characters on it is 9, or 5: long texts use up the short windows of a language, so that unrelated ones grow
alike (measured on answers put one after another: at 100,000 characters .33 in English and .28 in code on windows of 5,
.09 and .10 on windows of 9; at 20,000 all are below .2). A pair with one text on each side of that length is not
found unless it is equal; few rows are so long. By words a window is 3 wide: one replaced word in a prompt of 12
leaves .54, and .38 with windows of 5.

A text shorter than one window is one shingle, so short rows stay distinct and copies of them still meet.

A hash is the polynomial `((1·B + u1)·B + u2)... mod 2^64` of the window's units, mixed with the number of
the part it stands in: the same words in the prompt and in the completion are two shingles. A character's unit is its
code point, a word's the mixed sum of `(c + 1)·B^i` over its characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dsforge.errors import UsageError, did_you_mean
from dsforge.similarity.compared import PARTS

U8: TypeAlias = "NDArray[np.uint8]"
U32: TypeAlias = "NDArray[np.uint32]"
U64: TypeAlias = "NDArray[np.uint64]"
I64: TypeAlias = "NDArray[np.int64]"
F64: TypeAlias = "NDArray[np.float64]"

WIDTH, CJK_WIDTH = 5, 3
LONG = 20_000
LONG_WIDTH, LONG_CJK_WIDTH = 9, 5
WORDS = 3
CJK_SHARE = 0.3
WIDEST = 32
CJK_RANGES = ((0x1100, 0x11FF), (0x3040, 0x30FF), (0x3100, 0x318F), (0x31A0, 0x31BF), (0x31F0, 0x31FF),
              (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF),
              (0x20000, 0x323AF))  # fmt: skip
"""Han, Kana, Bopomofo and Hangul: first and last code point of each block."""

BASE = np.uint64(0x9E3779B97F4A7C15)
SALTS: U64 = np.array([0, 0x632BE59BD9B4E019, 0xC6BC279692B5C323], dtype=np.uint64)
assert len(SALTS) == PARTS
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_S33 = np.uint64(33)
_SPACE = ord(" ")


@dataclass(frozen=True)
class Shingling:
    """How texts are cut: windows of `width` characters, or `words`; a `width` of 0 is the one stated above."""

    words: bool = False
    width: int = 0

    def __str__(self) -> str:
        unit = "words" if self.words else "characters"
        return f"{unit}:{self.width}" if self.width else unit


CHARACTERS = Shingling()


def parse_shingling(text: str) -> Shingling:
    """What `--shingles` names: `characters`, `words`, or either with a width, as `words:5`.

    Raises:
        UsageError: neither of them, or no width from 1 to `WIDEST`.
    """
    unit, colon, width = text.partition(":")
    if unit not in _UNITS:
        raise UsageError(f"--shingles {text!r} is no way to cut texts{did_you_mean(unit, _UNITS)}")
    if colon and not (width.isdecimal() and 1 <= int(width) <= WIDEST):
        raise UsageError(f"--shingles {text}: give a width from 1 to {WIDEST}, as {unit}:5")
    return Shingling(unit == "words", int(width or 0))


_UNITS = ("characters", "words")


@dataclass(frozen=True)
class Texts:
    """Documents of `PARTS` texts each, as one flat buffer of UTF-8.

    Part p of document d is `utf8[starts[d * PARTS + p] : starts[d * PARTS + p + 1]]`.
    """

    utf8: U8
    starts: I64

    def __len__(self) -> int:
        return (len(self.starts) - 1) // PARTS


def pack(documents: Sequence[Sequence[bytes]]) -> Texts:
    """The flat buffer of documents given as `PARTS` texts each."""
    parts = [part for document in documents for part in document]
    starts = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in parts], out=starts[1:])
    return Texts(np.frombuffer(b"".join(parts), dtype=np.uint8), starts)


def _before(flags: NDArray[np.bool_]) -> I64:
    """How many are set before each place, and before the end."""
    counts: I64 = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(flags, dtype=np.int64)])
    return counts


def _characters(texts: Texts) -> tuple[U32, I64]:
    """Code points, and where each part begins among them."""
    codes = np.frombuffer(texts.utf8.tobytes().decode("utf-8", "surrogatepass").encode("utf-32-le", "surrogatepass"),
                          dtype=np.uint32)  # fmt: skip
    return codes, _before(texts.utf8 & 0xC0 != 0x80)[texts.starts]


def _are_cjk(codes: U32) -> NDArray[np.bool_]:
    are_cjk = np.zeros(len(codes), dtype=bool)
    if len(codes) and codes.max() >= CJK_RANGES[0][0]:
        for first, last in CJK_RANGES:
            are_cjk |= (codes >= first) & (codes <= last)
    return are_cjk


def _words(codes: U32, starts: I64, are_cjk: NDArray[np.bool_]) -> tuple[U64, I64]:
    """The words as units, and where each part begins among them."""
    are_spaces = codes == _SPACE
    after_break = np.zeros(len(codes), dtype=bool)
    after_break[1:] = are_spaces[:-1] | are_cjk[:-1]
    after_break[starts[:-1][starts[:-1] < len(codes)]] = True
    begins = np.flatnonzero(~are_spaces & (after_break | are_cjk))
    before = np.searchsorted(begins, starts)
    if not len(begins):
        return np.empty(0, dtype=np.uint64), before
    inside = np.flatnonzero(~are_spaces)
    word = np.searchsorted(begins, inside, side="right") - 1
    place = np.searchsorted(inside, begins)
    powers = np.ones(int(np.diff(np.append(place, len(inside))).max()), dtype=np.uint64)
    np.multiply.accumulate(np.full(len(powers) - 1, BASE), out=powers[1:])
    terms = (codes[inside].astype(np.uint64) + np.uint64(1)) * powers[np.arange(len(inside)) - place[word]]
    return mix(np.add.reduceat(terms, place)), before


def units_of(texts: Texts, shingling: Shingling) -> tuple[U64, I64, I64]:
    """`(units, starts, widths)`: part i has `units[starts[i] : starts[i + 1]]`, in windows of `widths[i]`."""
    codes, starts = _characters(texts)
    are_cjk = _are_cjk(codes)
    cjk = np.diff(_before(are_cjk)[starts])
    units = codes.astype(np.uint64)
    if shingling.words:
        units, starts = _words(codes, starts, are_cjk)
    lengths = np.diff(starts)
    if shingling.width or shingling.words:
        wide = np.full(len(lengths), shingling.width or WORDS)
    else:
        latin = np.where(lengths < LONG, WIDTH, LONG_WIDTH)
        wide = np.where(cjk > CJK_SHARE * lengths, np.where(lengths < LONG, CJK_WIDTH, LONG_CJK_WIDTH), latin)
    return units, starts, np.minimum(wide, lengths)


def mix(hashes: U64) -> U64:
    """The 64-bit finaliser of MurmurHash3: a bijection that spreads every bit over all."""
    hashes = hashes ^ (hashes >> _S33)
    hashes = hashes * _MIX_1
    hashes = hashes ^ (hashes >> _S33)
    hashes = hashes * _MIX_2
    mixed: U64 = hashes ^ (hashes >> _S33)
    return mixed


def unmix(mixed: U64) -> U64:
    """What `mix` made `mixed` of."""
    for factor in (_MIX_2, _MIX_1):
        mixed = (mixed ^ (mixed >> _S33)) * inverse(factor)  # a shift by half the bits or more undoes itself
    hashes: U64 = mixed ^ (mixed >> _S33)
    return hashes


def inverse(factor: np.uint64) -> np.uint64:
    """The number that undoes a multiplication by an odd one modulo 2^64."""
    undone: np.uint64 = np.uint64(pow(int(factor), -1, 1 << 64))
    return undone


def shingle_hashes(texts: Texts, shingling: Shingling = CHARACTERS) -> tuple[U64, I64]:
    """`(hashes, starts)`: the shingles of part i, repeats included, are `hashes[starts[i] : starts[i + 1]]`."""
    units, unit_starts, width = units_of(texts, shingling)
    counts = np.where(width > 0, np.diff(unit_starts) - width + 1, 0)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
    at = np.arange(starts[-1]) + np.repeat(unit_starts[:-1] - starts[:-1], counts)
    reach = np.repeat(width, counts)
    hashes = np.ones(len(at), dtype=np.uint64)
    last = max(len(units) - 1, 0)
    for step in range(int(width.max(initial=0))):
        unit = units[np.minimum(at + step, last)]
        hashes = np.where(step < reach, hashes * BASE + unit, hashes)
    salts = np.tile(SALTS, len(texts))
    return mix(hashes ^ np.repeat(salts, counts)), starts
