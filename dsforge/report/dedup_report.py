"""What the page about a deduplication is made from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

STEP = 0.02
"""Width of a bar of the similarities."""

_ROUNDING = 1e-9  # 0.82 - 0.8 is a little less than 0.02


class Origin(NamedTuple):
    """How many rows of a file were removed, exact copies and near-duplicates, for rows kept in another (or itself)."""

    path: str
    kept_path: str
    exact: int
    near: int


class Cluster(NamedTuple):
    """The place of a kept row, what was removed for it, and the least similarity of these to it."""

    kept: str
    exact: int
    near: int
    least: float


class Pair(NamedTuple):
    """Two rows side by side: what they are to one another, their places, `(kind, left, right)` of each stretch, and
    how many rows there are in all. A kind is `same`, `changed` or `cut`.
    """

    title: str
    left: str
    right: str
    stretches: Sequence[tuple[str, str, str]]
    rows: int = 2


class Disagreement(NamedTuple):
    """A way to contradict, how many were found, in how many rows, and how many of these were removed."""

    what: str
    found: int
    rows: int
    dropped: int


class Choice(NamedTuple):
    """What was chosen for a run, and the option that chooses it."""

    term: str
    option: str
    value: str


@dataclass(frozen=True)
class DedupReport:
    """A deduplication in counts, the largest clusters, and some of them side by side.

    `exact`, `near`, `against`, `contradictory` are rows removed, each counted once; `similarities` those of all
    near-duplicates, by `similarity_steps`, `sizes` the rows of each cluster as of dsforge.report.histogram.
    `sources` and `others` are files with their sizes in bytes. Clusters and origins come largest first.
    """

    rows_in: int
    rows_out: int
    exact: int
    near: int
    against: int
    contradictory: int
    rejected: int
    clusters: int
    threshold: float
    similarities: Sequence[int]
    sizes: Sequence[int]
    origins: Sequence[Origin]
    largest: Sequence[Cluster]
    disagreements: Sequence[Disagreement]
    sources: Sequence[tuple[str, int]]
    others: Sequence[tuple[str, int]] = ()
    choices: Sequence[Choice] = ()
    notices: Sequence[str] = ()
    shown: Sequence[Pair] = ()
    shown_contradictions: Sequence[Pair] = ()


def similarity_edges(threshold: float) -> list[float]:
    """Where the bars of similarities begin, `STEP` apart from the threshold on, and where the last one ends."""
    count = max(1, math.ceil((1 - threshold) / STEP - _ROUNDING))
    return [min(1.0, threshold + STEP * number) for number in range(count)] + [1.0]


def similarity_steps(similarities: Iterable[float], threshold: float) -> list[int]:
    """How many similarities fall to each bar; 1 falls to the last."""
    counts = [0] * (len(similarity_edges(threshold)) - 1)
    for similarity in similarities:
        step = int((similarity - threshold) / STEP + _ROUNDING)
        counts[max(0, min(step, len(counts) - 1))] += 1
    return counts
