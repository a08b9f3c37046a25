"""What differs between two texts."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.dedup.difference import MOST_WORDS, compare, differing_words, words
from tests.dedup.rows import LONG


def marked(left: str, right: str) -> str:
    """As a user sees it: `[-only left-]`, `[+only right+]`."""
    said = ""
    for kind, ours, theirs in compare(left, right, around=1000):
        changed = (f"[-{ours}-]" if ours else "") + (f"[+{theirs}+]" if theirs else "")
        said += changed if kind == "changed" else ours
    return said


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("the red house", "the blue house", "the [-red-][+blue+] house"),
        ("the house", "the old house", "the [+old +]house"),
        ("same", "same", "same"),
        ("Same  text", "same text", "Same  text"),
        ("", "new", "[+new+]"),
        ("你好世界", "你好中国", "你好[-世界-][+中国+]"),
        ("word1", "word10", "[-word1-][+word10+]"),
        ("a", "b", "[-a-][+b+]"),
        ("a b c d", "a x c y", "a [-b -][+x +]c [-d-][+y+]"),
    ],
)
def test_the_differences_are_marked(left: str, right: str, expected: str) -> None:
    assert marked(left, right) == expected


def test_what_is_the_same_is_cut_around_the_differences() -> None:
    left = f"{LONG} red {LONG} one {LONG}"
    found = compare(left, left.replace("red", "blue").replace("one", "two"), around=20)
    assert [stretch.kind for stretch in found] == [
        "cut", "same", "changed", "same", "cut", "same", "changed", "same", "cut",
    ]  # fmt: skip
    assert all(len(stretch.left) <= 20 for stretch in found if stretch.kind == "same")


def test_texts_that_differ_in_very_many_places_are_cut() -> None:
    found = compare(" ".join(f"a {n}" for n in range(1000)), " ".join(f"b {n}" for n in range(1000)))
    assert len(found) < 60
    assert found[-1].kind == "cut"


def test_long_texts_take_no_long_time() -> None:
    left = "".join(f"word{number} " for number in range(500_000))
    started = time.perf_counter()
    found = compare(left, left.replace("word250000 ", "other "))
    assert [stretch.right for stretch in found if stretch.kind == "changed"] == ["other"]
    compare(left, left[::-1])
    assert time.perf_counter() - started < 15


texts = st.lists(st.sampled_from(["a", "b", "c", "你", "好", "\n", "  "]), max_size=12).map(" ".join)


@given(texts, texts)
def test_each_side_says_what_its_text_says(left: str, right: str) -> None:
    found = compare(left, right, around=1000)
    assert "".join(stretch.left for stretch in found) == left
    assert "".join(stretch.right for stretch in found) == right


def test_the_words_that_differ() -> None:
    assert words("Is it 你好, yes?") == ["Is", "it", "你", "好", ",", "yes?"]
    assert differing_words("a red house", "a blue house house") == (["red"], ["blue", "house"])
    assert differing_words("b a", "a b") == ([], [])
    many = " ".join(map(str, range(MOST_WORDS + 10)))
    assert len(differing_words(many, "")[0]) == MOST_WORDS + 1
