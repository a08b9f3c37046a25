"""Locality-sensitive hashing: signatures cut into bands; documents that agree on a band are candidates.

Two documents of Jaccard similarity s agree on a value of the signature with probability s, on a band of
r rows with s^r, and on at least one of b bands with

    P(candidate) = 1 - (1 - s^r)^b

For 18 bands of 7 rows: .41 at s = .6, .79 at .7, .986 at .8, .99998 at .9. Candidates are verified, so more
of them cost time, not precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dsforge.similarity.minhash import PERMUTATIONS
from dsforge.similarity.shingle import BASE, I64, U32, U64, inverse, mix, unmix

MISS = 0.02
"""Share of the pairs right at the threshold that may be missed; above it the share falls fast."""


@dataclass(frozen=True)
class Banding:
    """`bands` bands of `rows` values each; the signature's last values may stay unused."""

    bands: int
    rows: int

    def probability(self, similarity: float) -> float:
        """The chance that a pair of this Jaccard similarity becomes a candidate."""
        return float(1 - (1 - similarity**self.rows) ** self.bands)


def choose_banding(threshold: float, miss: float = MISS) -> Banding:
    """The banding with the longest bands (fewest candidates) that misses at most `miss` of the pairs at `threshold`.

    18 bands of 7 rows for 0.8, 25 of 5 for 0.7, 11 of 11 for 0.9.
    """
    for rows in range(PERMUTATIONS, 1, -1):
        banding = Banding(PERMUTATIONS // rows, rows)
        if 1 - banding.probability(threshold) <= miss:
            return banding
    return Banding(PERMUTATIONS, 1)


def band_keys(signatures: U32, guards: U64, banding: Banding) -> U64:
    """64-bit keys, one column a band. Documents of different guards share none (but by a chance of 2^-64)."""
    keys = np.empty((len(signatures), banding.bands), dtype=np.uint64)
    for band in range(banding.bands):
        key = mix(guards + np.uint64(band + 1))
        for value in range(band * banding.rows, (band + 1) * banding.rows):
            key = (key ^ signatures[:, value]) * BASE
        keys[:, band] = mix(key)
    return keys


def guards_of(first_band: U64, signatures: U32, banding: Banding) -> U64:
    """The guards that `band_keys` put into the keys of the first band: each of its steps can be undone."""
    key, undo = unmix(first_band), inverse(BASE)
    for value in reversed(range(banding.rows)):
        key = (key * undo) ^ signatures[:, value]
    guards: U64 = unmix(key) - np.uint64(1)
    return guards


def buckets(keys: U64) -> Iterator[I64]:
    """Each set of two or more documents that share the key of a band, in ascending order, band by band."""
    for band in range(keys.shape[1]):
        column = keys[:, band]
        order = np.argsort(column, kind="stable")
        starts = np.flatnonzero(np.diff(column[order], prepend=column[order[:1]] ^ np.uint64(1)))
        ends = np.append(starts[1:], len(order))
        shared = ends - starts > 1
        for start, end in zip(starts[shared], ends[shared], strict=True):
            yield order[start:end]
