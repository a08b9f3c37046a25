import random

import numpy as np
import pytest

from dsforge.errors import UsageError
from dsforge.similarity.shingle import CHARACTERS, LONG, WIDEST, Shingling, parse_shingling, shingle_hashes, units_of
from tests.similarity.brute import packed, random_text, shingles, words


def widths(*parts: str, by: Shingling = CHARACTERS) -> list[int]:
    return units_of(packed([parts]), by)[2].tolist()


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("hi", 2), ("hello", 5), ("hello world", 5), ("你好", 2), ("你好吗", 3), ("请介绍一下你自己", 3),
     ("use 你 as a word", 5), ("こんにちは世界", 3), ("안녕하세요 여러분", 3), ("𠀀𠀁𠀂𠀃", 3)],
)  # fmt: skip
def test_width_follows_the_script(text: str, width: int) -> None:
    assert widths(text, "", "") == [width, 0, 0]


def test_exactly_thirty_percent_is_not_yet_chinese() -> None:
    assert widths("你好吗" + "x" * 7, "你好吗吗" + "x" * 6, "")[:2] == [5, 3]


def test_windows_of_long_texts_are_wider() -> None:
    assert widths("x" * (LONG - 1), "x" * LONG, "") == [5, 9, 0]
    assert widths("你" * (LONG - 1), "你" * LONG, "") == [3, 5, 0]


def test_as_many_distinct_hashes_as_distinct_shingles() -> None:
    rng = random.Random(5)
    documents = [(random_text(rng).lower(), "", random_text(rng).lower()) for _ in range(300)]
    documents = [tuple(" ".join(part.split()) for part in document) for document in documents]
    hashes, starts = shingle_hashes(packed(documents))
    for number, part in enumerate(part for document in documents for part in document):
        assert len(np.unique(hashes[starts[number] : starts[number + 1]])) == len(shingles(part))


def test_the_same_text_in_another_part_is_other_shingles() -> None:
    hashes, starts = shingle_hashes(packed([("hello world", "hello world", "hello world")]))
    assert len(set(hashes.tolist())) == 3 * (starts[1] - starts[0]) == 21


def test_leading_zero_characters_count() -> None:
    hashes, _ = shingle_hashes(packed([("\0a", "", ""), ("a", "", ""), ("\0\0a", "", "")]))
    assert len(set(hashes.tolist())) == 3


@pytest.mark.parametrize("width", [0, 1, 2, 5])
def test_words_are_what_stands_between_spaces_and_each_chinese_character(width: int) -> None:
    rng = random.Random(6)
    documents = [(random_text(rng).lower(), "", random_text(rng).lower()) for _ in range(300)]
    hashes, starts = shingle_hashes(packed(documents), Shingling(words=True, width=width))
    for number, part in enumerate(part for document in documents for part in document):
        units = words(part)
        expected = {tuple(units[at : at + (width or 3)]) for at in range(max(len(units) - (width or 3) + 1, 1))}
        assert len(np.unique(hashes[starts[number] : starts[number + 1]])) == (len(expected) if units else 0), part


def test_a_width_of_ones_own() -> None:
    assert widths("hello world", "你好吗世界人民", "hi", by=Shingling(width=7)) == [7, 7, 2]


def test_what_the_option_names() -> None:
    assert parse_shingling("characters") == CHARACTERS
    assert parse_shingling("words:5") == Shingling(words=True, width=5)
    for wrong in ("word", "words:", "words:0", f"words:{WIDEST + 1}", "characters:x", ""):
        with pytest.raises(UsageError, match="--shingles"):
            parse_shingling(wrong)
