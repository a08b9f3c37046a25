import numpy as np

from dsforge.similarity.cluster import Groups, Match, connect, star_clusters

LINE = [0.0, 0.1, 0.2, 0.3, 0.9]
"""A chain: neighbours are alike, its ends are not."""


def near(left: int, right: int) -> float:
    return 1 - abs(LINE[left] - LINE[right])


ALL = [np.arange(5)]


def test_a_star_removes_nothing_on_hearsay() -> None:
    matches = star_clusters(ALL, near, 0.85)
    assert [(match.removed, match.kept) for match in matches] == [(1, 0), (3, 2)]
    assert all(match.similarity == near(match.removed, match.kept) for match in matches)


def test_the_earliest_kept_wins() -> None:
    assert star_clusters(
        [np.array([1, 2]), np.array([0, 2])], lambda left, right: 0.9 if 2 in (left, right) else 0, 0.8
    ) == [Match(2, 0, 0.9)]


def test_a_group_is_the_whole_chain() -> None:
    groups = Groups(5)
    connect(groups, ALL, near, 0.85)
    assert groups.members() == [[0, 1, 2, 3], [4]]


def test_only_candidates_are_verified_and_none_twice() -> None:
    asked: list[tuple[int, int]] = []

    def never(left: int, right: int) -> float:
        asked.append((left, right))
        return 0.0

    connect(Groups(4), [np.array([0, 1, 2]), np.array([0, 1])], never, 0.8)
    assert asked == [(0, 1), (0, 2), (1, 2)]
    asked.clear()
    star_clusters([np.array([0, 1]), np.array([0, 1])], never, 0.8)
    assert asked == [(1, 0)]
