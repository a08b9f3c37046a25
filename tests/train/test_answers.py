"""How near an answer is to its reference, in English and in Chinese."""

from __future__ import annotations

import pytest

from dsforge.train.answers import Choices, exact, rouge_l, words


def test_words_are_those_of_any_script() -> None:
    assert words("Hello, 你好 World_3 — naïve ｶﾅ") == ["hello", "你", "好", "world", "3", "naïve", "ｶﾅ"]


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("the cat sat on the mat", "the cat was on the mat", 5 / 6),  # as rouge-score 0.1.2 gives it
        ("a quick brown fox", "the lazy dog", 0.0),
        ("今天天气很好", "今天天气不错", 2 / 3),
        ("<think>hm</think>\n\nYes.", "yes", 1.0),
        ("", "yes", 0.0),
    ],
)
def test_rouge_l(answer: str, reference: str, value: float) -> None:
    assert rouge_l(answer, reference) == pytest.approx(value)


def test_exact_match_looks_past_white_space_case_width_and_thinking_alone() -> None:
    assert exact(" Yes,  it is\n", "yes, it is")
    assert exact("<think>a\nb</think>Ｙes", "Yes")
    assert not exact("Yes it is", "Yes, it is")
    assert not exact("<think>Yes", "Yes")  # it never came to an answer


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("B", "B"), ("(b)", "B"), ("C. Because", "C"), ("The answer is D", "D"), ("答案是A。", "A"), ("**B**", "B"),
        ("Because it is so", None), ("A man went", None), ("I think C", None), ("", None),
    ],
)  # fmt: skip
def test_letters(answer: str, chosen: str | None) -> None:
    assert Choices(["A", "(B)", "C.", "D"]).chosen(answer) == chosen


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("Positive.", "positive"), ("neutral, I think", "neutral"), ("negatively", None), ("It is positive", None),
        ("very negative", "very negative"), ("", None),
    ],
)  # fmt: skip
def test_labels(answer: str, chosen: str | None) -> None:
    choices = Choices(["positive", "negative", "neutral", "very negative"] * 2)
    assert choices
    assert choices.chosen(answer) == chosen


def test_chinese_labels_need_no_space_behind_them() -> None:
    choices = Choices(["正面", "负面"] * 2)
    assert [choices.chosen(text) for text in ("正面。", "负面的", "中性")] == ["正面", "负面", None]


@pytest.mark.parametrize(
    "references",
    [[], ["Yes."] * 9, ["one", "two", "three"], ["A", "A long answer"], ["x" * 50, "y" * 50] * 4],
)
def test_what_is_no_choice(references: list[str]) -> None:
    assert not Choices(references)
