import random

import pytest

from dsforge.similarity.key import normalise
from dsforge.similarity.shingle import pack
from dsforge.similarity.verify import Jaccard, jaccard_compiled, jaccard_numpy
from tests.similarity.brute import edited, jaccard, random_text, sentence

both_ways = pytest.mark.parametrize("verify", [jaccard_numpy, jaccard_compiled])


@both_ways
def test_it_is_the_jaccard_similarity_of_plain_python(verify: Jaccard) -> None:
    rng = random.Random(2)
    for number in range(300):
        left = random_text(rng) if number % 3 else sentence(rng, number % 2 == 0, 12)
        right = edited(rng, left, 0.2) if number % 2 else random_text(rng)
        got = verify(pack([(normalise(left), "", "")]), pack([(normalise(right), "", "")]))
        assert got == jaccard(left, right), (left, right)


@both_ways
def test_it_is_the_least_over_the_parts(verify: Jaccard) -> None:
    long = "the same long answer to two questions, word for word"
    hi, hello = pack([("hi", long, "")]), pack([("hello", long, "")])
    assert verify(hi, hello) == 0.0
    assert verify(hi, hi) == 1.0
    assert verify(pack([("", long, "")]), hi) == 0.0
    assert verify(pack([("", "", "")]), pack([("", "", "")])) == 1.0


@both_ways
def test_chosen_and_rejected_are_not_interchangeable(verify: Jaccard) -> None:
    assert verify(pack([("q", "good answer", "bad answer")]), pack([("q", "bad answer", "good answer")])) < 0.8


def test_both_ways_agree_to_the_bit() -> None:
    rng = random.Random(4)
    for _ in range(300):
        parts = [random_text(rng, 60) for _ in range(3)]
        left, right = pack([parts]), pack([[edited(rng, part, 0.1) for part in parts]])
        assert jaccard_numpy(left, right) == jaccard_compiled(left, right)
