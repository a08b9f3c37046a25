import random

import pytest

from dsforge.similarity.key import normalise
from dsforge.similarity.shingle import CHARACTERS, Shingling
from dsforge.similarity.verify import Jaccard, jaccard_compiled, jaccard_numpy
from tests.similarity.brute import edited, jaccard, packed, random_text, sentence

both_ways = pytest.mark.parametrize("verify", [jaccard_numpy, jaccard_compiled])


@both_ways
def test_it_is_the_jaccard_similarity_of_plain_python(verify: Jaccard) -> None:
    rng = random.Random(2)
    for number in range(300):
        left = random_text(rng) if number % 3 else sentence(rng, number % 2 == 0, 12)
        right = edited(rng, left, 0.2) if number % 2 else random_text(rng)
        got = verify(packed([(normalise(left), "", "")]), packed([(normalise(right), "", "")]), CHARACTERS)
        assert got == jaccard(left, right), (left, right)


@both_ways
def test_it_is_the_least_over_the_parts(verify: Jaccard) -> None:
    long = "the same long answer to two questions, word for word"
    hi, hello = packed([("hi", long, "")]), packed([("hello", long, "")])
    assert verify(hi, hello, CHARACTERS) == 0.0
    assert verify(hi, hi, CHARACTERS) == 1.0
    assert verify(packed([("", long, "")]), hi, CHARACTERS) == 0.0
    assert verify(packed([("", "", "")]), packed([("", "", "")]), CHARACTERS) == 1.0


@both_ways
def test_chosen_and_rejected_are_not_interchangeable(verify: Jaccard) -> None:
    assert (
        verify(packed([("q", "good answer", "bad answer")]), packed([("q", "bad answer", "good answer")]), CHARACTERS)
        < 0.8
    )


@pytest.mark.parametrize("by", [CHARACTERS, Shingling(words=True), Shingling(width=9)])
def test_both_ways_agree_to_the_bit(by: Shingling) -> None:
    rng = random.Random(4)
    for number in range(300):
        parts = [random_text(rng, 60 if number % 9 else 50_000) for _ in range(3)]
        left, right = packed([parts]), packed([[edited(rng, part, 0.1) for part in parts]])
        assert jaccard_numpy(left, right, by) == jaccard_compiled(left, right, by)
