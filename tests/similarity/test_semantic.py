"""Stars by the cosine of embeddings, against a search by hand over all pairs."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest

from dsforge.errors import UsageError
from dsforge.similarity import semantic
from dsforge.similarity.cluster import Match
from dsforge.similarity.embed import F32, unit_rows
from dsforge.similarity.semantic import DECIMALS, semantic_matches

GUARD = b"guard"


class Directions:
    """Embeds texts such as "30" or "30 again" as that angle in degrees; notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> F32:
        self.asked += texts
        angles = np.radians([float(text.split()[0]) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    def notices(self) -> list[str]:
        return []


class Scattered(Directions):
    """Embeds a text as a random direction near that of its first word."""

    def __init__(self, dimensions: int = 32, noise: float = 0.15) -> None:
        super().__init__()
        self._dimensions, self._noise = dimensions, noise

    def embed(self, texts: Sequence[str]) -> F32:
        return unit_rows(np.array([self._vector(text) for text in texts], dtype=np.float32))

    def _vector(self, text: str) -> F32:
        centre, own = (np.random.default_rng([*seed.encode()]) for seed in (text.split()[0], text))
        near = centre.standard_normal(self._dimensions) + self._noise * own.standard_normal(self._dimensions)
        return near.astype(np.float32)


def degrees(angle: float) -> float:
    return float(np.cos(np.radians(angle)))


def prompts(*texts: str) -> list[tuple[str, str, str]]:
    return [(text, "", "") for text in texts]


def pairs(matches: list[Match]) -> list[tuple[int, int]]:
    return [(match.removed, match.kept) for match in matches]


def by_hand(
    parts: list[tuple[str, str, str]],
    guards: list[bytes],
    threshold: float,
    rank: list[float] | None = None,
    known: int = 0,
) -> list[Match]:
    """The same stars from the cosines of all pairs, one by one, in float64."""
    embedder = Scattered()
    vectors = [[embedder.embed([text])[0].astype(np.float64) if text else None for text in row] for row in parts]

    def cosine(left: int, right: int) -> float:
        least = 1.0 if guards[left] == guards[right] else 0.0
        for ours, theirs in zip(vectors[left], vectors[right], strict=True):
            if ours is not None and theirs is not None:
                least = min(least, round(float(ours @ theirs), DECIMALS))
            elif ours is not None or theirs is not None:
                least = 0.0
        return least

    kept: list[int] = []
    matches = []
    for document in sorted(range(len(parts)), key=lambda d: (d >= known, rank[d] if rank else 0)):
        best = max(kept, key=lambda other: cosine(document, other), default=None)  # the first of equal ones
        if document >= known and best is not None and cosine(document, best) >= threshold:
            matches.append(Match(document, best, cosine(document, best)))
        else:
            kept.append(document)
    return matches


def scattered(seed: int, count: int = 150) -> tuple[list[tuple[str, str, str]], list[bytes], list[float]]:
    """Rows of few meanings in many words, some parts empty, with guards and ranks."""
    draw = random.Random(seed)
    parts = [
        (
            f"a{draw.randrange(6)} {draw.randrange(8)}",
            f"b{draw.randrange(2)} {draw.randrange(8)}" if draw.random() < 0.8 else "",
            f"c {draw.randrange(9)}" if draw.random() < 0.1 else "",
        )
        for _ in range(count)
    ]
    return parts, [draw.choice([b"g", b"g", b"h"]) for _ in range(count)], [draw.randrange(5) for _ in range(count)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threshold", [0.9, 0.97, 1.0])
@pytest.mark.parametrize("known", [0, 40])
def test_the_stars_are_those_of_a_search_over_all_pairs_whatever_the_size_of_blocks(
    seed: int, threshold: float, known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, guards, ranks = scattered(seed)
    for rank in (None, ranks):
        expected = by_hand(parts, guards, threshold, rank, known)
        assert expected
        for texts, rows, kept in ((4096, 1024, 4096), (7, 1, 1), (50, 13, 5), (1, 64, 200)):
            monkeypatch.setattr(semantic, "_TEXTS", texts)
            monkeypatch.setattr(semantic, "_ROWS", rows)
            monkeypatch.setattr(semantic, "_KEPT", kept)
            assert semantic_matches(parts, guards, Scattered(), threshold, rank=rank, known=known) == expected


def test_a_star_removes_nothing_on_hearsay() -> None:
    chain = prompts("0", "10", "20", "30", "80")
    matches = semantic_matches(chain, [GUARD] * 5, Directions(), degrees(15))
    assert pairs(matches) == [(1, 0), (3, 2)]
    assert matches[0].similarity == pytest.approx(degrees(10), abs=1e-6)


def test_the_most_similar_kept_one_is_named_then_the_earliest() -> None:
    assert pairs(semantic_matches(prompts("0", "40", "25"), [GUARD] * 3, Directions(), degrees(30))) == [(2, 1)]
    assert pairs(semantic_matches(prompts("40", "0", "20"), [GUARD] * 3, Directions(), degrees(30))) == [(2, 0)]


def test_known_documents_are_kept_and_come_first_whatever_their_rank() -> None:
    rows = prompts("0", "1", "0 again", "1 again")
    matches = semantic_matches(rows, [GUARD] * 4, Directions(), 0.99, rank=[9, 9, 1, 0], known=2)
    assert pairs(matches) == [(3, 1), (2, 0)]


def test_the_document_of_the_least_rank_is_kept() -> None:
    assert pairs(semantic_matches(prompts("0", "1", "2"), [GUARD] * 3, Directions(), 0.9, rank=[1, 0, 1])) == [
        (0, 1), (2, 1),
    ]  # fmt: skip


def test_each_part_has_to_reach_the_threshold_and_the_least_is_told() -> None:
    rows = [("0", "0", ""), ("1", "60", ""), ("1 again", "10", "")]
    [match] = semantic_matches(rows, [GUARD] * 3, Directions(), 0.9)
    assert (match.removed, match.kept) == (2, 0)
    assert match.similarity == pytest.approx(degrees(10), abs=1e-6)


def test_a_part_that_only_one_has_keeps_them_apart_and_one_that_none_has_does_not_count() -> None:
    rows = [("0", "", ""), ("0", "0", ""), ("", "", ""), ("", " \n", "")]
    assert semantic_matches(rows, [GUARD] * 4, Directions(), 0.9) == [Match(3, 2, 1.0)]


@pytest.mark.parametrize("guards", [[b"a", b"b", b"a"], np.array([1, 2, 1])])
def test_guards_have_to_be_equal(guards: list[bytes]) -> None:
    assert semantic_matches(prompts("0", "0", "0"), guards, Directions(), 0.9) == [Match(2, 0, 1.0)]


def test_a_text_that_the_embedder_cannot_read_is_like_no_other() -> None:
    class Unread(Directions):
        def embed(self, texts: Sequence[str]) -> F32:
            return np.zeros((len(texts), 2), dtype=np.float32)

    assert semantic_matches(prompts("0", "0", "0 again"), [GUARD] * 3, Unread(), 1e-9) == []


def test_each_text_is_embedded_once_also_as_utf_8() -> None:
    embedder = Directions()
    rows: list[tuple[str | bytes, ...]] = [("0", "1", ""), (b"1", b"0", b""), ("0", b"1", "")]
    assert semantic_matches(rows, [GUARD] * 3, embedder, 0.99999) == [Match(2, 0, 1.0)]
    assert embedder.asked == ["0", "1"]


def test_lone_surrogates_are_not_handed_on() -> None:
    embedder = Directions()
    semantic_matches([("0 \ud83d", "", ""), ("0 \ud83d".encode("utf-8", "surrogatepass"), "", "")], [1, 1], embedder)
    assert [text.encode() for text in embedder.asked] == ["0 \ufffd\ufffd\ufffd".encode()]


def test_no_rows_and_one() -> None:
    assert semantic_matches([], [], Directions()) == []
    assert semantic_matches(prompts("0"), [GUARD], Directions()) == []


@pytest.mark.parametrize("threshold", [0, -0.5, 1.01, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match="--threshold"):
        semantic_matches([], [], Directions(), threshold)


def test_memory_does_not_grow_with_the_square_of_the_rows() -> None:
    """All pairs of these rows would be 400 MB."""
    count = 10_000
    rows = prompts(*(f"{number} x" for number in range(count)))
    tracemalloc.start()
    semantic_matches(rows, [GUARD] * count, Scattered(dimensions=8), 0.999)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80e6


def test_a_large_cluster_takes_no_longer_than_many_small_ones() -> None:
    """Only kept rows are verified: here one, though all 12.5 million pairs reach the threshold."""
    rows = prompts(*(f"same {number}" for number in range(5_000)))
    matches = semantic_matches(rows, [GUARD] * len(rows), Scattered(dimensions=8, noise=0.01), 0.9)
    assert pairs(matches) == [(number, 0) for number in range(1, 5_000)]
