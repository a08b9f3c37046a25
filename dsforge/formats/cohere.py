"""Cohere's chat fine-tuning (deprecated 2025-09): messages of System, User and Chatbot, in text alone."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from dsforge.errors import RowError, did_you_mean
from dsforge.example import JSON, Example, Message, Role
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.exchanges import exchanges_of
from dsforge.formats.expect import as_list, as_object, as_text, need, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.messages import UNKNOWN_ROLE
from dsforge.formats.plain_rows import plain_messages
from dsforge.formats.signs import roles_in

_ROLES: dict[str, Role] = {"System": "system", "User": "user", "Chatbot": "assistant"}
_NAMES = {role: name for name, role in _ROLES.items()}
_KEYS = frozenset({"messages"})
_MESSAGE_KEYS = frozenset({"role", "content"})
_HOLDS = frozenset(
    {
        Feature.SYSTEM,
        Feature.EMPTY_SYSTEM,
        Feature.MULTI_TURN,
        Feature.THINK_MARKS,
        Feature.MESSAGE_EXTRA,
        Feature.METADATA,
        Feature.EXTRA,
    }
)


def _detect(row: RowValue) -> int:
    return 75 if "Chatbot" in roles_in(row, few=True) else 0


def _decode_message(value: JSON, pointer: str) -> Message:
    message = as_object(value, pointer)
    name = as_text(need(message, "role", pointer), f"{pointer}/role")
    if name not in _ROLES:
        reason = f"{pointer}/role is {name!r}, which is no role here{did_you_mean(name, _ROLES)}"
        raise RowError(reason, f"{pointer}/role", UNKNOWN_ROLE)
    content = as_text(need(message, "content", pointer), f"{pointer}/content")
    rest = {key: field for key, field in message.items() if key not in _MESSAGE_KEYS}
    return Message(_ROLES[name], content, extra=rest)


def _decode(row: RowValue) -> Example:
    values = enumerate(as_list(need(row, "messages"), "/messages"))
    messages = [_decode_message(value, f"/messages/{index}") for index, value in values]
    meta, extra = split_known(row, _KEYS)
    return Example(messages, meta=meta, extra=extra)


def _encode(example: Example) -> RowValue:
    example = only_held(example, _HOLDS, _KEYS, _MESSAGE_KEYS)
    exchanges_of(example.messages, "cohere")
    messages = [
        {"role": _NAMES[message.role], "content": message.text, **message.extra} for message in example.messages
    ]
    return with_rest({"messages": messages}, example.meta, example.extra, _KEYS)


class Turn(Struct):
    """A message of a conversation."""

    role: Annotated[Literal["System", "User", "Chatbot"], Meta(description="Who speaks.")]
    content: Annotated[str, Meta(description="What is said.")]


class Conversation(shapes.Metadata, kw_only=True):
    """A conversation."""

    messages: Annotated[list[Turn], Meta(description="The conversation.")]


FORMAT = Format(
    name="cohere",
    summary="messages of System, User and Chatbot (Cohere)",
    example='{"messages": [{"role": "User", "content": "Hi"}, {"role": "Chatbot", "content": "Hello!"}]}',
    holds=_HOLDS,
    keys=_KEYS,
    message_keys=_MESSAGE_KEYS,
    row=Conversation,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    plain=plain_messages({**_NAMES, "developer": "System"}, reads_chatml=False),
    places=lambda row, example: [f"/messages/{index}/content" for index in range(len(example.messages))],
)
