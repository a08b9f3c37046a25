"""Distinct-n: how much of what texts say they say only once.

The share of the n-grams of words that differ from one another. It falls as texts grow in number, for a language has
only so many words: sets of different size are compared by samples of the same number of words.

Source: Li et al., A Diversity-Promoting Objective Function for Neural Conversation Models (NAACL 2016), who divide by
the number of words; here it is by that of n-grams, as is usual since, so that 1 can be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dsforge.similarity.key import all_normalised
from dsforge.similarity.shingle import BASE, I64, U64, Shingling, pack, units_of

_WORDS = Shingling(words=True)


class Words(NamedTuple):
    """The words of texts, hashed to 64 bits: text i has `units[starts[i] : starts[i + 1]]`."""

    units: U64
    starts: I64


def words_of(texts: Sequence[str]) -> Words:
    """The words of texts, whatever their case and width: what stands between spaces, and each CJK character."""
    units, starts, _ = units_of(pack([all_normalised(texts)]), _WORDS)
    return Words(units, starts)


def distinct(batches: Sequence[Words], n: int) -> float | None:
    """Different n-grams by all n-grams, from 0 to 1; None where no text has n words. None reaches over two texts.

    Two that differ are taken for one with a chance of 2^-64.
    """
    grams = np.concatenate([np.empty(0, dtype=np.uint64), *(_grams(batch, n) for batch in batches)])
    if not len(grams):
        return None
    grams.sort()
    return (1 + int(np.count_nonzero(grams[1:] != grams[:-1]))) / len(grams)


def _grams(words: Words, n: int) -> U64:
    """The n-grams, hashed to 64 bits."""
    units, starts = words
    count = max(0, len(units) - n + 1)
    hashes = units[:count].copy()
    within = np.ones(count, dtype=bool)
    for step in range(1, n):
        hashes = hashes * BASE + units[step : step + count]
        across = starts[1:-1] - step  # an n-gram that begins here ends in another text
        within[across[(across >= 0) & (across < count)]] = False
    kept: U64 = hashes[within]
    return kept


def sampled(batches: Sequence[Words], count: int, chance: np.random.Generator) -> Words:
    """Texts drawn without replacement until they have `count` words; the last is cut there."""
    lengths = np.concatenate([np.empty(0, dtype=np.int64), *(np.diff(batch.starts) for batch in batches)])
    first = np.cumsum([0, *(len(batch.starts) - 1 for batch in batches)])  # text of each batch
    order = chance.permutation(len(lengths))
    ends = np.cumsum(lengths[order])
    taken = np.clip(count - (ends - lengths[order]), 0, lengths[order])
    texts = []
    for at in np.flatnonzero(taken).tolist():
        place = int(np.searchsorted(first, order[at], side="right")) - 1
        begin = batches[place].starts[order[at] - first[place]]
        texts.append(batches[place].units[begin : begin + taken[at]])
    starts = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return Words(np.concatenate([np.empty(0, dtype=np.uint64), *texts]), starts)
