import time
from array import array
from collections.abc import Callable

import numpy as np
import pytest

from dsforge.similarity import cluster
from dsforge.similarity.cluster import LIMIT, Groups, Match, connect, known_matches, star_clusters

LINE = [0.0, 0.1, 0.2, 0.3, 0.9]
"""A chain: neighbours are alike, its ends are not."""


class Told:
    """Similarities as a function tells them; the pairs asked for are noted."""

    def __init__(self, tell: Callable[[int, int], float]) -> None:
        self.tell = tell
        self.asked: list[tuple[int, int]] = []

    def likely(self, document: int, others: list[int], threshold: float) -> list[int]:
        return others

    def similarity(self, left: int, right: int) -> float:
        self.asked.append((left, right))
        return self.tell(left, right)


NEAR = Told(lambda left, right: 1 - abs(LINE[left] - LINE[right]))
NEVER = 0.0
ALL = [np.arange(5)]


def test_a_star_removes_nothing_on_hearsay() -> None:
    matches = star_clusters(ALL, NEAR, 0.85)
    assert [(match.removed, match.kept) for match in matches] == [(1, 0), (3, 2)]
    assert all(match.similarity == NEAR.tell(match.removed, match.kept) for match in matches)


def test_the_earliest_kept_wins() -> None:
    alike = Told(lambda left, right: 0.9 if 2 in (left, right) else 0)
    assert star_clusters([np.array([1, 2]), np.array([0, 2])], alike, 0.8) == [Match(2, 0, 0.9)]


def test_a_group_is_the_whole_chain() -> None:
    groups = Groups(range(5))
    connect(groups, ALL, NEAR, 0.85)
    assert groups.members() == [[0, 1, 2, 3], [4]]


def test_only_candidates_are_verified_and_none_twice() -> None:
    told = Told(lambda left, right: NEVER)
    connect(Groups(range(4)), [np.array([0, 1, 2]), np.array([0, 1])], told, 0.8)
    assert told.asked == [(1, 0), (2, 0), (2, 1)]
    told.asked.clear()
    star_clusters([np.array([0, 1]), np.array([0, 1])], told, 0.8)
    assert told.asked == [(1, 0)]


@pytest.mark.parametrize("few", [10_000, 50])
def test_those_that_share_the_most_buckets_are_tried_first_and_not_all(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A template joins all; the pair that is alike also shares other buckets, and is found before patience ends."""
    monkeypatch.setattr(cluster, "FEW", few)  # both ways to count
    told = Told(lambda left, right: 0.9 if {left, right} == {700, 999} else 0.1)
    buckets = [np.arange(1000), np.array([700, 999]), np.array([3, 700, 999])]
    assert star_clusters(buckets, told, 0.8) == [Match(999, 700, 0.9)]
    assert len(told.asked) <= 1000 * min(few, LIMIT)
    told.asked.clear()
    groups = Groups(range(1000))
    connect(groups, buckets, told, 0.8)
    assert groups.find(999) == 700
    assert len(told.asked) <= 1000 * min(few, LIMIT)


@pytest.mark.parametrize("rank", [[0.0] * 5, [4.0, 3.0, 2.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0, 1.0]])
def test_the_document_of_the_least_rank_is_kept(rank: list[float]) -> None:
    matches = star_clusters(ALL, NEAR, 0.85, rank=rank)
    assert matches
    removed = {match.removed for match in matches}
    for match in matches:
        assert match.kept not in removed
        assert (rank[match.kept], match.kept) < (rank[match.removed], match.removed)
        assert match.similarity >= 0.85


def test_known_documents_are_kept_and_come_first_whatever_their_rank() -> None:
    alike = Told(lambda left, right: 0.9)
    assert star_clusters(ALL, alike, 0.8, rank=[9.0, 9.0, 1.0, 0.0, 0.0], known=2) == [
        Match(3, 0, 0.9), Match(4, 0, 0.9), Match(2, 0, 0.9),
    ]  # fmt: skip


def test_matches_with_known_documents_do_not_go_by_way_of_others() -> None:
    assert [(match.removed, match.kept) for match in known_matches(ALL, NEAR, 0.75, known=1)] == [(1, 0), (2, 0)]
    assert known_matches(ALL, NEAR, 0.75, known=0) == []


def test_buckets_that_very_many_share_take_no_longer() -> None:
    """As those of a template do: all their members were counted for each document once, which was quadratic."""
    everybody = array("q", range(1_000_000))
    started = time.perf_counter()
    for _ in range(200):
        found = cluster.most_shared([everybody] * 8 + [array("q", [999_999])])
    assert time.perf_counter() - started < 2
    assert 999_999 in found
    assert len(found) <= cluster.FEW
