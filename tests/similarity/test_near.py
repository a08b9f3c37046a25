import random
from collections.abc import Iterable

import pytest

from dsforge.similarity import near as module
from dsforge.similarity.cluster import LIMIT
from dsforge.similarity.near import Near, NearTexts
from dsforge.similarity.shingle import LONG
from dsforge.similarity.verify import jaccard_compiled
from tests.similarity.brute import edited, random_text, sentence, shingles

THRESHOLD = 0.8


def texts(families: int, seed: int = 5) -> list[str]:
    """English and Chinese texts with edits of 1 to 30% of them, and short and odd ones, in an order by chance."""
    rng = random.Random(seed)
    found = [random_text(rng, 60) for _ in range(families)]
    for number in range(families):
        first = sentence(rng, number % 2 == 0, rng.choice((12, 40, 80)))
        found += [first, *(edited(rng, first, rng.choice((0.01, 0.02, 0.03, 0.05, 0.3))) for _ in range(2))]
    rng.shuffle(found)
    return found


def found_one_by_one(items: Iterable[str]) -> list[Near | None]:
    with NearTexts(THRESHOLD) as near:
        found = []
        for item in items:
            found.append(near.find(item))
            near.add(item)
        return found


def test_what_is_found_is_what_plain_python_finds() -> None:
    items = texts(300)
    sets = [shingles(item) for item in items]

    def alike(left: int, right: int) -> float:
        ours, theirs = sets[left], sets[right]
        if min(len(ours), len(theirs)) < THRESHOLD * max(len(ours), len(theirs)):
            return 0.0
        return len(ours & theirs) / len(ours | theirs) if ours or theirs else 1.0

    missed = there = near_copies = 0
    for number, match in enumerate(found_one_by_one(items)):
        true = max((alike(number, other) for other in range(number)), default=0.0)
        there += THRESHOLD <= true < 1
        if match is None:
            missed += true >= THRESHOLD
            continue
        assert match.number < number
        assert match.similarity == alike(number, match.number) >= THRESHOLD
        near_copies += match.similarity < 1
    assert there > 200
    assert near_copies > 200
    assert missed <= 0.005 * there


def test_it_does_not_matter_how_many_are_added_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    items, queries = texts(100), texts(100) + texts(30, seed=6)

    def found(sizes: list[int]) -> list[Near | None]:
        with NearTexts(THRESHOLD) as near:
            start = 0
            for turn in range(len(items)):
                part = items[start : start + sizes[turn % len(sizes)]]
                start += len(part)
                if len(part) == 1:
                    near.add(part[0])
                else:
                    near.add_many(part)
            assert len(near) == len(items)
            return [near.find(query) for query in queries]

    at_once = found([len(items)])
    assert sum(match is not None for match in at_once) > 300
    assert found([1]) == at_once
    monkeypatch.setattr(module, "_RECENT", 16)
    for sizes in ([1], [1, 7, 40], [3]):
        assert found(sizes) == at_once
    monkeypatch.setattr(module, "BATCH", 5000)  # many batches, and the compiled kernel
    assert found([len(items)]) == at_once


def test_where_buckets_overflow_it_does_not_matter_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 5)
    items = [f"please translate the following sentence into french for me : {number}" for number in range(60)]
    whole = found_one_by_one(items)
    monkeypatch.setattr(module, "_RECENT", 7)
    assert found_one_by_one(items) == whole


def test_the_order_does_not_matter_to_whether_one_is_found() -> None:
    items, queries = texts(100), texts(100, seed=6) + [edited(random.Random(1), item, 0.03) for item in texts(100)]
    found = []
    for seed in range(3):
        random.Random(seed).shuffle(items)
        with NearTexts(THRESHOLD) as near:
            near.add_many(items)
            found.append([near.find(query) is not None for query in queries])
    assert found[0] == found[1] == found[2]
    assert 100 < sum(found[0]) < len(queries) - 100


def test_what_does_not_count_does_not_tell_texts_apart() -> None:
    with NearTexts(THRESHOLD) as near:
        near.add("Ｒｅｓｅｔ  my PASSWORD")
        assert near.find("reset my password") == (0, 1.0)


@pytest.mark.parametrize(
    "text", ["", " \n", "a", "hi", "你", "你好吗", "\ud800", "half \udc00 a character", "\0", "😀"]
)
def test_texts_shorter_than_a_shingle_and_odd_ones(text: str) -> None:
    with NearTexts(THRESHOLD) as near:
        assert near.find(text) is None
        near.add_many(["how do I reset my password?", "好吗", "b"])
        assert near.find(text) is None
        near.add(text)
        assert near.find(text) == (3, 1.0)
        assert near.find(text + "xyz" * 9) is None


@pytest.mark.parametrize("length", [LONG + 5000, LONG + 100])
def test_long_texts_have_wider_windows(length: int) -> None:
    rng = random.Random(3)
    text = "".join(rng.choices("abcdefghij", k=length))
    changed = text[:1000] + "Z" * 50 + text[1050:]
    ours, theirs = ({side[at : at + 9] for at in range(length - 8)} for side in (text, changed.lower()))
    with NearTexts(THRESHOLD) as near:
        near.add(text)
        assert near.find(changed) == (0, len(ours & theirs) / len(ours | theirs))


def test_copies_are_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 3000)
    with NearTexts(THRESHOLD) as near:
        near.add_many(["another text"] + ["the same text", "The same  text", "a third text"] * 10_000)
        near.add("the same text")
        assert len(near) == 30_002
        assert len(near._spill) == 3
        assert near.find("THE SAME TEXT") == (1, 1.0)
        assert near.find("a third text") == (3, 1.0)


def test_texts_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_hash", lambda raw: 7)
    with NearTexts(THRESHOLD) as near:
        near.add_many(["the first text", "another one", "the first text"])
        near.add("a third")
        assert near.find("something else") is None
        assert near.find("another one") == (1, 1.0)
        assert near.find("a third") == (3, 1.0)


def test_rows_of_one_template_are_not_all_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(8)
    template = sentence(rng, False, 20)

    def row() -> str:
        return f"{template} {sentence(rng, False, 7)}"

    items = [row() for _ in range(3000)]
    tried = 0

    def counting(*arguments: object) -> float:
        nonlocal tried
        tried += 1
        return jaccard_compiled(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "jaccard_compiled", counting)
    monkeypatch.setattr(module, "BATCH", 1)
    with NearTexts(THRESHOLD) as near:
        near.add_many(items)
        for number in range(0, 3000, 300):
            match = near.find(items[number] + "!!")
            assert match is not None
            assert match.number == number
        tried = 0
        unlike = row()
        assert near.find(unlike) is None
        assert 10 < tried <= LIMIT
        monkeypatch.setattr(module, "LIMIT", 10)
        tried = 0
        assert near.find(unlike) is None
        assert tried == 10


def test_a_small_run_does_not_load_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object) -> float:
        raise AssertionError("the kernel was loaded")

    monkeypatch.setattr(module, "sign_compiled", never)
    monkeypatch.setattr(module, "jaccard_compiled", never)
    items = [sentence(random.Random(number), number % 2 == 0, 20) for number in range(1000)]
    with NearTexts(THRESHOLD) as near:
        near.add_many(items)
        for item in items:
            near.find(item + " and more")
