"""Exact Jaccard similarity of two documents' shingle sets, so that no verdict rests on an estimate.

Sets are compared by 64-bit hashes: two shingles that differ are taken for one with a chance of 2^-64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from dsforge.similarity.compared import PARTS
from dsforge.similarity.shingle import CHARACTERS, Shingling, Texts, shingle_hashes

Jaccard: TypeAlias = Callable[[Texts, Texts, Shingling], float]
"""The least similarity of the parts of two single documents; two empty parts count as equal."""


def jaccard_numpy(left: Texts, right: Texts, shingling: Shingling = CHARACTERS) -> float:
    """`Jaccard` without compilation."""
    left_hashes, left_starts = shingle_hashes(left, shingling)
    right_hashes, right_starts = shingle_hashes(right, shingling)
    least = 1.0
    for part in range(PARTS):
        ours = np.unique(left_hashes[left_starts[part] : left_starts[part + 1]])
        theirs = np.unique(right_hashes[right_starts[part] : right_starts[part + 1]])
        if len(ours) or len(theirs):
            shared = len(np.intersect1d(ours, theirs, assume_unique=True))
            least = min(least, shared / (len(ours) + len(theirs) - shared))
    return least


def jaccard_compiled(left: Texts, right: Texts, shingling: Shingling = CHARACTERS) -> float:
    """`Jaccard` by the compiled kernel; the same number to the bit."""
    from dsforge.similarity.kernel import least_jaccard

    return float(least_jaccard(left.utf8, left.starts, right.utf8, right.starts, shingling.words, shingling.width))
