from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dsforge.errors import UsageError
from dsforge.example import ROLES, Example, Media, Message, Text, ToolCall
from dsforge.similarity.compared import Compared, On, compared, keys, prompt_key, said
from dsforge.similarity.key import STEPS, cleaner


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

    assert pair("a", "b").parts == (b"q", b"a", b"b")
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


def preference(chosen: str, rejected: str, system: str = "", prompt: str = "q") -> Example:
    asked = [Message("system", system)] if system else []
    return Example(
        [*asked, Message("user", prompt)],
        chosen=[Message("assistant", chosen)],
        rejected=[Message("assistant", rejected)],
    )


def test_on_pair_the_prompt_and_both_answers_count_and_the_system_prompt_does_not() -> None:
    assert same(preference("a", "b"), preference("a", "b", "be brief"), "pair")
    assert not same(preference("a", "b"), preference("a", "b", "be brief"))
    for other in (preference("b", "a"), preference("a", "c"), preference("c", "b"), preference("a", "b", prompt="p")):
        assert not same(preference("a", "b"), other, "pair")


def test_on_named_parts_these_alone_count() -> None:
    one, other = preference("a", "b", "s"), preference("a", "c", "t")
    assert same(one, other, "chosen")
    assert same(one, other, "prompt, chosen")
    assert not same(one, other, "rejected")
    assert not same(one, other, "prompt,chosen,system")
    assert not same(one, other, "completion")
    assert same(ask("q", "a", tools=[{"name": "f"}]), ask("q", "b"), "prompt")
    assert not same(ask("q", "a", tools=[{"name": "f"}]), ask("q", "b"), "prompt,tools")


@pytest.mark.parametrize("on", ["pair", "chosen", "prompt,chosen", "rejected"])
def test_an_example_that_lacks_a_named_part_is_compared_as_a_conversation(on: On) -> None:
    assert not same(ask("q", "a"), ask("q", "b"), on)
    assert compared(ask("q", "a"), on) == compared(ask("q", "a"))
    assert not same(ask("q", "a"), preference("a", "a"), on)


@pytest.mark.parametrize(
    ("on", "message"),
    [("prompts", "did you mean 'prompt'"), ("prompt,pair", "stands alone"), ("system", "nothing that can be alike"),
     ("prompt,", "known:")],
)  # fmt: skip
def test_parts_that_cannot_be_compared(on: On, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compared(ask("q", "a"), on)


def test_punctuation_counts_unless_it_is_cleaned_away() -> None:
    clean = cleaner(STEPS)
    first, second = ask("What is AI?", "A field."), ask("what is ai", "a field")
    assert not same(first, second)
    assert compared(first, "conversation", clean).key == compared(second, "conversation", clean).key


def test_what_is_said_does_not_depend_on_the_label() -> None:
    assert said(ask("q", "a", label=True)) == said(ask("Q", "a", label=False))
    assert said(preference("a", "b"))[1:] == said(preference("b", "a"))[:0:-1]
    assert len({said(example).asked for example in (ask("q", "a"), ask("p", "a"), preference("a", "b", "s"))}) == 3
