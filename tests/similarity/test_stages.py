import random

import numpy as np
import pytest

from dsforge.similarity.cluster import Groups
from dsforge.similarity.shingle import I64
from dsforge.similarity.stages import connected


def by_hand(edges: list[tuple[int, int]], count: int) -> list[int]:
    groups = Groups(range(count))
    for left, right in edges:
        groups.join(left, right)
    return [groups.find(node) for node in range(count)]


def arrays(edges: list[tuple[int, int]]) -> tuple[I64, I64]:
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def shuffled(count: int, rng: random.Random) -> list[int]:
    return rng.sample(range(count), count)


def graphs() -> list[list[tuple[int, int]]]:
    rng = random.Random(8)
    names = shuffled(3000, rng)
    return [
        [],
        [(node, node + 1) for node in range(2999)],
        [(node + 1, node) for node in reversed(range(2999))],
        [(names[at], names[at + 1]) for at in range(2999)],  # a chain of which nobody knows the order
        [(0, node) for node in range(1, 3000)],
        [(2999, node) for node in range(2999)],
        [(rng.randrange(3000), rng.randrange(3000)) for _ in range(1200)],
        [(rng.randrange(3000), rng.randrange(3000)) for _ in range(9000)],
        [(node, node) for node in range(10)],
    ]


@pytest.mark.parametrize("edges", graphs(), ids=lambda edges: f"{len(edges)} edges")
@pytest.mark.parametrize("parts", [1, 7])
def test_components_are_those_of_a_union_find_however_the_edges_come(edges: list[tuple[int, int]], parts: int) -> None:
    component: I64 = np.arange(3000)
    for part in range(parts):
        component = connected(*arrays(edges[part::parts]), component)
    assert component.tolist() == by_hand(edges, 3000)
