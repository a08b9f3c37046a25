"""ChatML: a list of messages with roles, as OpenAI, Zhipu, Bailian and most trainers read it.

Preference pairs stand as `chosen` and `rejected` beside the messages they answer (Bailian, axolotl), a KTO
label as `label`. Reads OpenAI's (also the functions of 2023), Bailian's and LLaMA-Factory v1's parts, `<image>`
marks with an `images` column, a `system` text beside the messages and messages written as JSON text; writes
OpenAI's form.
"""

from __future__ import annotations

import json
from typing import Annotated

from msgspec import Meta

from dsforge.example import JSON, ROLES, Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.expect import as_text, from_json_text, need, optional_bool, split_known, with_rest
from dsforge.formats.format import Format, Option, RowValue
from dsforge.formats.marks import MEDIA_COLUMNS, place_media
from dsforge.formats.messages import (
    MESSAGE_KEYS,
    OPENAI,
    OPTIONS,
    Style,
    decode_messages,
    encode_message,
    split_reasoning,
)
from dsforge.formats.pairs import answer_places, decode_answer, encode_answer
from dsforge.formats.plain import Plain, Turns
from dsforge.formats.tools import decode_tools

KEYS = (
    frozenset({"messages", "tools", "functions", "function_call", "system", "chosen", "rejected", "label"})
    | MEDIA_COLUMNS
)
TOOLS_OPTION = Option(
    "tools",
    "the tool definitions beside the messages",
    {"list": "OpenAI, Zhipu, TRL", "text": "JSON as text: ms-swift, and `datasets` before 4.8"},
    write=True,
)


def _detect(row: RowValue) -> int:
    messages = row.get("messages")
    if messages == []:
        return 5
    if isinstance(messages, list) or (isinstance(messages, str) and messages.lstrip().startswith("[")):
        return 92 if "chosen" in row and "rejected" in row else 60
    return 0


def _decode(row: RowValue, reasoning: str = "") -> Example:
    example = Example(decode_messages(from_json_text(need(row, "messages"), "/messages"), "/messages"))
    unread: list[str] = []
    if len(row) > 1:
        _decode_rest(row, example, unread)
    if reasoning:
        split_reasoning(example.all_messages(), reasoning)
    return example


def _decode_rest(row: RowValue, example: Example, unread: list[str]) -> None:
    """What stands beside the messages."""
    if row.get("system"):
        if example.messages and example.messages[0].role in ("system", "developer"):
            unread.append("system")  # the message wins, as in LLaMA-Factory; the other is told as lost
        else:
            example.messages.insert(0, Message("system", as_text(row["system"], "/system")))
    tools = "tools" if row.get("tools") or not row.get("functions") else "functions"
    example.tools = decode_tools(row.get(tools), f"/{tools}")
    unread += ["function_call"] + (["functions"] if tools == "tools" else [])
    example.label = optional_bool(row, ["label"])
    if row.get("chosen") is not None or row.get("rejected") is not None:
        example.chosen = decode_answer(need(row, "chosen"), "/chosen")
        example.rejected = decode_answer(need(row, "rejected"), "/rejected")
    place_media(example.all_messages(), row)
    example.meta, example.extra = split_known(row, KEYS, [key for key in unread if row.get(key) is not None])


def encode_conversation(
    messages: list[Message],
    tools: list[dict[str, JSON]],
    style: Style = OPENAI,
    tools_as: str = "list",
) -> RowValue:
    """Messages and, where there are any, tool definitions."""
    row: RowValue = {"messages": [encode_message(message, style) for message in messages]}
    if tools:
        row["tools"] = tools if tools_as == "list" else json.dumps(tools, ensure_ascii=False)
    return row


def _encode(
    example: Example,
    loss_flag: str = "weight",
    reasoning: str = "reasoning_content",
    arguments: str = "text",
    tools: str = "list",
) -> RowValue:
    style = Style(loss_flag, reasoning, arguments)
    row = encode_conversation(example.messages, example.tools, style, tools)
    if example.chosen is not None and example.rejected is not None:
        row["chosen"] = encode_answer(example.chosen, style)
        row["rejected"] = encode_answer(example.rejected, style)
    if example.label is not None:
        row["label"] = example.label
    return with_rest(row, example.meta, example.extra, KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    if isinstance(row["messages"], str):
        return ["/messages"] * len(example.all_messages())
    count = len(row["messages"])
    places = ["/system"] * (len(example.messages) - count)
    places += [f"/messages/{index}/content" for index in range(count)]
    if example.is_preference:
        places += answer_places(row["chosen"], "/chosen") + answer_places(row["rejected"], "/rejected")
    return places


_ROLES = frozenset(ROLES)


def _decode_plain(row: RowValue) -> Turns | None:
    if len(row) != 1:
        return None
    roles, texts = [], []
    for message in row["messages"]:
        role, text = message["role"], message["content"]
        if type(text) is not str or role not in _ROLES or len(message) != 2:
            return None
        if not text or text.startswith("<think>"):  # some formats write these in a way of their own
            return None
        roles.append(role)
        texts.append(text)
    return tuple(roles), texts, None


def _encode_plain(turns: Turns) -> RowValue:
    roles, texts, _ = turns
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]}


class _Fields(shapes.MediaColumns, kw_only=True):
    messages: Annotated[list[shapes.Message] | shapes.JsonArray, Meta(description="The conversation, or the prompt.")]
    tools: shapes.Tools = None
    functions: shapes.Tools = None
    system: shapes.System = None
    label: shapes.Label = None


class Conversation(_Fields, kw_only=True):
    """A conversation."""

    chosen: None = None
    rejected: None = None


class Preference(_Fields, kw_only=True):
    """A prompt with a better and a worse answer."""

    chosen: shapes.Chosen
    rejected: shapes.Rejected


FORMAT = Format(
    name="chatml",
    aliases=("openai", "azure", "zhipu", "fireworks", "messages"),
    dialects={
        "axolotl": {"loss-flag": "training"},
        "together": {"reasoning": "reasoning"},
        "ark": {"loss-flag": "loss_weight"},
    },
    summary="messages with roles (OpenAI, Zhipu, Bailian, TRL, ms-swift, axolotl)",
    example='{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}',
    holds=frozenset(Feature) - {Feature.INPUT_SPLIT, Feature.RANKING},
    keys=KEYS,
    message_keys=MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    plain=Plain(_decode_plain, _encode_plain),
    options=(*OPTIONS, TOOLS_OPTION),
    row=Conversation | Preference,
)
