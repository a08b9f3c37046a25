"""MinHash signatures: 128 permutations `a·h + b mod 2^32`, the smallest value under each.

Bit-identical to `datasketch.MinHash(num_perm=128, seed=1, scheme="affine32")` fed with the low 32 bits of
the shingle hashes, so that the two can share an index. Two ways lead to the same bits: numpy, for an input too small to
pay for loading the compiled kernel, and the kernel of `dsforge.similarity.kernel`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from dsforge.similarity.compared import PARTS
from dsforge.similarity.shingle import CHARACTERS, I64, U32, U64, Shingling, Texts, shingle_hashes

PERMUTATIONS = 128
EMPTY = np.uint32(0xFFFFFFFF)
"""Each value of the signature of a document without shingles."""

_BLOCK = 1 << 13
_S13, _S16 = np.uint32(13), np.uint32(16)
_MIX_1, _MIX_2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)


@cache
def permutations() -> tuple[U32, U32]:
    """datasketch's factors a (odd, so each map is a bijection) and summands b, for its seed 1."""
    random = np.random.RandomState(1)
    a = random.randint(0, 1 << 31, PERMUTATIONS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return a, random.randint(0, 1 << 32, PERMUTATIONS, dtype=np.uint32)


def _mix(values: U32) -> U32:
    """The 32-bit finaliser of MurmurHash3, with which the scheme begins."""
    values = values ^ (values >> _S16)
    values = values * _MIX_1
    values = values ^ (values >> _S13)
    values = values * _MIX_2
    mixed: U32 = values ^ (values >> _S16)
    return mixed


def signatures_of_hashes(hashes: U64, starts: I64) -> U32:
    """Signatures, one row a document, of the shingle hashes `hashes[starts[d] : starts[d + 1]]`."""
    values = _mix(hashes.astype(np.uint32))
    result = np.full((len(starts) - 1, PERMUTATIONS), EMPTY, dtype=np.uint32)
    filled = np.flatnonzero(np.diff(starts))
    begins, end = starts[filled], starts[-1]
    for first in range(0, int(end), _BLOCK):
        last = min(first + _BLOCK, int(end))
        left, right = np.searchsorted(begins, [first, last], side="left")
        left = left if left < len(begins) and begins[left] == first else left - 1  # begun in an earlier block
        rows = filled[left:right]
        offsets = np.maximum(begins[left:right] - first, 0)
        result[rows] = np.minimum(result[rows], _least(values[first:last], offsets))
    return result


def _least(values: U32, offsets: I64) -> U32:
    """The least of each run of `values` (a run begins at each offset) under each permutation."""
    a, b = permutations()
    least: U32 = np.minimum.reduceat(a[:, None] * values + b[:, None], offsets, axis=1).T
    return least


def sign_numpy(texts: Texts, shingling: Shingling = CHARACTERS) -> U32:
    """Signatures of `texts`, without compilation."""
    hashes, starts = shingle_hashes(texts, shingling)
    return signatures_of_hashes(hashes, starts[::PARTS])


def sign_compiled(texts: Texts, shingling: Shingling = CHARACTERS) -> U32:
    """Signatures of `texts` by the compiled kernel; the first call loads it, the very first compiles it."""
    from dsforge.similarity.kernel import sign_texts

    a, b = permutations()
    result = np.full((len(texts), PERMUTATIONS), EMPTY, dtype=np.uint32)
    sign_texts(texts.utf8, texts.starts, shingling.words, shingling.width, a, b, result)
    return result
