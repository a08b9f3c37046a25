"""Preference pairs as OpenAI writes them: `input`, `preferred_output` and `non_preferred_output`.

Azure, Zhipu, Together and Fireworks read the same rows.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from dsforge.example import Example
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.chatml import TOOLS_OPTION, encode_conversation
from dsforge.formats.expect import as_object, need, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.messages import (
    MESSAGE_KEYS,
    OPTIONS,
    Style,
    decode_messages,
    encode_message,
    split_reasoning,
)
from dsforge.formats.pairs import answer_places, decode_answer, pair_of
from dsforge.formats.tools import decode_tools

_OUTPUTS = ("preferred_output", "non_preferred_output")
_PARALLEL = "parallel_tool_calls"
_INPUT_KEYS = frozenset({"messages", "tools"})
_KEYS = frozenset({"input", *_OUTPUTS})


def _detect(row: RowValue) -> int:
    return 95 if "preferred_output" in row or "non_preferred_output" in row else 0


def _beyond(example: Example) -> set[Feature]:
    """An unknown field `input` that is no more than what stood beside the messages of one is told as lost."""
    beside = example.extra.get("input", {})
    fits = isinstance(beside, dict) and beside and _INPUT_KEYS.isdisjoint(beside) and _PARALLEL not in beside
    return set() if fits or "input" not in example.extra else {Feature.EXTRA}


def _decode(row: RowValue, reasoning: str = "") -> Example:
    prompt = as_object(need(row, "input"), "/input")
    messages = decode_messages(need(prompt, "messages", "/input"), "/input/messages")
    chosen, rejected = (decode_answer(need(row, key), f"/{key}") for key in _OUTPUTS)
    meta, extra = split_known(row, _KEYS)
    beside = {key: value for key, value in prompt.items() if key not in _INPUT_KEYS}
    if _PARALLEL in beside and _PARALLEL not in extra:  # in other formats it stands beside the messages
        extra = {**extra, _PARALLEL: beside.pop(_PARALLEL)}
    if beside:  # goes back beside the messages it belongs to
        extra = {**extra, "input": beside}
    tools = decode_tools(prompt.get("tools"), "/input/tools")
    example = Example(messages, tools, chosen, rejected, None, meta, extra)
    split_reasoning(example.all_messages(), reasoning)
    return example


def _encode(
    example: Example,
    loss_flag: str = "weight",
    reasoning: str = "reasoning_content",
    arguments: str = "text",
    tools: str = "list",
) -> RowValue:
    style = Style(loss_flag, reasoning, arguments)
    chosen, rejected = pair_of(example, "dpo")
    prompt = encode_conversation(example.messages, example.tools, style, tools)
    extra = dict(example.extra)
    beside = extra.pop("input", None)
    if isinstance(beside, dict):
        prompt |= {key: value for key, value in beside.items() if key not in _INPUT_KEYS}
    if _PARALLEL in extra and _PARALLEL not in prompt:
        prompt[_PARALLEL] = extra.pop(_PARALLEL)
    row: RowValue = {
        "input": prompt,
        "preferred_output": [encode_message(message, style) for message in chosen],
        "non_preferred_output": [encode_message(message, style) for message in rejected],
    }
    return with_rest(row, example.meta, extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    prompt = [f"/input/messages/{index}/content" for index in range(len(example.messages))]
    return prompt + [place for key in _OUTPUTS for place in answer_places(row[key], f"/{key}")]


class Prompt(Struct):
    """What is answered."""

    messages: Annotated[list[shapes.Message], Meta(description="The prompt.")]
    tools: shapes.Tools = None


class Preference(shapes.Metadata, kw_only=True):
    """A prompt with a better and a worse answer."""

    input: Prompt
    preferred_output: shapes.Chosen
    non_preferred_output: shapes.Rejected


FORMAT = Format(
    name="dpo",
    aliases=("preference",),
    summary="preference pairs (OpenAI, Azure, Zhipu, Together, Fireworks)",
    example='{"input": {"messages": [{"role": "user", "content": "Hi"}]}, '
    '"preferred_output": [{"role": "assistant", "content": "Hello!"}], '
    '"non_preferred_output": [{"role": "assistant", "content": "What?"}]}',
    holds=frozenset(Feature) - {Feature.INPUT_SPLIT, Feature.LABEL, Feature.RANKING},
    keys=_KEYS - {"input"},
    beyond=_beyond,
    message_keys=MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    options=(*OPTIONS, TOOLS_OPTION),
    row=Preference,
)
