import random
from itertools import combinations

import numpy as np
import pytest

from dsforge.example import Example, Message
from dsforge.similarity import sketch
from dsforge.similarity.cluster import star_clusters
from dsforge.similarity.compared import Compared, compared
from dsforge.similarity.lsh import Banding, buckets
from dsforge.similarity.sketch import Sketches
from tests.similarity.brute import edited, sentence


def documents(count: int) -> list[Compared]:
    rng = random.Random(9)
    found: list[tuple[str, str]] = []
    for number in range(count):
        if number % 2 and found:
            prompt, answer = rng.choice(found)
            found.append((edited(rng, prompt, 0.03), edited(rng, answer, 0.03)))
        else:
            chinese = rng.random() < 0.5
            found.append((sentence(rng, chinese, 15), sentence(rng, chinese, 40)))
    return [compared(Example([Message("user", ask), Message("assistant", answer)])) for ask, answer in found]


def keys(items: list[Compared], workers: int = 1) -> "np.ndarray[tuple[int, int], np.dtype[np.uint64]]":
    with Sketches(Banding(18, 7), workers) as sketches:
        for item in items:
            sketches.add(item)
        return sketches.keys()


def test_batches_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    items = documents(200)
    by_numpy = keys(items)
    monkeypatch.setattr(sketch, "BATCH", 1000)
    assert np.array_equal(by_numpy, keys(items))
    assert np.array_equal(by_numpy, keys(items, workers=3))


def test_verdicts_are_the_same_with_and_without_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    items = documents(200)
    verdicts = []
    for batch in (sketch.BATCH, 1000):
        monkeypatch.setattr(sketch, "BATCH", batch)
        with Sketches(Banding(18, 7)) as sketches:
            for item in items:
                sketches.add(item)
            verdicts.append(star_clusters(buckets(sketches.keys()), sketches, 0.8))
    assert verdicts[0] == verdicts[1]
    assert len(verdicts[0]) > 20


def test_recall_of_the_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the pairs that reach 0.8, counted by trying all pairs, 99 in 100 are candidates."""
    monkeypatch.setattr(sketch, "BATCH", 1000)
    items = documents(300)
    with Sketches(Banding(18, 7)) as sketches:
        for item in items:
            sketches.add(item)
        found = {pair for bucket in buckets(sketches.keys()) for pair in combinations(bucket.tolist(), 2)}
        true = {pair for pair in combinations(range(300), 2) if sketches.similarity(*pair) >= 0.8}
    assert len(true) > 60
    assert len(true & found) >= 0.99 * len(true)


def test_none_is_no_document() -> None:
    assert keys([]).shape == (0, 18)


def test_an_estimate_rules_out_no_pair_that_reaches_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "BATCH", 1000)
    with Sketches(Banding(18, 7)) as sketches:
        for item in documents(300):
            sketches.add(item)
        sketches.keys()
        for document in range(0, 300, 7):
            others = [other for other in range(300) if other != document]
            likely = sketches.likely(document, others, 0.8)
            true = [other for other in others if sketches.similarity(document, other) >= 0.8]
            assert set(true) <= set(likely)
            assert len(likely) < 50
