from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dsforge.example import ROLES, Example, Media, Message, Text, ToolCall
from dsforge.similarity.compared import Compared, On, compared, keys, prompt_key


def ask(question: str, answer: str, **more: object) -> Example:
    return Example([Message("user", question), Message("assistant", answer)], **more)  # type: ignore[arg-type]


def same(left: Example, right: Example, on: On = "conversation") -> bool:
    return compared(left, on).key == compared(right, on).key


def test_case_width_and_white_space_do_not_count() -> None:
    assert same(ask("What is  AI?", "A field."), ask("what is ＡＩ?\n", "a FIELD."))


@pytest.mark.parametrize(
    "other",
    [
        ask("q", "b"),
        ask("p", "a"),
        ask("qa", ""),
        ask("q", "a", label=True),
        ask("q", "a", tools=[{"name": "search"}]),
        Example([Message("system", "be brief"), Message("user", "q"), Message("assistant", "a")]),
        Example([Message("user", [Text("q"), Media("image", "1.jpg")]), Message("assistant", "a")]),
        Example([Message("user", "q"), Message("assistant", "a", reasoning="think")]),
        Example([Message("user", "q"), Message("assistant", "a", tool_calls=[ToolCall("f", {})])]),
        Example([Message("assistant", "a"), Message("user", "q")]),
        Example([Message("user", "q")], chosen=[Message("assistant", "a")], rejected=[Message("assistant", "")]),
    ],
)
def test_what_makes_another_row(other: Example) -> None:
    assert not same(ask("q", "a"), other)


def test_two_images_are_two_questions() -> None:
    first, second = (
        Example([Message("user", [Text("what is this?"), Media("image", name)]), Message("assistant", "a cat")])
        for name in ("1.jpg", "2.jpg")
    )
    assert not same(first, second, "prompt")
    assert compared(first).guard != compared(second).guard


def test_on_prompt_ignores_answer_and_system_prompt() -> None:
    with_system = Example([Message("system", "s"), Message("user", "q"), Message("assistant", "other")])
    assert same(ask("q", "a"), with_system, "prompt")
    assert not same(ask("q", "a"), ask("p", "a"), "prompt")


def test_on_prompt_rows_without_a_prompt_are_not_copies_of_one() -> None:
    first, second = (Example([Message("assistant", text)]) for text in ("one", "two"))
    assert not same(first, second, "prompt")
    assert same(first, first, "prompt")


def test_on_completion_ignores_the_question() -> None:
    assert same(ask("q", "a"), ask("p", "a"), "completion")
    assert not same(ask("q", "a"), ask("q", "b"), "completion")


def test_a_pair_is_its_prompt_and_both_answers() -> None:
    def pair(chosen: str, rejected: str) -> Compared:
        return compared(
            Example(
                [Message("user", "q")],
                chosen=[Message("assistant", chosen)],
                rejected=[Message("assistant", rejected)],
            )
        )

    assert pair("a", "b").parts == ("q", "a", "b")
    assert pair("a", "b").key == pair("A", "b ").key != pair("b", "a").key


def test_the_order_of_the_keys_of_arguments_does_not_count() -> None:
    first, second = (
        Example([Message("user", "q"), Message("assistant", None, tool_calls=[ToolCall("f", arguments)])])
        for arguments in ({"a": 1, "b": 2**70}, {"a": 1, "b": 2**70})
    )
    assert same(first, second)
    left = Example([Message("assistant", None, tool_calls=[ToolCall("f", {"a": 1, "b": 2})])])
    right = Example([Message("assistant", None, tool_calls=[ToolCall("f", {"b": 2, "a": 1})])])
    assert same(left, right)


messages = st.builds(
    Message,
    st.sampled_from(ROLES),
    st.sampled_from(["", "a", "A ", "b\n", "ａ"]) | st.just([Text("a"), Media("image", "1.jpg")]) | st.none(),
    reasoning=st.none() | st.just("so"),
    tool_calls=st.just([]) | st.just([ToolCall("f", {"a": 1})]),
)
conversations = st.lists(messages, max_size=2)
examples = st.builds(
    Example, conversations, label=st.none() | st.booleans(), tools=st.just([]) | st.just([{"name": "f"}])
) | st.builds(Example, conversations, chosen=conversations, rejected=conversations)


@settings(max_examples=600)
@given(examples, examples)
def test_the_keys_alone_are_equal_where_those_of_what_is_compared_are(one: Example, other: Example) -> None:
    one_document, other_document = compared(one), compared(other)
    same_prompt = prompt_key(one_document) == prompt_key(other_document)
    same = one_document.key == other_document.key
    assert [left == right for left, right in zip(keys(one), keys(other), strict=True)] == [same_prompt, same]


@given(examples)
def test_a_copy_has_the_same_keys_and_one_more_turn_has_not(example: Example) -> None:
    longer = replace(example, messages=[*example.messages, Message("user", "more")])
    assert keys(example) == keys(deepcopy(example))
    assert keys(example)[1] != keys(longer)[1]
