"""LLaMA-Factory v1: messages whose content is a list of `{type, value}`, reasoning and tool calls among them.

A call is JSON text of its name and arguments, `tools` is JSON text, `loss_weight` says what is trained. Pairs are two
whole conversations, `chosen_messages` and `rejected_messages`; the prompt is what they begin with.
"""

from __future__ import annotations

import json
from typing import Annotated

from msgspec import Meta

from dsforge.example import JSON, Example, Message, Text
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.expect import need, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.messages import MESSAGE_KEYS, decode_messages
from dsforge.formats.pairs import shared_prompt, whole_conversations
from dsforge.formats.plain_rows import NAMES, plain_messages
from dsforge.formats.signs import parts_in
from dsforge.formats.tools import bare_call, decode_tools

_PAIR = ("chosen_messages", "rejected_messages")
_KEYS = frozenset({"messages", "tools", *_PAIR})
_HOLDS = frozenset(
    {
        Feature.SYSTEM,
        Feature.EMPTY_SYSTEM,
        Feature.LATER_SYSTEM,
        Feature.MULTI_TURN,
        Feature.OPEN_END,
        Feature.IRREGULAR_TURNS,
        Feature.TOOLS,
        Feature.TOOL_CALLS,
        Feature.PARALLEL_RESULTS,
        Feature.TEXT_BESIDE_TOOL_CALLS,
        Feature.REASONING,
        Feature.THINK_MARKS,
        Feature.IMAGES,
        Feature.AUDIO,
        Feature.VIDEO,
        Feature.WEIGHTS,
        Feature.FRACTIONAL_WEIGHTS,
        Feature.MESSAGE_EXTRA,
        Feature.PREFERENCE,
        Feature.LONG_CONTINUATION,
        Feature.METADATA,
        Feature.EXTRA,
    }
)


def _detect(row: RowValue) -> int:
    if "chosen_messages" in row or ("rejected_messages" in row and "messages" not in row):  # ms-swift has both
        return 95
    return 70 if any("type" in part and "value" in part for part in parts_in(row)) else 0


def _decode(row: RowValue) -> Example:
    if any(row.get(key) is not None for key in _PAIR):
        prompt, chosen, rejected = shared_prompt(*(decode_messages(need(row, key), f"/{key}") for key in _PAIR))
        example = Example(prompt, chosen=chosen, rejected=rejected)
        unread = ["messages"] if "messages" in row else []
    else:
        example = Example(decode_messages(need(row, "messages"), "/messages"))
        unread = [key for key in _PAIR if key in row]
    example.tools = decode_tools(row.get("tools"))
    example.meta, example.extra = split_known(row, _KEYS, unread)
    return example


def _part(kind: str, value: str) -> dict[str, JSON]:
    return {"type": kind, "value": value}


def _encode_message(message: Message) -> dict[str, JSON]:
    parts = [] if message.reasoning is None else [_part("reasoning", message.reasoning)]
    if isinstance(message.content, str):
        parts.append(_part("text", message.content))
    else:
        for part in message.content or []:
            parts.append(_part("text", part.text) if isinstance(part, Text) else _part(f"{part.kind}_url", part.url))
    for call in message.tool_calls:
        parts.append(_part("tool_call", json.dumps(bare_call(call), ensure_ascii=False)))
    row: dict[str, JSON] = {"role": message.role, "content": parts}
    if message.weight is not None:
        row["loss_weight"] = message.weight
    return {**row, **message.extra}


def _encode(example: Example) -> RowValue:
    example = only_held(example, _HOLDS, _KEYS, MESSAGE_KEYS)
    row: RowValue = {}
    if example.chosen is not None and example.rejected is not None:
        pair = whole_conversations(example.messages, example.chosen, example.rejected, "llamafactory-v1")
        for key, messages in zip(_PAIR, pair, strict=True):
            row[key] = [_encode_message(message) for message in messages]
    else:
        row["messages"] = [_encode_message(message) for message in example.messages]
    if example.tools:
        row["tools"] = json.dumps(example.tools, ensure_ascii=False)
    return with_rest(row, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    if not example.is_preference:
        return [f"/messages/{index}/content" for index in range(len(example.messages))]
    shared = len(example.messages)
    chosen = [f"/chosen_messages/{index}/content" for index in range(len(row["chosen_messages"]))]
    return chosen + [f"/rejected_messages/{index}/content" for index in range(shared, len(row["rejected_messages"]))]


class Conversation(shapes.Metadata, kw_only=True):
    """A conversation."""

    messages: Annotated[list[shapes.Message], Meta(description="The conversation.")]
    tools: shapes.Tools = None
    chosen_messages: None = None
    rejected_messages: None = None


class Preference(shapes.Metadata, kw_only=True):
    """Two conversations that begin with the same prompt."""

    chosen_messages: Annotated[shapes.WholeConversation, Meta(description="The prompt and the better answer.")]
    rejected_messages: Annotated[shapes.WholeConversation, Meta(description="The prompt and the worse answer.")]
    tools: shapes.Tools = None


FORMAT = Format(
    name="llamafactory-v1",
    summary="messages with content of type and value (LLaMA-Factory v1)",
    example='{"messages": [{"role": "user", "content": [{"type": "text", "value": "Hi"}]}, '
    '{"role": "assistant", "content": [{"type": "text", "value": "Hello!"}]}]}',
    holds=_HOLDS,
    keys=_KEYS,
    message_keys=MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    row=Conversation | Preference,
    plain=plain_messages({**NAMES, "tool": "tool"}, lambda text: [_part("text", text)]),
)
