"""From sketches to verdicts, in stages of tasks that run anywhere (see `dsforge.engine`).

1. *Buckets*: a task takes some of the bands, or a slice of the keys of one, and finds the documents that share a key.
2. *Components*: what buckets connect, by however long a chain. In memory: eight bytes a document.
3. *Verdicts*: a task takes some of the components, which share no candidate with others, and verifies.

A verdict depends on the sketches alone: neither on the number of tasks nor on the order in which they end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dsforge.engine.engine import PARTITIONS, Engine
from dsforge.engine.plan import Count, Task
from dsforge.io.arrays import ArrayFolder, mapped
from dsforge.similarity.cluster import FEW, Groups, Match, connect, known_matches, star_clusters
from dsforge.similarity.collect import Collected
from dsforge.similarity.index import found_in_band
from dsforge.similarity.lsh import Banding
from dsforge.similarity.shingle import F64, I64, U64, Shingling
from dsforge.similarity.sketch import Sketched

Kind: TypeAlias = Literal["stars", "known", "groups"]
"""Which matches are looked for: those of `star_clusters`, of `known_matches`, or of each document with the first of its
group (whose similarity is not known)."""

SMALL = 20_000
"""Entries of buckets that one task verifies before a second is worth its while."""


@dataclass(frozen=True)
class Judging:
    """What is to be decided: which matches reach the threshold; the first `known` documents are not in question."""

    kind: Kind
    threshold: float
    known: int


def find_matches(
    rows: Collected, kind: Kind, threshold: float, ranks: F64 | None = None, without: Sequence[int] = ()
) -> list[Match]:
    """The matches among the documents of the rows, in the order of the removed (see `Kind`).

    `ranks` are those of `star_clusters`. The documents `without` match none.
    """
    reading, folder, engine = rows.reading, rows.folder, rows.engine
    assert reading.banding is not None
    are_first = rows.are_first
    are_first[list(without)] = False
    with ArrayFolder(folder) as arrays:
        arrays.append("first", are_first.astype(np.uint8))
        if ranks is not None:
            arrays.append("ranks", np.array(ranks, dtype=np.float64))
    sketches = (rows.folders, reading.banding, reading.shingling)
    partitions = _partitions(rows.new_documents, reading.banding.bands, engine)
    buckets = [folder / f"buckets-{part:05}" for part in range(partitions)]
    tasks = [
        Task(find_buckets, (sketches, folder / "first", rows.indexed, part, partitions), output, Count)
        for part, output in enumerate(buckets)
    ]
    entries = sum(found.count for found in engine.run(tasks))
    ranges = _components(buckets, len(rows.are_first), folder / "component", entries, engine)
    judging = Judging(kind, threshold, rows.known_documents)
    ranked = folder / "ranks" if ranks is not None else None
    common = (sketches, buckets, folder / "component", judging, ranked)
    verdicts = [
        Task(verify, (*common, limits), folder / f"matches-{number:05}", Count) for number, limits in enumerate(ranges)
    ]
    engine.run_all(verdicts)
    found = [match for task in verdicts for match in _matches(task.output)]
    return sorted(found, key=lambda match: match.removed)


def _partitions(documents: int, bands: int, engine: Engine) -> int:
    if engine.partitions:
        return engine.partitions
    return 1 if documents < SMALL else bands


Sketches: TypeAlias = "tuple[list[Path], Banding, Shingling]"


def find_buckets(sketches: Sketches, first: Path, indexed: int, part: int, partitions: int, output: Path) -> Count:
    """Write the buckets of two or more documents of one partition; how many entries they have.

    The first `indexed` folders are segments of an index, of which only those documents count that share a bucket with
    one that is new.

    `bucket`: the band of each bucket, its key, and how many documents it has (uint64); `member`: the documents.
    """
    sketched = Sketched(*sketches)
    are_first = mapped(first, np.uint8).astype(bool)
    bands = sketched.banding.bands
    slices = -(-partitions // bands)  # of each band, where there are more partitions than bands
    entries = 0
    with ArrayFolder(output) as arrays:
        arrays.append("bucket", b"")
        arrays.append("member", b"")
        for unit in range(part, bands * slices, partitions):
            band, slice_ = unit % bands, unit // bands
            keys, documents = _of_slice(sketched, band, slice_, slices, are_first, indexed)
            new = np.unique(keys) if indexed else keys
            for place in reversed(range(indexed)):  # so that the documents ascend
                there, known = found_in_band(sketches[0][place], band, new, FEW)
                keys, documents = np.append(there, keys), np.append(known + sketched.first(place), documents)
            found_keys, counts, members = _shared(keys, documents)
            arrays.append("bucket", np.stack([np.full(len(counts), band, dtype=np.uint64), found_keys, counts], axis=1))
            arrays.append("member", members)
            entries += len(members)
    return Count(entries)


def _of_slice(
    sketched: Sketched, band: int, slice_: int, slices: int, are_first: NDArray[np.bool_], indexed: int
) -> tuple[U64, I64]:
    """`(keys, documents)` of a slice of a band, of documents that are neither copies nor of an index."""
    all_keys, all_documents = [np.empty(0, dtype=np.uint64)], [np.empty(0, dtype=np.int64)]
    for number, keys in sketched.band(band, indexed):
        wanted = are_first[number : number + len(keys)]
        if slices > 1:
            wanted = wanted & (keys % np.uint64(slices) == slice_)
        at = np.flatnonzero(wanted)
        all_keys.append(keys[at])
        all_documents.append(at + number)
    return np.concatenate(all_keys), np.concatenate(all_documents)


def _shared(keys: U64, documents: I64) -> tuple[U64, U64, I64]:
    """`(keys, counts, members)` of the buckets of two or more, by key; members ascend within a bucket."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(keys) else order
    counts = np.diff(np.append(starts, len(keys)))
    shared = counts > 1
    members: I64 = documents[order[np.repeat(shared, counts)]]
    return ordered[starts[shared]], counts[shared].astype(np.uint64), members


class _Buckets:
    """The buckets of a partition."""

    def __init__(self, folder: Path) -> None:
        buckets: U64 = mapped(folder / "bucket", np.uint64, 3)
        self.places = buckets[:, :2]  # band and key
        self.counts: I64 = buckets[:, 2].astype(np.int64)
        self.members: I64 = mapped(folder / "member", np.int64)
        self._starts: I64 = np.cumsum(self.counts) - self.counts

    @property
    def leaders(self) -> I64:
        """The first member of each bucket."""
        return self.members[self._starts]

    def among(self, wanted: NDArray[np.bool_]) -> tuple[U64, I64, I64]:
        """`(band and key of each, counts, members of one behind the other)` of the buckets that are wanted."""
        return self.places[wanted], self.counts[wanted], self.members[np.repeat(wanted, self.counts)]


def _components(
    folders: Sequence[Path], documents: int, output: Path, entries: int, engine: Engine
) -> list[tuple[int, int]]:
    """Write the least document that each is connected with; ranges of these with about as many entries each.

    One partition after another, so that memory holds the documents and no more than its edges.
    """
    component: I64 = np.arange(documents)
    for folder in folders:
        buckets = _Buckets(folder)
        component = connected(np.repeat(buckets.leaders, buckets.counts), buckets.members, component)
    component.tofile(output)
    if not entries:
        return []
    sizes = np.zeros(documents, dtype=np.int64)
    for folder in folders:
        sizes += np.bincount(component[_Buckets(folder).members], minlength=documents)
    count = engine.partitions or min(PARTITIONS, -(-entries // SMALL))
    shares = np.searchsorted(np.cumsum(sizes), [entries * part // count for part in range(1, count)])
    limits = [0, *shares.tolist(), documents]
    return [(low, high) for low, high in pairwise(limits) if low < high]


def connected(left: I64, right: I64, component: I64) -> I64:
    """Of each node, the least that edges (`left[i]`, `right[i]`) connect it with.

    `component` is that of earlier edges, each node by itself where there were none. Each round, the least of a
    component takes the least of those that it shares an edge with, and all others what that one has taken (pointers
    halve the way): the rounds grow with the logarithm of the longest chain.
    """
    component = component.copy()
    while True:
        lefts, rights = component[left], component[right]
        differ = lefts != rights
        if not differ.any():
            return component
        left, right, lefts, rights = left[differ], right[differ], lefts[differ], rights[differ]
        least = np.minimum(lefts, rights)
        np.minimum.at(component, lefts, least)
        np.minimum.at(component, rights, least)
        while not np.array_equal(further := component[component], component):
            component = further


def verify(
    sketches: Sketches,
    folders: Sequence[Path],
    components: Path,
    judging: Judging,
    ranks: Path | None,
    limits: tuple[int, int],
    output: Path,
) -> Count:
    """Write the matches within the components from one to below another: `pair` of removed and kept, `similarity`."""
    component = mapped(components, np.int64)
    found_buckets = []
    for folder in folders:
        buckets = _Buckets(folder)
        of_bucket = component[buckets.leaders]
        found_buckets.append(buckets.among((limits[0] <= of_bucket) & (of_bucket < limits[1])))
    places, counts, members = (np.concatenate(arrays) for arrays in zip(*found_buckets, strict=True))
    ends = counts.cumsum()
    order = np.lexsort((places[:, 1], places[:, 0]))  # by band and key, whatever the partitions
    wanted = [
        members[start:end] for start, end in zip((ends - counts)[order].tolist(), ends[order].tolist(), strict=True)
    ]
    sketched = Sketched(*sketches)
    rank = mapped(ranks, np.float64) if ranks else None
    found = _judge(wanted, sketched, judging, rank)
    with ArrayFolder(output) as arrays:
        arrays.append("pair", np.array([(match.removed, match.kept) for match in found], dtype=np.int64))
        arrays.append("similarity", np.array([match.similarity for match in found], dtype=np.float64))
    return Count(len(found))


def _judge(buckets: list[I64], sketched: Sketched, judging: Judging, rank: F64 | None) -> list[Match]:
    threshold, known = judging.threshold, judging.known
    if judging.kind == "stars":
        return star_clusters(buckets, sketched, threshold, rank=rank, known=known)
    if judging.kind == "known":
        return known_matches(buckets, sketched, threshold, known)
    members = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *buckets])).tolist()
    groups = Groups(members)
    connect(groups, buckets, sketched, threshold)
    return [Match(item, root, math.nan) for item in members if (root := groups.find(item)) != item]


def _matches(folder: Path) -> Iterator[Match]:
    pairs, similarities = mapped(folder / "pair", np.int64, 2), mapped(folder / "similarity", np.float64)
    for (removed, kept), similarity in zip(pairs.tolist(), similarities.tolist(), strict=True):
        yield Match(removed, kept, similarity)
