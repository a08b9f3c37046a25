import random
from contextlib import ExitStack
from itertools import combinations

import numpy as np
import pytest

from dsforge.example import Example, Message
from dsforge.similarity import sketch
from dsforge.similarity.cluster import star_clusters
from dsforge.similarity.compared import Compared, compared
from dsforge.similarity.lsh import Banding, buckets
from dsforge.similarity.shingle import U64
from dsforge.similarity.sketch import Sketched, Sketches
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


def sketched(items: list[Compared], stack: ExitStack) -> Sketched:
    sketches = stack.enter_context(Sketches(Banding(18, 7)))
    for item in items:
        sketches.add(item)
    return sketches.sketched()


def keys(items: list[Compared]) -> U64:
    with ExitStack() as stack:
        return sketched(items, stack).keys()


def compile_after(monkeypatch: pytest.MonkeyPatch, signed: int) -> None:
    """Let this process begin anew to count what it has signed, and take the kernel from so many bytes on."""
    monkeypatch.setattr(sketch, "_signed", 0)
    monkeypatch.setattr(sketch, "BATCH", signed)


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    items = documents(200)
    compile_after(monkeypatch, sketch.BATCH)
    by_numpy = keys(items)
    compile_after(monkeypatch, 1000)
    assert np.array_equal(by_numpy, keys(items))


def test_folders_are_numbered_one_after_another() -> None:
    items = documents(60)
    with ExitStack() as stack:
        whole = sketched(items, stack)
        parts = [sketched(part, stack) for part in (items[:20], [], items[20:])]
        together = Sketched([folder.path for part in parts for folder in part._folders], Banding(18, 7))
        assert len(together) == 60
        assert np.array_equal(together.keys(), whole.keys())
        for left, right in combinations(range(0, 60, 7), 2):
            assert together.similarity(left, right) == whole.similarity(left, right)
        assert together.likely(0, [*range(60)], 0.8) == whole.likely(0, [*range(60)], 0.8)


def test_verdicts_are_the_same_with_and_without_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    items = documents(200)
    verdicts = []
    for batch in (sketch.BATCH, 1000):
        compile_after(monkeypatch, batch)
        with ExitStack() as stack:
            found = sketched(items, stack)
            verdicts.append(star_clusters(buckets(found.keys()), found, 0.8))
    assert verdicts[0] == verdicts[1]
    assert len(verdicts[0]) > 20


def test_recall_of_the_candidates() -> None:
    """Of the pairs that reach 0.8, counted by trying all pairs, 99 in 100 are candidates."""
    with ExitStack() as stack:
        sketches = sketched(documents(300), stack)
        found = {pair for bucket in buckets(sketches.keys()) for pair in combinations(bucket.tolist(), 2)}
        true = {pair for pair in combinations(range(300), 2) if sketches.similarity(*pair) >= 0.8}
    assert len(true) > 60
    assert len(true & found) >= 0.99 * len(true)


def test_none_is_no_document() -> None:
    assert keys([]).shape == (0, 18)


def test_an_estimate_rules_out_no_pair_that_reaches_the_threshold() -> None:
    with ExitStack() as stack:
        sketches = sketched(documents(300), stack)
        for document in range(0, 300, 7):
            others = [other for other in range(300) if other != document]
            likely = sketches.likely(document, others, 0.8)
            true = [other for other in others if sketches.similarity(document, other) >= 0.8]
            assert set(true) <= set(likely)
            assert len(likely) < 50
