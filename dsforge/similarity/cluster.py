"""From candidates to clusters.

A *star* has one kept document, and every other reaches the threshold with that one: nothing is removed on
hearsay. A *group* is everything connected by verified pairs, however long the chain: right for keeping
rows together (split), wrong for removing them (a chain of small edits joins texts that share nothing).
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from dsforge.similarity.shingle import F64, I64


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

FEW = 2000
"""Entries of buckets that are looked at for one document, so that the time grows no faster than the rows. Small buckets
come first: those that thousands share tell nothing."""


def most_shared(members: Iterable[Sequence[int]]) -> list[int]:
    """Documents by the number of buckets they share with the one in question, most first, then by number."""
    members = [*members]
    if sum(map(len, members)) > FEW:
        members = _smallest(members)
    shared = Counter(chain.from_iterable(members))
    if len(shared) < 2:
        return [*shared]
    return sorted(sorted(shared), key=shared.__getitem__, reverse=True)


def _smallest(members: list[Sequence[int]]) -> list[Sequence[int]]:
    """The first `FEW` entries, small buckets first."""
    found, room = [], FEW
    for documents in sorted(members, key=len):
        found.append(documents[:room])
        room -= len(documents)
        if room <= 0:
            break
    return found


def star_clusters(
    buckets: Iterable[I64],
    similarities: Similarities,
    threshold: float,
    *,
    rank: F64 | None = None,
    known: int = 0,
) -> list[Match]:
    """What to remove, in order: each document that reaches the threshold with one before it that is kept.

    The documents come in the order of their `rank`, the least first, equal ones as they are numbered; so the one kept
    is never of a higher rank than those that go. The first `known` documents come before all, and are kept
    whatever they are like. Of several to be kept, the one that shares the most bands is named, then the earliest.
    """
    kept_in: defaultdict[int, array[int]] = defaultdict(_documents)
    matches = []
    numbers_of = _buckets_of(buckets)
    order = list(numbers_of)
    if rank is not None:
        order.sort(key=lambda document: (document >= known, rank[document]))
    for document in order:
        numbers = numbers_of[document]
        if document >= known and (match := _alike(document, kept_in, numbers, similarities, threshold)):
            matches.append(match)
        else:
            for number in numbers:
                kept_in[number].append(document)
    return matches


def known_matches(buckets: Iterable[I64], similarities: Similarities, threshold: float, known: int) -> list[Match]:
    """Each document that reaches the threshold with one of the first `known`, and with which of them."""
    known_in: defaultdict[int, array[int]] = defaultdict(_documents)
    matches = []
    for document, numbers in _buckets_of(buckets).items():
        if document < known:
            for number in numbers:
                known_in[number].append(document)
        elif match := _alike(document, known_in, numbers, similarities, threshold):
            matches.append(match)
    return matches


def _alike(
    document: int, members: dict[int, array[int]], numbers: list[int], similarities: Similarities, threshold: float
) -> Match | None:
    """The first of the members of these buckets with which the document reaches the threshold."""
    candidates = most_shared(members[number] for number in numbers if number in members)
    for other in similarities.likely(document, candidates, threshold)[:LIMIT]:
        if (exact := similarities.similarity(document, other)) >= threshold:
            return Match(document, other, exact)
    return None


def _documents() -> array[int]:
    return array("q")


class Groups:
    """Disjoint sets of numbers (union by the smaller number, path halving)."""

    def __init__(self, items: Iterable[int]) -> None:
        self._parent = {item: item for item in items}

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
        for item in sorted(self._parent):
            found[self.find(item)].append(item)
        return list(found.values())


def connect(groups: Groups, buckets: Iterable[I64], similarities: Similarities, threshold: float) -> None:
    """Join the documents of every candidate pair that reaches the threshold; pairs joined already are not verified."""
    seen_in: defaultdict[int, array[int]] = defaultdict(_documents)
    for document, numbers in _buckets_of(buckets).items():
        failed = 0
        candidates = most_shared(seen_in[number] for number in numbers)
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
