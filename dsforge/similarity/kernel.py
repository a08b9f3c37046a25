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
from dsforge.similarity.shingle import BASE, CJK_RANGES, CJK_SHARE, CJK_WIDTH, I64, SALTS, U8, U32, U64, WIDTH

REVISION = 1

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
_BLOCK = 512
_C32_1, _C32_2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_C64_1, _C64_2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_S13, _S16, _S33 = np.uint32(13), np.uint32(16), np.uint64(33)
_ONE = np.uint64(1)


@compiled
def _width(codes: U32, start: int, end: int) -> int:
    cjk = 0
    for at in range(start, end):
        code = codes[at]
        if code >= _FIRST_CJK:
            for row in range(_RANGES.shape[0]):
                if _RANGES[row, 0] <= code <= _RANGES[row, 1]:
                    cjk += 1
                    break
    width = CJK_WIDTH if cjk > CJK_SHARE * (end - start) else WIDTH
    return min(width, end - start)


@compiled
def _hash(codes: U32, at: int, width: int, salt: np.uint64) -> np.uint64:
    value: np.uint64 = _ONE
    for step in range(width):
        value = value * BASE + np.uint64(codes[at + step])
    value ^= salt
    value ^= value >> _S33
    value *= _C64_1
    value ^= value >> _S33
    value *= _C64_2
    value ^= value >> _S33
    return value


@compiled
def _lower(signature: U32, block: U32, count: int, a: U32, b: U32) -> None:
    """Lower `signature` by the `count` values of `block`."""
    for k in range(PERMUTATIONS):
        factor, summand, least = a[k], b[k], signature[k]
        for index in range(count):
            value = np.uint32(factor * block[index] + summand)
            least = min(least, value)
        signature[k] = least


@compiled
def sign_texts(codes: U32, starts: I64, a: U32, b: U32, result: U32) -> None:
    """Lower each row of `result` to the signature of its document (`starts` as in `Texts`)."""
    block = np.empty(_BLOCK, dtype=np.uint32)
    for document in range(result.shape[0]):
        count = 0
        for part in range(PARTS):
            start, end = starts[document * PARTS + part], starts[document * PARTS + part + 1]
            width = _width(codes, start, end)
            for at in range(start, end - width + 1 if width else start):
                value = np.uint32(_hash(codes, at, width, SALTS[part]))
                value ^= value >> _S16
                value = np.uint32(value * _C32_1)
                value ^= value >> _S13
                value = np.uint32(value * _C32_2)
                block[count] = value ^ (value >> _S16)
                count += 1
                if count == _BLOCK:
                    _lower(result[document], block, count, a, b)
                    count = 0
        _lower(result[document], block, count, a, b)


@compiled
def _insert(table: U64, used: U8, value: np.uint64) -> bool:
    """Put `value` into the open-addressed `table`; False where it stood there already."""
    mask = np.uint64(len(table) - 1)
    at = value & mask
    while used[at]:
        if table[at] == value:
            return False
        at = (at + _ONE) & mask
    used[at] = _ONE
    table[at] = value
    return True


@compiled
def _part_jaccard(left: U32, right: U32, salt: np.uint64) -> float:
    left_width, right_width = _width(left, 0, len(left)), _width(right, 0, len(right))
    if left_width == 0 or right_width == 0:
        return 1.0 if left_width == right_width else 0.0
    lefts, rights = len(left) - left_width + 1, len(right) - right_width + 1
    size = 4
    while size < 2 * (lefts + rights):
        size *= 2
    table, used = np.empty(size, dtype=np.uint64), np.zeros(size, dtype=np.uint8)
    union = left_only = right_only = 0
    for at in range(lefts):
        left_only += _insert(table, used, _hash(left, at, left_width, salt))
    union = left_only
    for at in range(rights):
        union += _insert(table, used, _hash(right, at, right_width, salt))
    seen = np.zeros(size, dtype=np.uint8)
    for at in range(rights):
        right_only += _insert(table, seen, _hash(right, at, right_width, salt))
    return (left_only + right_only - union) / union


@compiled
def least_jaccard(left: U32, left_starts: I64, right: U32, right_starts: I64) -> float:
    """The least exact Jaccard similarity of two documents' parts; two empty parts count as equal."""
    least = 1.0
    for part in range(PARTS):
        similarity = _part_jaccard(
            left[left_starts[part] : left_starts[part + 1]],
            right[right_starts[part] : right_starts[part + 1]],
            SALTS[part],
        )
        least = min(least, similarity)
    return least
