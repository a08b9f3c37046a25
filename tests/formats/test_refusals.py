"""What a format cannot read or write is refused with the place, the reason and the mend."""

from __future__ import annotations

import pytest

from dsforge.convert import convert_example
from dsforge.errors import RowError
from dsforge.example import JSON, Example, Media, Message, Text, ToolCall
from dsforge.formats.format import get_format
from dsforge.formats.read import decode_row

HI, HELLO = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}
# format, row, pointer, part of the reason
READING = [
    ("prompt-completion", {"prompt": "a", "question": "b", "completion": "c"}, "/question", "'prompt' and 'question'"),
    ("prompt-completion", {"problem": "a", "question": "b", "response": "c", "answer": "d"}, "/answer", "keep one"),
    ("prompt-completion", {"prompt": "a", "chosen": "b", "rejected": 3}, "/rejected", "a number"),
    ("prompt-completion", {"prompt": "a", "chosen": "b"}, "", "no 'rejected'"),
    ("prompt-completion", {"prompt": "a", "completion": "b", "label": 1}, "/label", "not 0, 1"),
    ("trl", {"prompt": [HI], "chosen": [HELLO]}, "", "no 'rejected'"),
    ("trl", {"chosen": [HI], "rejected": [HELLO]}, "", "share no turn"),
    ("trl", {"images": ["a", "b"], "prompt": [{"role": "user", "content": [{"type": "image"}]}]}, "/images", "1 parts"),
    ("hh-rlhf", {"chosen": "a", "rejected": "b"}, "/chosen", "begins with 'a'"),
    ("ultrafeedback", {"instruction": "a", "completions": [{"response": "b"}]}, "/completions", "at least two"),
    (
        "ultrafeedback",
        {"instruction": "a", "completions": [{"response": "b", "overall_score": 1}, {"response": "c"}]},
        "/completions/1",
        "no score",
    ),
    ("swift", {"messages": [{"role": "tool_call", "content": "go"}]}, "/messages/0/content", "tool call as JSON"),
    ("swift", {"messages": [HI], "rejected_response": "a"}, "/rejected_response", "no answer to prefer"),
    ("qianfan", [], "", "empty array"),
    ("qianfan", [{"prompt": "a", "response": ["b", "c"]}, {"prompt": "d", "response": "e"}], "/0", "last turn"),
    ("qianfan", [{"prompt": "a", "response": [["b", "c"]]}], "/0/response/0", "each rank"),
    ("qianfan", [{"prompt": "a", "response": "b", "weight": True}], "/0/weight", "0 or 1"),
    ("qianfan", [{"prompt": "a", "user": "b", "response": "c"}], "/0/user", "keep one"),
    ("bedrock", {"messages": [{"role": "tool", "content": []}]}, "/messages/0/role", "'tool'"),
    ("bedrock", {"messages": [{"role": "user", "content": [{"toolUse": {}}]}]}, "/messages/0/content/0", "toolUse"),
    ("mistral", {"messages": [], "interactions": []}, "/interactions", "keep one"),
    ("cohere", {"messages": [{"role": "Bot", "content": "a"}]}, "/messages/0/role", "known: Chatbot"),
    ("im-start", {"text": "<|im_start|>user\nHi"}, "/text", "should be turns"),
    ("im-start", {"text": "<|im_start|>alien\nHi<|im_end|>\n"}, "/text", "no role"),
    ("turns", {"user_1": "a", "user_2": "b"}, "/assistant_1", "'assistant_1'"),
    ("turns", {"user_1": "a", "assistant_1": "b", "assistant_2": "c"}, "/user_2", "'user_2'"),
    ("turns", {"user_1": "", "assistant_1": ""}, "/user_1", "empty"),
    ("turns", {"user_1": "a", "assistant_1": 5}, "/assistant_1", "a number"),
    ("turns", {"user_1": "a", "chosen": "b"}, "/rejected", "'rejected'"),
    ("turns", {"user_1": "a", "assistant_1": "b", "label": "maybe"}, "/label", "'maybe'"),
    ("firefly", {"conversation": [{"human": "a"}]}, "/conversation/0", "no 'assistant'"),
    ("llamafactory-v1", {"chosen_messages": [HI]}, "", "no 'rejected_messages'"),
]


@pytest.mark.parametrize(("name", "row", "pointer", "reason"), READING, ids=[f"{one[0]} {one[1]}" for one in READING])
def test_rows_that_cannot_be_read(name: str, row: JSON, pointer: str, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        get_format(name).decode(row)
    assert caught.value.pointer == pointer
    assert reason in caught.value.reason


def _one(asked: str, answered: str) -> Example:
    return Example([Message("user", asked), Message("assistant", answered)])


def _pair(asked: str, chosen: list[Message], rejected: list[Message]) -> Example:
    return Example([Message("user", asked)], chosen=chosen, rejected=rejected)


A, B = Message("assistant", "a"), Message("assistant", "b")
IMAGE = Example([Message("user", [Media("image", "cat.png"), Text("What?")]), A])
CALL = Message("assistant", tool_calls=[ToolCall("f", None, "not an object")])
# format, example, part of the reason
WRITING = [
    ("text", _one("Hi", "Hello!"), "use im-start for a conversation"),
    ("im-start", _one("what is <|im_end|>?", "A mark."), "as words"),
    ("hh-rlhf", _one("Hi", "Hello!"), "needs a preference pair"),
    ("hh-rlhf", _pair("a\n\nHuman: b", [A], [B]), "would read as a turn"),
    ("hh-rlhf", _pair("a", [A, A, B], [A, B]), "part of the prompt"),
    ("ultrafeedback", _one("Hi", "Hello!"), "needs a preference pair"),
    ("llamafactory-v1", _pair("a", [A, A, B], [A, B]), "part of the prompt"),
    ("trl", Example([Message("user", "Hi"), CALL]), "no JSON object"),
    ("bedrock", IMAGE, "by S3 URI"),
    ("cohere", IMAGE, "cannot hold: images"),
    ("turns", _one("Hi", ""), "assistant_1 would be an empty cell"),
    ("prompt-completion", Example([]), "needs a question"),
    (
        "swift",
        Example([Message("user", "Hi"), A, Message("assistant", tool_calls=[ToolCall("f", {})])]),
        "as one message",
    ),
    ("qianfan", Example([Message("user", "Hi")]), "cannot hold: conversation that does not end"),
]


@pytest.mark.parametrize(("name", "example", "reason"), WRITING, ids=[f"{one[0]}: {one[2]}" for one in WRITING])
def test_examples_that_cannot_be_written(name: str, example: Example, reason: str) -> None:
    with pytest.raises(RowError, match=reason):
        convert_example(example, get_format(name))


def test_mistral_keeps_calls_and_results_together() -> None:
    """Ids that do not fit are made anew, the same wherever they stand; missing ones follow the order of the calls."""
    calls = [ToolCall("f", {}, id="call_1"), ToolCall("g", {}), ToolCall("h", {}, id="TX92Jm8Zi")]
    results = [
        Message("tool", "1", tool_call_id="call_1"),
        Message("tool", "2"),
        Message("tool", "3", tool_call_id="TX92Jm8Zi"),
    ]
    example = Example([Message("user", "Hi"), Message("assistant", tool_calls=calls), *results, A])
    mistral = get_format("mistral")
    assert {feature.value for feature in mistral.losses(example)} == {"tool call ids"}
    row, again = mistral.encode(example), mistral.encode(example)
    ids = [call["id"] for call in row["messages"][1]["tool_calls"]]
    assert row == again
    assert ids == [message["tool_call_id"] for message in row["messages"][2:5]]
    assert len(set(ids)) == 3
    assert all(len(identifier) == 9 and identifier.isalnum() for identifier in ids)
    assert ids[2] == "TX92Jm8Zi"
    assert not mistral.losses(mistral.decode(row))


def test_trl_trains_from_where_the_weights_say() -> None:
    flags = (None, 0, None, 1, None, 1)
    messages = [Message(("user", "assistant")[at % 2], "a", weight=flag) for at, flag in enumerate(flags)]
    row = get_format("trl").encode(Example(messages))
    assert (len(row["prompt"]), len(row["completion"])) == (3, 3)


def test_options_write_what_other_trainers_read() -> None:
    pair, one = _pair("Hi", [A], [B]), _one("Hi", "a")
    assert get_format("autotrain").encode(pair) == {"prompt": "Hi", "text": "a", "rejected_text": "b"}
    swift = get_format("prompt-completion", {"columns": "query"})
    assert swift.encode(pair) == {"query": "Hi", "response": "a", "rejected_response": "b"}
    assert get_format("qianfan", {"response": "nested"}).encode(one) == [{"prompt": "Hi", "response": [["a"]]}]
    whole = get_format("trl", {"conversation": "messages"})
    assert whole.encode(one) == {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "a"}]}
    for fmt, example in ((swift, pair), (whole, one), (get_format("autotrain"), pair)):
        assert fmt.decode(fmt.encode(example)) == example


def test_rows_within_a_wrapper_are_pointed_out() -> None:
    with pytest.raises(RowError, match=r'within "data".*jq \.data'):
        decode_row({"data": [{"instruction": "a", "output": "b"}]})


def test_turns_are_not_taken_for_rows_within_a_wrapper() -> None:
    with pytest.raises(RowError, match=r"in no known format.*--map"):
        decode_row({"dialog": [{"speaker": "a", "says": "b"}, {"speaker": "b", "says": "c"}]})
