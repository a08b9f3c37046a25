"""From candidates to clusters.

A *star* has one kept document, and every other reaches the threshold with that one: nothing is removed on
hearsay. A *group* is everything connected by verified pairs, however long the chain: right for keeping
rows together (split), wrong for removing them (a chain of small edits joins texts that share nothing).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

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


def star_clusters(buckets: Iterable[I64], similarity: Callable[[int, int], float], threshold: float) -> list[Match]:
    """What to remove, in order: each document that fits an earlier one that is kept; the earliest such wins."""
    kept_in: defaultdict[int, list[int]] = defaultdict(list)
    matches = []
    for document, numbers in _buckets_of(buckets).items():
        candidates = sorted({kept for number in numbers for kept in kept_in[number]})
        for kept in candidates:
            if (exact := similarity(document, kept)) >= threshold:
                matches.append(Match(document, kept, exact))
                break
        else:
            for number in numbers:
                kept_in[number].append(document)
    return matches


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


def connect(groups: Groups, buckets: Iterable[I64], similarity: Callable[[int, int], float], threshold: float) -> None:
    """Join the documents of every candidate pair that reaches the threshold; pairs joined already are not verified."""
    tried: set[tuple[int, int]] = set()
    for bucket in buckets:
        documents = bucket.tolist()
        for index, right in enumerate(documents):
            for left in documents[:index]:
                if groups.find(left) == groups.find(right) or (left, right) in tried:
                    continue
                tried.add((left, right))
                if similarity(left, right) >= threshold:
                    groups.join(left, right)
