"""Preference pairs: one prompt, the answer to prefer and the answer to avoid.

Reads OpenAI's and Zhipu's `input`/`preferred_output`/`non_preferred_output`, Bailian's messages with
`chosen` and `rejected`, and TRL's with an explicit prompt (text or messages) or an implicit one (the
turns both answers begin with). Writes OpenAI's form.
"""

from __future__ import annotations

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats.chatml import encode_conversation
from dsforge.formats.expect import MISSING_FIELD, as_object, need, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.marks import MEDIA_COLUMNS, place_media
from dsforge.formats.messages import MESSAGE_KEYS, decode_messages, encode_message
from dsforge.formats.pairs import answer_places, decode_answer
from dsforge.formats.tools import decode_tools

_OUTPUTS = ("preferred_output", "non_preferred_output")
_INPUT_KEYS = frozenset({"messages", "tools"})
_KEYS = frozenset({"input", *_OUTPUTS, "messages", "prompt", "chosen", "rejected", "tools"}) | MEDIA_COLUMNS


def _detect(row: RowValue) -> int:
    if "preferred_output" in row or "non_preferred_output" in row:
        return 95
    if "chosen" not in row or "rejected" not in row:
        return 0
    return 90 if "messages" in row or "prompt" in row else 40


def _decode(row: RowValue) -> Example:
    if any(key in row for key in _OUTPUTS):
        return _decode_openai(row)
    chosen = decode_answer(need(row, "chosen"), "/chosen")
    rejected = decode_answer(need(row, "rejected"), "/rejected")
    if "messages" in row:
        prompt = decode_messages(row["messages"], "/messages")
    elif "prompt" in row:
        prompt = _decode_prompt(row["prompt"])
    else:
        prompt, chosen, rejected = _implicit_prompt(chosen, rejected)
    place_media([*prompt, *chosen, *rejected], row)
    meta, extra = split_known(row, _KEYS, unread=["input", *(["prompt"] if "messages" in row else [])])
    return Example(prompt, decode_tools(row.get("tools")), chosen, rejected, None, meta, extra)


def _decode_openai(row: RowValue) -> Example:
    prompt = as_object(need(row, "input"), "/input")
    messages = decode_messages(need(prompt, "messages", "/input"), "/input/messages")
    chosen, rejected = (decode_answer(need(row, key), f"/{key}") for key in _OUTPUTS)
    meta, extra = split_known(row, _KEYS, unread=_KEYS - {"input", *_OUTPUTS})
    beside = {key: value for key, value in prompt.items() if key not in _INPUT_KEYS}
    if beside:  # parallel_tool_calls, for one: goes back beside the messages it belongs to
        extra = {**extra, "input": beside}
    return Example(messages, decode_tools(prompt.get("tools"), "/input/tools"), chosen, rejected, None, meta, extra)


def _decode_prompt(value: JSON) -> list[Message]:
    return [Message("user", value)] if isinstance(value, str) else decode_messages(value, "/prompt")


def _implicit_prompt(
    chosen: list[Message], rejected: list[Message]
) -> tuple[list[Message], list[Message], list[Message]]:
    shared = 0
    for one, other in zip(chosen[:-1], rejected[:-1], strict=False):
        if one != other:
            break
        shared += 1
    if not shared:
        raise RowError("the row has no prompt: neither 'prompt' nor 'messages', and the answers share no turn",
                       "", MISSING_FIELD)  # fmt: skip
    return chosen[:shared], chosen[shared:], rejected[shared:]


def _encode(example: Example) -> RowValue:
    if example.chosen is None or example.rejected is None:
        what = "has a KTO label and one answer" if example.label is not None else "has one answer"
        raise RowError(f"dpo needs a preference pair (chosen and rejected), but the row {what}", code="S901")
    prompt = encode_conversation(example.messages, example.tools)
    extra = dict(example.extra)
    beside = extra.pop("input", None)
    if isinstance(beside, dict):
        prompt = {**prompt, **beside}
    row: RowValue = {
        "input": prompt,
        "preferred_output": [encode_message(message) for message in example.chosen],
        "non_preferred_output": [encode_message(message) for message in example.rejected],
    }
    return with_rest(row, example.meta, extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    if any(key in row for key in _OUTPUTS):
        prompt = [f"/input/messages/{index}/content" for index in range(len(example.messages))]
        return prompt + [place for key in _OUTPUTS for place in answer_places(row[key], f"/{key}")]
    chosen, rejected = (answer_places(row[key], f"/{key}") for key in ("chosen", "rejected"))
    if "messages" in row:
        return [f"/messages/{index}/content" for index in range(len(example.messages))] + chosen + rejected
    if "prompt" in row:
        return answer_places(row["prompt"], "/prompt") + chosen + rejected
    return chosen + rejected[len(example.messages) :]


FORMAT = Format(
    name="dpo",
    aliases=("preference",),
    summary="preference pairs (OpenAI, Azure, Zhipu, Together, Fireworks; reads Bailian's and TRL's)",
    example='{"input": {"messages": [{"role": "user", "content": "Hi"}]}, '
    '"preferred_output": [{"role": "assistant", "content": "Hello!"}], '
    '"non_preferred_output": [{"role": "assistant", "content": "What?"}]}',
    holds=frozenset(Feature) - {Feature.INPUT_SPLIT, Feature.LABEL},
    keys=_KEYS - {"input"},
    message_keys=MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
)
