"""Mistral (deprecated) and mistral-finetune: OpenAI's messages, with rules of their own for tool calls.

The id of a call is nine letters or digits; another one, or none, becomes such an id made from it, the same for a call
and its result, and is told as lost. An assistant message has text or calls, not both. An image is a plain URL.
Reads mistral-finetune's other names too: `interactions`, `available_tools`, and `text` for the content.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.chatml import KEYS as CHATML_KEYS
from dsforge.formats.expect import as_list, as_object, need, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.messages import MESSAGE_KEYS, Style, decode_messages, encode_message
from dsforge.formats.plain_rows import NAMES, plain_messages
from dsforge.formats.signs import parts_in
from dsforge.formats.tools import decode_tools

_ID = re.compile(r"[a-zA-Z0-9]{9}")
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NAMES = {"messages": "interactions", "tools": "available_tools"}
_KEYS = frozenset({*_NAMES, *_NAMES.values()}) | CHATML_KEYS  # most rows are found to be ChatML, and read as such
_HOLDS = frozenset(
    {
        Feature.SYSTEM,
        Feature.EMPTY_SYSTEM,
        Feature.MULTI_TURN,
        Feature.IRREGULAR_TURNS,
        Feature.TOOLS,
        Feature.TOOL_CALLS,
        Feature.PARALLEL_RESULTS,
        Feature.TOOL_CALL_IDS,
        Feature.CALL_EXTRA,
        Feature.IMAGES,
        Feature.TEXT_PARTS,
        Feature.PART_EXTRA,
        Feature.NAMES,
        Feature.WEIGHTS,
        Feature.THINK_MARKS,
        Feature.MESSAGE_EXTRA,
        Feature.METADATA,
        Feature.EXTRA,
    }
)


def _detect(row: RowValue) -> int:
    if isinstance(row.get("interactions"), list):
        return 75
    return 65 if any(isinstance(part.get("image_url"), str) for part in parts_in(row)) else 0


def _name(row: RowValue, name: str) -> str:
    """Which of its two names a field has; RowError where it has both."""
    other = _NAMES[name]
    if row.get(name) is not None and row.get(other) is not None:
        raise RowError(f"the row has {name!r} and {other!r}, which are names of one field; keep one", f"/{other}")
    return other if row.get(other) is not None else name


def _with_content(value: JSON, pointer: str) -> JSON:
    """A message whose `text` is called `content`."""
    message = as_object(value, pointer)
    if "text" not in message or "content" in message:
        return message
    return {"content" if key == "text" else key: field for key, field in message.items()}


def _decode(row: RowValue) -> Example:
    name, tools = _name(row, "messages"), _name(row, "tools")
    values = [_with_content(value, f"/{name}/{at}") for at, value in enumerate(as_list(need(row, name), f"/{name}"))]
    unread = [key for key in _KEYS - {name, tools} if row.get(key) is not None]
    meta, extra = split_known(row, _KEYS, unread)
    return Example(
        decode_messages(values, f"/{name}"), decode_tools(row.get(tools), f"/{tools}"), meta=meta, extra=extra
    )


def _ids(example: Example) -> list[str | None]:
    """The ids of calls and results, in order."""
    ids: list[str | None] = []
    for message in example.all_messages():
        ids += [call.id for call in message.tool_calls]
        if message.role == "tool" or message.tool_call_id is not None:
            ids.append(message.tool_call_id)
    return ids


def _beyond(example: Example) -> set[Feature]:
    fits = all(identifier is not None and _ID.fullmatch(identifier) for identifier in _ids(example))
    return set() if fits else {Feature.TOOL_CALL_IDS}


def _made(source: str, taken: set[str]) -> str:
    """Nine letters and digits that depend on `source` alone, unless they are taken."""
    while True:
        number = int.from_bytes(blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")
        made = "".join(_LETTERS[number // 62**place % 62] for place in range(9))
        if made not in taken:
            taken.add(made)
            return made
        source += "'"


class _Renamer:
    """Gives calls and results ids that fit; a result without one takes that of the first call still waiting."""

    def __init__(self, example: Example) -> None:
        self._taken = {identifier for identifier in _ids(example) if identifier and _ID.fullmatch(identifier)}
        self._made: dict[str, str] = {}
        self._waiting: list[str] = []
        self._unnamed = 0

    def _fitting(self, identifier: str) -> str:
        if _ID.fullmatch(identifier):
            return identifier
        if identifier not in self._made:
            self._made[identifier] = _made(f"id {identifier}", self._taken)
        return self._made[identifier]

    def _new(self) -> str:
        self._unnamed += 1
        return _made(f"call {self._unnamed}", self._taken)

    def __call__(self, message: Message) -> Message:
        if message.tool_calls:
            calls = [replace(one, id=self._new() if one.id is None else self._fitting(one.id))
                     for one in message.tool_calls]  # fmt: skip
            self._waiting = [call.id or "" for call in calls]
            message = replace(message, tool_calls=calls)
        if message.tool_call_id is not None:
            result: str | None = self._fitting(message.tool_call_id)
        elif message.role == "tool":
            result = self._waiting[0] if self._waiting else self._new()
        else:
            return message
        self._waiting = [identifier for identifier in self._waiting if identifier != result]
        return replace(message, tool_call_id=result)


def _encode_message(message: Message) -> dict[str, JSON]:
    row = encode_message(message, Style())
    for part in row["content"] if isinstance(row["content"], list) else ():
        if part["type"] == "image_url":
            part["image_url"] = part["image_url"]["url"]
    if message.tool_calls:
        del row["content"]
    return row


def _encode(example: Example) -> RowValue:
    example = only_held(example, _HOLDS, _KEYS, MESSAGE_KEYS)
    if not example.messages or example.is_preference:
        raise RowError("mistral holds one conversation", code="S902")
    renamed = map(_Renamer(example), example.messages)
    row: RowValue = {"messages": [_encode_message(message) for message in renamed]}
    if example.tools:
        row["tools"] = example.tools
    return with_rest(row, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    name = _name(row, "messages")
    return [
        f"/{name}/{index}/{'text' if 'text' in value and 'content' not in value else 'content'}"
        for index, value in enumerate(row[name])
    ]


class _Turn(shapes.MessageFields, kw_only=True):
    role: Annotated[shapes.Role, Meta(description="Who speaks.")]


class ContentTurn(_Turn, kw_only=True):
    """A message of a conversation."""

    content: Annotated[shapes.Content, Meta(description="What is said.")]


class TextTurn(_Turn, kw_only=True):
    """A message of a conversation (mistral-finetune)."""

    text: Annotated[shapes.Content, Meta(description="What is said.")]
    content: UnsetType = UNSET


class SilentTurn(_Turn, kw_only=True):
    """A message that only calls tools."""

    content: UnsetType = UNSET
    text: UnsetType = UNSET


_Messages: TypeAlias = Annotated[
    list[ContentTurn | TextTurn | SilentTurn] | None, Meta(description="The conversation.")
]


class Conversation(shapes.Metadata, kw_only=True):
    """A conversation."""

    messages: _Messages = None
    interactions: _Messages = None
    tools: shapes.Tools = None
    available_tools: shapes.Tools = None


FORMAT = Format(
    name="mistral",
    aliases=("mistral-finetune",),
    summary="messages with nine-character tool call ids and images as plain URLs (Mistral)",
    example='{"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, '
    '{"type": "image_url", "image_url": "https://example.com/cat.png"}]}, {"role": "assistant", "content": "A cat"}]}',
    holds=_HOLDS,
    keys=_KEYS,
    message_keys=MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    row=Annotated[Conversation, Meta(extra_json_schema=shapes.exactly_one("messages", "interactions"))],
    plain=plain_messages(NAMES),
    beyond=_beyond,
)
