"""From candidates to clusters.

A *star* has one kept document, and every other reaches the threshold with that one: nothing is removed on
hearsay. A *group* is everything connected by verified pairs, however long the chain: right for keeping
rows together (split), wrong for removing them (a chain of small edits joins texts that share nothing).
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dsforge.similarity.shingle import I64


@dataclass(frozen=True)
class Match:
    """Document `removed` reaches the threshold with document `kept`: `similarity` is exact."""

    removed: int
    kept: int
    similarity: float


def _buckets_of(buckets: Iterable[I64]) -> dict[int, list[int]]:
    """The numbers of the buckets each document lies in, documents ascending."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number, bucket in enumerate(buckets):
        for document in bucket.tolist():
            found[document].append(number)
    return {document: found[document] for document in sorted(found)}


class Similarities(Protocol):
    """What knows how alike two documents are."""

    def likely(self, document: int, others: list[int], threshold: float) -> list[int]:
        """Those of `others`, in their order, that a cheap estimate does not rule out."""
        ...

    def similarity(self, left: int, right: int) -> float:
        """The exact similarity."""
        ...


LIMIT = 200
"""Comparisons that may fail for one document. Where thousands of rows share a template, bands of template
text join all of them, and trying all pairs would take hours; those that share the most bands are tried first, and
pairs that reach the threshold share several times as many as pairs that share only a template."""

_FEW = 2000


def _most_shared(members: Iterable[array[int]]) -> list[int]:
    """Documents by the number of buckets they share with the one in question, most first, then by number."""
    lists = list(members)
    if sum(map(len, lists)) < _FEW:
        shared = Counter(document for documents in lists for document in documents)
        return sorted(shared, key=lambda document: (-shared[document], document))
    counts = np.bincount(np.concatenate([np.frombuffer(documents, dtype=np.int64) for documents in lists]))
    found = np.flatnonzero(counts)
    if len(found) > _FEW:
        least = np.partition(counts[found], -_FEW)[-_FEW]
        found = found[counts[found] >= least]
    best: list[int] = found[np.argsort(-counts[found], kind="stable")].tolist()
    return best[:_FEW]


def star_clusters(buckets: Iterable[I64], similarities: Similarities, threshold: float) -> list[Match]:
    """What to remove, in order: each document that reaches the threshold with an earlier one that is kept.

    Of several, the one that shares the most bands is named, then the earliest.
    """
    kept_in: defaultdict[int, array[int]] = defaultdict(_documents)
    matches = []
    for document, numbers in _buckets_of(buckets).items():
        candidates = _most_shared(kept_in[number] for number in numbers)
        for kept in similarities.likely(document, candidates, threshold)[:LIMIT]:
            if (exact := similarities.similarity(document, kept)) >= threshold:
                matches.append(Match(document, kept, exact))
                break
        else:
            for number in numbers:
                kept_in[number].append(document)
    return matches


def _documents() -> array[int]:
    return array("q")


class Groups:
    """Disjoint sets over 0..n-1 (union by the smaller number, path halving)."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, item: int) -> int:
        """The smallest number in the group of `item`."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, left: int, right: int) -> None:
        """Make one group of two."""
        left, right = sorted((self.find(left), self.find(right)))
        self._parent[right] = left

    def members(self) -> list[list[int]]:
        """Every group, members ascending, ordered by first member."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for item in range(len(self._parent)):
            found[self.find(item)].append(item)
        return list(found.values())


def connect(groups: Groups, buckets: Iterable[I64], similarities: Similarities, threshold: float) -> None:
    """Join the documents of every candidate pair that reaches the threshold; pairs joined already are not verified."""
    seen_in: defaultdict[int, array[int]] = defaultdict(_documents)
    for document, numbers in _buckets_of(buckets).items():
        failed = 0
        candidates = _most_shared(seen_in[number] for number in numbers)
        for other in similarities.likely(document, candidates, threshold):
            if failed == LIMIT:
                break
            if groups.find(document) == groups.find(other):
                continue
            if similarities.similarity(document, other) >= threshold:
                groups.join(document, other)
            else:
                failed += 1
        for number in numbers:
            seen_in[number].append(document)
