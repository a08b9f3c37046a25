"""A layout of one's own reads and writes rows, keeps what it does not name, and says what is wrong in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from dsforge.errors import RowError, UsageError
from dsforge.feature import Feature
from dsforge.formats.layout import layout_format, parse_layout

QA = ["prompt=question", "completion=answer.text"]


def _says(fmt: Any, row: dict[str, Any]) -> list[list[str]]:
    return [[message.role, message.text] for message in fmt.decode(row).all_messages()]


def test_nested_fields_are_read_and_the_rest_stays() -> None:
    fmt = layout_format(parse_layout(QA))
    row = {"question": "Why?", "answer": {"text": "So.", "score": 3}, "id": "7", "lang": "en"}
    example = fmt.decode(row)
    assert [[message.role, message.text] for message in example.messages] == [["user", "Why?"], ["assistant", "So."]]
    assert example.meta == {"id": "7"}
    assert example.extra == {"answer": {"score": 3}, "lang": "en"}
    assert row["answer"] == {"text": "So.", "score": 3}
    assert fmt.places(row, example) == ["/question", "/answer/text"]


def test_what_it_reads_it_writes() -> None:
    fmt = layout_format(parse_layout([*QA, "system=context", "category=topic", "reasoning=why", "history=past"]))
    row = {"question": "Why?", "answer": {"text": "So."}, "context": "Be kind.", "topic": "x", "why": "hm",
           "past": [["a", "b"]]}  # fmt: skip
    example = fmt.decode(row)
    assert not fmt.losses(example)
    assert fmt.encode(example) == row
    assert example.messages[-1].reasoning == "hm"


def test_pairs_labels_and_elements_of_arrays() -> None:
    pair = layout_format(parse_layout(["prompt=q", "chosen=answers.0", "rejected=answers.1"]))
    row = {"q": "Why?", "answers": ["good", "bad"]}
    assert _says(pair, row) == [["user", "Why?"], ["assistant", "good"], ["assistant", "bad"]]
    assert pair.decode(row).extra == {}
    assert pair.decode({"q": "a", "answers": ["b", "c", "d"]}).extra == {"answers": ["b", "c", "d"]}
    kto = layout_format(parse_layout(["prompt=q", "completion=a", "label=good"]))
    assert kto.decode({"q": "a", "a": "b", "good": "false"}).label is False


def test_a_whole_conversation_of_either_kind() -> None:
    fmt = layout_format(parse_layout(["messages=data.turns"]))
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    shared = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
    assert _says(fmt, {"data": {"turns": chat}}) == _says(fmt, {"data": {"turns": shared}})
    assert fmt.encode(fmt.decode({"data": {"turns": chat}})) == {"data": {"turns": chat}}
    assert Feature.TOOLS not in fmt.holds


def test_a_key_with_dots_is_taken_as_it_stands() -> None:
    assert _says(layout_format(parse_layout(["prompt=a.b", "completion=c"])), {"a.b": "x", "c": "y"})[0] == [
        "user",
        "x",
    ]


@pytest.mark.parametrize(
    ("row", "pointer", "said"),
    [
        ({"qestion": "a", "answer": {"text": "b"}}, "", "did you mean 'qestion'"),
        ({"question": "a", "answer": {}}, "", "the row has no 'answer.text', which --map completion names"),
        ({"question": "a", "answer": {"text": 5}}, "/answer/text", "a number"),
        ({"question": None, "answer": {"text": "b"}}, "/question", "null"),
    ],
)
def test_rows_that_do_not_fit_are_refused_in_their_own_words(row: dict[str, Any], pointer: str, said: str) -> None:
    with pytest.raises(RowError) as caught:
        layout_format(parse_layout(QA)).decode(row)
    assert caught.value.pointer == pointer
    assert said in caught.value.reason


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["question"], "FIELD=PATH"),
        (["promt=question", "completion=a"], "did you mean 'prompt'"),
        (["prompt=a", "prompt=b"], "twice"),
        (["prompt=a"], "needs an answer"),
        (["prompt=a", "chosen=b"], "go together"),
        (["messages=a", "completion=b"], "whole conversation"),
        (["system=a"], "at least"),
    ],
)
def test_layouts_that_make_no_sense_are_refused(pairs: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_layout(pairs)
