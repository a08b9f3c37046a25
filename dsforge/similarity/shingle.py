"""Shingles: overlapping windows of code points, hashed to 64 bits.

The width is 5, or 3 where more than 30% of a text is Han, Kana or Hangul (measured: one replaced
character in a Chinese prompt of 12 to 25 leaves a Jaccard similarity of .56 on windows of 5 and .70 on
windows of 3). A text shorter than one window is one shingle, so short rows stay distinct and copies of them still meet.

A hash is the polynomial `((1·B + c1)·B + c2)... mod 2^64` of the window, mixed with the number of
the part it stands in: the same words in the prompt and in the completion are two shingles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dsforge.similarity.compared import PARTS

U8: TypeAlias = "NDArray[np.uint8]"
U32: TypeAlias = "NDArray[np.uint32]"
U64: TypeAlias = "NDArray[np.uint64]"
I64: TypeAlias = "NDArray[np.int64]"

WIDTH = 5
CJK_WIDTH = 3
CJK_SHARE = 0.3
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


@dataclass(frozen=True)
class Texts:
    """Documents of `PARTS` texts each, as one flat buffer.

    Part p of document d is `codes[starts[d * PARTS + p] : starts[d * PARTS + p + 1]]`.
    """

    codes: U32
    starts: I64

    def __len__(self) -> int:
        return (len(self.starts) - 1) // PARTS


def pack(documents: Sequence[Sequence[str]]) -> Texts:
    """The flat buffer of documents given as `PARTS` texts each."""
    parts = [part for document in documents for part in document]
    starts = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in parts], out=starts[1:])
    return Texts(np.frombuffer("".join(parts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32), starts)


def _cjk_counts(texts: Texts) -> I64:
    """Code points of CJK blocks in each part."""
    is_cjk = np.zeros(len(texts.codes), dtype=bool)
    if len(texts.codes) and texts.codes.max() >= CJK_RANGES[0][0]:
        for first, last in CJK_RANGES:
            is_cjk |= (texts.codes >= first) & (texts.codes <= last)
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(is_cjk, dtype=np.int64)])
    counts: I64 = before[texts.starts[1:]] - before[texts.starts[:-1]]
    return counts


def widths(texts: Texts) -> I64:
    """The shingle width of each part; that of a shorter part is its length, 0 where it is empty."""
    lengths = np.diff(texts.starts)
    wide = np.where(_cjk_counts(texts) > CJK_SHARE * lengths, CJK_WIDTH, WIDTH)
    narrow: I64 = np.minimum(wide, lengths)
    return narrow


def mix(hashes: U64) -> U64:
    """The 64-bit finaliser of MurmurHash3: a bijection that spreads every bit over all."""
    hashes = hashes ^ (hashes >> _S33)
    hashes = hashes * _MIX_1
    hashes = hashes ^ (hashes >> _S33)
    hashes = hashes * _MIX_2
    mixed: U64 = hashes ^ (hashes >> _S33)
    return mixed


def shingle_hashes(texts: Texts) -> tuple[U64, I64]:
    """`(hashes, starts)`: the shingles of part i, repeats included, are `hashes[starts[i] : starts[i + 1]]`."""
    width = widths(texts)
    counts = np.where(width > 0, np.diff(texts.starts) - width + 1, 0)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
    at = np.arange(starts[-1]) + np.repeat(texts.starts[:-1] - starts[:-1], counts)
    reach = np.repeat(width, counts)
    hashes = np.ones(len(at), dtype=np.uint64)
    last = max(len(texts.codes) - 1, 0)
    for step in range(WIDTH):
        code = texts.codes[np.minimum(at + step, last)].astype(np.uint64) if len(at) else hashes
        hashes = np.where(step < reach, hashes * BASE + code, hashes)
    salts = np.tile(SALTS, len(texts))
    return mix(hashes ^ np.repeat(salts, counts)), starts
