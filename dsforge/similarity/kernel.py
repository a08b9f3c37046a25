"""The compiled loops: signatures and exact Jaccard similarity straight over code points.

No Python object is made per shingle. The machine code is cached beside this file, or, where the
package lies in a read-only place, in the user's cache folder (NUMBA_CACHE_DIR overrides both); where
nothing can be written it is compiled anew in each process. Importing this module loads numba.

numba sees that a cache is stale by this file alone, and constants are compiled in: whoever changes one that is
imported here (a width, a salt, the base) raises `REVISION`, so that this file changes too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numba
import numpy as np

from dsforge.similarity.compared import PARTS
from dsforge.similarity.minhash import PERMUTATIONS
from dsforge.similarity.shingle import (
    BASE,
    CJK_RANGES,
    CJK_SHARE,
    CJK_WIDTH,
    I64,
    LONG,
    LONG_CJK_WIDTH,
    LONG_WIDTH,
    SALTS,
    U8,
    U32,
    U64,
    WIDTH,
    WORDS,
)

REVISION = 3

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """`function` compiled without the interpreter lock, its code cached wherever a cache can be kept."""
    try:
        fast: F = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba: "no locator available", nowhere to keep a cache
        fast = numba.njit(nogil=True)(function)
    return fast


_RANGES = np.array(CJK_RANGES, dtype=np.uint32)
_FIRST_CJK = np.uint32(CJK_RANGES[0][0])
_SPACE = np.uint32(ord(" "))
_SEGMENT = 1024
"""Units that are cut into shingles at a time; they fit into the cache of a core, whatever the length of a text."""
_ROOM = 1 << 16
"""Places of the table that two texts are compared in, to begin with."""
_C32_1, _C32_2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_C64_1, _C64_2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_S13, _S16, _S33 = np.uint32(13), np.uint32(16), np.uint64(33)
_ONE = np.uint64(1)


@compiled
def _mix(value: np.uint64) -> np.uint64:
    value ^= value >> _S33
    value *= _C64_1
    value ^= value >> _S33
    value *= _C64_2
    value ^= value >> _S33
    return value


@compiled
def _size(first: int) -> int:
    """Bytes of the character that begins with this one."""
    if first < 0x80:
        return 1
    if first < 0xE0:
        return 2
    return 3 if first < 0xF0 else 4


@compiled
def _code(utf8: U8, at: int, size: int) -> np.uint32:
    """The code point of the character of `size` bytes at a place."""
    code: np.uint32 = np.uint32(utf8[at])
    if size == 1:
        return code
    code &= np.uint32((1 << (7 - size)) - 1)
    for step in range(1, size):
        code = np.uint32((code << np.uint32(6)) | (np.uint32(utf8[at + step]) & np.uint32(0x3F)))
    return code


@compiled
def _is_cjk(code: np.uint32) -> bool:
    if code >= _FIRST_CJK:
        for row in range(_RANGES.shape[0]):
            if _RANGES[row, 0] <= code <= _RANGES[row, 1]:
                return True
    return False


@compiled
def _width(utf8: U8, start: int, end: int, words: bool, width: int) -> int:
    """The width of the windows of a text, whether or not it is as long as that."""
    if width or words:
        return width or WORDS
    count = cjk = 0
    at = start
    while at < end:
        size = _size(utf8[at])
        if size > 2 and _is_cjk(_code(utf8, at, size)):
            cjk += 1
        count += 1
        at += size
    if cjk > CJK_SHARE * count:
        return CJK_WIDTH if count < LONG else LONG_CJK_WIDTH
    return WIDTH if count < LONG else LONG_WIDTH


@compiled
def _word(utf8: U8, at: int, end: int) -> tuple[np.uint64, int]:
    """The word that begins at a place, as a unit, and where it ends."""
    total, power = np.uint64(0), _ONE
    while at < end:
        size = _size(utf8[at])
        code = _code(utf8, at, size)
        is_cjk = _is_cjk(code)
        if code == _SPACE or (is_cjk and power != _ONE):
            break
        total += np.uint64(code + _ONE) * power
        power *= BASE
        at += size
        if is_cjk:
            break
    return _mix(total), at


@compiled
def _hashes(
    utf8: U8, at: int, end: int, words: bool, width: int, salt: np.uint64, units: U64, places: I64, hashes: U64
) -> tuple[int, int]:
    """Fill `hashes` with those of the windows from `at` on; how many there are, and where to go on (`end` at the end).

    Windows that `units` has no room for are left to the next call. A text shorter than a window gives one hash.
    """
    count = 0
    if words:
        while at < end and count < _SEGMENT:
            if utf8[at] == _SPACE:
                at += 1
                continue
            places[count] = at
            units[count], at = _word(utf8, at, end)
            count += 1
        while at < end and utf8[at] == _SPACE:
            at += 1
    else:
        while at < end and count < _SEGMENT:
            places[count] = at
            first = utf8[at]
            if first < 0x80:
                units[count] = first
                at += 1
            else:
                size = _size(first)
                units[count] = _code(utf8, at, size)
                at += size
            count += 1
    if count == 0:
        return 0, end
    windows = max(count - width + 1, 1)
    reach = min(width, count)
    hashes[:windows] = _ONE
    for step in range(reach):  # the outer loop, so that the inner one runs in the lanes of the processor
        for window in range(windows):
            hashes[window] = hashes[window] * BASE + units[window + step]
    for window in range(windows):
        hashes[window] = _mix(hashes[window] ^ salt)
    return windows, end if at >= end else places[windows]


@compiled
def sign_texts(utf8: U8, starts: I64, words: bool, width: int, a: U32, b: U32, result: U32) -> None:
    """Lower each row of `result` to the signature of its document (`starts` as in `Texts`)."""
    units, places = np.empty(_SEGMENT, dtype=np.uint64), np.empty(_SEGMENT, dtype=np.int64)
    hashes, block = np.empty(_SEGMENT, dtype=np.uint64), np.empty(_SEGMENT, dtype=np.uint32)
    for document in range(result.shape[0]):
        signature = result[document]
        for part in range(PARTS):
            at, end = starts[document * PARTS + part], starts[document * PARTS + part + 1]
            wide = _width(utf8, at, end, words, width)
            while at < end:
                count, at = _hashes(utf8, at, end, words, wide, SALTS[part], units, places, hashes)
                for index in range(count):
                    value = np.uint32(hashes[index])
                    value ^= value >> _S16
                    value = np.uint32(value * _C32_1)
                    value ^= value >> _S13
                    value = np.uint32(value * _C32_2)
                    block[index] = value ^ (value >> _S16)
                for k in range(PERMUTATIONS):
                    factor, summand, least = a[k], b[k], signature[k]
                    for index in range(count):
                        least = min(least, np.uint32(factor * block[index] + summand))
                    signature[k] = least


@compiled
def count_shingles(utf8: U8, starts: I64, words: bool, width: int) -> tuple[int, np.uint64]:
    """How many shingles the documents have, and the XOR of their hashes: what signing costs without the signatures."""
    units, places = np.empty(_SEGMENT, dtype=np.uint64), np.empty(_SEGMENT, dtype=np.int64)
    hashes = np.empty(_SEGMENT, dtype=np.uint64)
    total, mixed = 0, np.uint64(0)
    for part in range(len(starts) - 1):
        at, end = starts[part], starts[part + 1]
        wide = _width(utf8, at, end, words, width)
        while at < end:
            count, at = _hashes(utf8, at, end, words, wide, SALTS[part % PARTS], units, places, hashes)
            total += count
            for index in range(count):
                mixed ^= hashes[index]
    return total, mixed


@compiled
def _insert(table: U64, used: U8, value: np.uint64, mark: int) -> int:
    """Put `value` into the open-addressed `table` with a mark, beside those it has; the marks it had."""
    mask = np.uint64(len(table) - 1)
    at = value & mask
    while used[at]:
        if table[at] == value:
            had: int = used[at]
            used[at] = had | mark
            return had
        at = (at + _ONE) & mask
    used[at] = mark
    table[at] = value
    return 0


@compiled
def _grown(table: U64, used: U8) -> tuple[U64, U8]:
    """The same entries in a table of twice the size."""
    larger, marks = np.empty(2 * len(table), dtype=np.uint64), np.zeros(2 * len(table), dtype=np.uint8)
    for at in range(len(table)):
        if used[at]:
            _insert(larger, marks, table[at], used[at])
    return larger, marks


@compiled
def _part_jaccard(left: U8, right: U8, words: bool, width: int, salt: np.uint64) -> float:
    size = 4
    while size < min(2 * (len(left) + len(right)), _ROOM):  # a long text repeats most of its shingles
        size *= 2
    table, used = np.empty(size, dtype=np.uint64), np.zeros(size, dtype=np.uint8)
    units, places = np.empty(_SEGMENT, dtype=np.uint64), np.empty(_SEGMENT, dtype=np.int64)
    hashes = np.empty(_SEGMENT, dtype=np.uint64)
    union = shared = 0
    for side in range(2):
        text = right if side else left
        wide = _width(text, 0, len(text), words, width)
        at = 0
        while at < len(text):
            count, at = _hashes(text, at, len(text), words, wide, salt, units, places, hashes)
            if 2 * (union + count) > len(table):
                table, used = _grown(table, used)
            for index in range(count):
                had = _insert(table, used, hashes[index], side + 1)
                union += had == 0
                shared += side == 1 and had == 1
    return shared / union if union else 1.0


@compiled
def least_jaccard(left: U8, left_starts: I64, right: U8, right_starts: I64, words: bool, width: int) -> float:
    """The least exact Jaccard similarity of two documents' parts; two empty parts count as equal."""
    least = 1.0
    for part in range(PARTS):
        similarity = _part_jaccard(
            left[left_starts[part] : left_starts[part + 1]],
            right[right_starts[part] : right_starts[part + 1]],
            words,
            width,
            SALTS[part],
        )
        least = min(least, similarity)
    return least
