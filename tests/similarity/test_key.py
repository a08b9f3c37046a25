from collections.abc import Collection
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.errors import UsageError
from dsforge.similarity.key import (
    DEFAULT_STEPS,
    KEY_BYTES,
    STEPS,
    all_normalised,
    cleaner,
    exact_key,
    normalise,
    normalised_bytes,
)


def test_width_case_and_white_space_do_not_count() -> None:
    assert normalise("  Ｈｅｌｌｏ\u3000\tWorld\r\n") == "hello world"
    assert normalise("STRASSE") == normalise("Straße")


def test_punctuation_digits_and_accents_count() -> None:
    assert len({normalise(text) for text in ("f(x)", "f[x]", "fx", "f(1)", "résumé", "resume")}) == 6


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(st.sampled_from("，：！？；（）ＡｶﾞÅ\u0338\u0301e請ﬁ") | st.characters()))
def test_the_fast_way_to_nfkc_is_nfkc(text: str) -> None:
    folded = normalize("NFKC", normalize("NFKC", text).casefold())
    assert normalise(text) == " ".join(folded.split())


@given(st.text(st.characters(codec="ascii")))
def test_the_short_way_for_ascii_is_the_long_way(text: str) -> None:
    assert normalise(text) == normalise(text + "é").removesuffix("é").rstrip(" ")


def test_a_key_has_128_bits_and_takes_lone_surrogates() -> None:
    assert len(exact_key("x")) == KEY_BYTES == 16
    assert exact_key("\ud800") != exact_key("\ud801")


@given(st.text(st.sampled_from(" \t\n\x1c\x85\xa0\u1680\u2028\u3000\u2003ＡabéB，請\ud800") | st.characters()))
def test_the_bytes_are_those_of_the_text(text: str) -> None:
    assert normalised_bytes(text) == normalise(text).encode("utf-8", "surrogatepass")


def cleaned(text: str, steps: Collection[str]) -> str:
    return cleaner(steps)(text).decode("utf-8", "surrogatepass")


def test_each_step_leaves_one_thing_out_of_count() -> None:
    text = " Ｈi,  THERE! (f<g+1) "
    assert cleaned(text, ["nfkc"]) == " Hi,  THERE! (f<g+1) "
    assert cleaned(text, ["case"]) == " ｈi,  there! (f<g+1) "
    assert cleaned(text, ["space"]) == "Ｈi, THERE! (f<g+1)"
    assert cleaned(text, ["punctuation"]) == " Ｈi  THERE f<g+1 "
    assert cleaned("well , done。", ["space", "punctuation"]) == "well done"
    assert cleaned(text, []) == text


def test_the_default_steps_are_those_of_normalise() -> None:
    assert cleaner(DEFAULT_STEPS) is normalised_bytes


@given(st.text(), st.sets(st.sampled_from(STEPS)))
def test_cleaning_twice_changes_nothing(text: str, steps: set[str]) -> None:
    assert cleaned(cleaned(text, steps), steps) == cleaned(text, steps)


@given(st.text())
def test_all_steps_go_beyond_the_default(text: str) -> None:
    assert cleaner(STEPS)(normalise(text)) == cleaner(STEPS)(text)


def test_a_step_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match="did you mean 'punctuation'"):
        cleaner(["punctuations"])


@given(st.lists(st.text(max_size=12) | st.text("aB \0é中！ﬁΐ\u0300\u2028\ud800Ⅷ  ", max_size=12), max_size=8))
def test_many_at_once_are_as_each_by_itself(texts: list[str]) -> None:
    assert all_normalised(texts) == [normalised_bytes(text) for text in texts]


def test_nothing_joins_what_stands_in_two_texts() -> None:
    """A mark that stands at the beginning of one is not composed with the letter that ends the one before."""
    texts = ["e", "\u0301x", "ｅ", "\u0301", "\u1100", "\u1161", "ok"]
    assert all_normalised(texts) == [normalised_bytes(text) for text in texts]
