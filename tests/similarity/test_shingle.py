import random

import numpy as np
import pytest

from dsforge.similarity.shingle import pack, shingle_hashes, widths
from tests.similarity.brute import random_text, shingles


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("hi", 2), ("hello", 5), ("hello world", 5), ("你好", 2), ("你好吗", 3), ("请介绍一下你自己", 3),
     ("use 你 as a word", 5), ("こんにちは世界", 3), ("안녕하세요 여러분", 3), ("𠀀𠀁𠀂𠀃", 3)],
)  # fmt: skip
def test_width_follows_the_script(text: str, width: int) -> None:
    assert widths(pack([(text, "", "")])).tolist() == [width, 0, 0]


def test_exactly_thirty_percent_is_not_yet_chinese() -> None:
    assert widths(pack([("你好吗" + "x" * 7, "你好吗吗" + "x" * 6, "")])).tolist()[:2] == [5, 3]


def test_as_many_distinct_hashes_as_distinct_shingles() -> None:
    rng = random.Random(5)
    documents = [(random_text(rng).lower(), "", random_text(rng).lower()) for _ in range(300)]
    documents = [tuple(" ".join(part.split()) for part in document) for document in documents]
    hashes, starts = shingle_hashes(pack(documents))
    for number, part in enumerate(part for document in documents for part in document):
        assert len(np.unique(hashes[starts[number] : starts[number + 1]])) == len(shingles(part))


def test_the_same_text_in_another_part_is_other_shingles() -> None:
    hashes, starts = shingle_hashes(pack([("hello world", "hello world", "hello world")]))
    assert len(set(hashes.tolist())) == 3 * (starts[1] - starts[0]) == 21


def test_leading_zero_characters_count() -> None:
    hashes, _ = shingle_hashes(pack([("\0a", "", ""), ("a", "", ""), ("\0\0a", "", "")]))
    assert len(set(hashes.tolist())) == 3
