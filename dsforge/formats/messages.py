"""Chat messages with role and content, in the dialects of OpenAI, Zhipu, Bailian and LLaMA-Factory v1."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from dsforge.errors import RowError, did_you_mean
from dsforge.example import JSON, ROLES, Content, Media, Message, Part, Role, Text
from dsforge.feature import Feature
from dsforge.formats.expect import (
    as_list,
    as_object,
    as_text,
    kind_of,
    need,
    optional_text,
    parse_json_text,
    wrong_type,
)
from dsforge.formats.format import Option
from dsforge.formats.thinking import join_thinking, split_thinking
from dsforge.formats.tools import decode_call, encode_call

UNKNOWN_ROLE = "S103"
BAD_PART = "S107"
_MEANT_ROLES: dict[str, Role] = {
    "human": "user", "input": "user", "prompter": "user", "gpt": "assistant", "bot": "assistant",
    "chatgpt": "assistant", "model": "assistant", "ai": "assistant",
    "observation": "tool", "tool_response": "tool",
}  # fmt: skip
_WEIGHTS = ("weight", "loss_weight", "loss_scale")
_FLAGS = ("loss", "training", "train")
_REASONING = ("reasoning_content", "reasoning", "thinking")
MESSAGE_KEYS = frozenset(
    {"role", "content", "tool_calls", "tool_call_id", "name", "function_call", *_WEIGHTS, *_FLAGS, *_REASONING}
)
_MEDIA_TYPES: dict[str, Literal["image", "audio", "video"]] = {
    "image_url": "image", "image": "image", "video_url": "video", "video": "video",
    "input_audio": "audio", "audio_url": "audio", "audio": "audio",
}  # fmt: skip


class Style(msgspec.Struct, frozen=True):
    """How messages are written where their readers disagree; see OPTIONS."""

    loss_flag: str = "weight"
    reasoning: str = "reasoning_content"
    arguments: str = "text"


OPENAI = Style()
_ALL_WEIGHTS = frozenset({Feature.WEIGHTS, Feature.FRACTIONAL_WEIGHTS})
OPTIONS = (
    Option(
        "loss-flag",
        "the field that says whether a message is trained",
        {
            "weight": "OpenAI, Azure, Together, Fireworks, Mistral",
            "loss_weight": "Bailian, Volcengine Ark, LLaMA-Factory v1",
            "loss": "ms-swift (true or false)",
            "training": "axolotl (true or false)",
            "none": "trainers that know no such field; weights are then lost, and told",
        },
        write=True,
        loses={
            "loss": frozenset({Feature.FRACTIONAL_WEIGHTS}),
            "training": frozenset({Feature.FRACTIONAL_WEIGHTS}),
            "none": _ALL_WEIGHTS,
        },
    ),
    Option(
        "reasoning",
        "where the reasoning of a message stands",
        {
            "reasoning_content": "Zhipu, TRL, axolotl, Volcengine Ark",
            "reasoning": "Together",
            "thinking": "TRL with gpt-oss",
            "inline": "before the answer as <think>, for trainers without a field (Bailian, ms-swift, LLaMA-Factory)",
        },
        read=True,
        write=True,
        loses={"inline": frozenset({Feature.THINK_MARKS})},
    ),
    Option(
        "arguments",
        "the arguments of a tool call",
        {
            "text": "JSON as text: OpenAI, Zhipu, axolotl, Mistral",
            "object": "an object: TRL and the chat templates of transformers, ms-swift",
        },
        write=True,
    ),
)  # fmt: skip
"""Choices of every format that writes messages with role and content."""


def _role(value: JSON, pointer: str) -> Role:
    if value in ROLES:
        return cast(Role, value)
    if value == "function":  # the result of a call in OpenAI's form of 2023
        return "tool"
    name = as_text(value, f"{pointer}/role")
    meant = _MEANT_ROLES.get(name.lower()) or (name.lower() if name.lower() in ROLES else None)
    hint = f"; write {meant!r}" if meant else did_you_mean(name, ROLES)
    raise RowError(f"{pointer}/role is {name!r}, which is no role{hint}", f"{pointer}/role", UNKNOWN_ROLE, meant)


def decode_message(value: JSON, pointer: str) -> Message:
    """One message; RowError names the place of what does not fit."""
    row = as_object(value, pointer)
    if len(row) == 2 and row.get("role") in ROLES and isinstance(row.get("content"), str):
        return Message(row["role"], row["content"])  # the common case, without further questions
    role = _role(need(row, "role", pointer), pointer)
    content = row.get("content")
    message = Message(role, content if isinstance(content, str) else None)
    if content is not None and not isinstance(content, str):
        _decode_parts(message, as_list_of_parts(content, f"{pointer}/content"), f"{pointer}/content")
    read = {"role", "content", "tool_calls", "tool_call_id", "name"}
    if message.reasoning is None:
        message.reasoning = _first_text(row, _REASONING, pointer, read)
    if row.get("tool_calls"):
        calls = as_list(row["tool_calls"], f"{pointer}/tool_calls")
        message.tool_calls = [decode_call(call, f"{pointer}/tool_calls/{index}") for index, call in enumerate(calls)]
    elif row.get("function_call") is not None:
        message.tool_calls = [decode_call(row["function_call"], f"{pointer}/function_call")]
        read.add("function_call")
    message.tool_call_id = optional_text(row, "tool_call_id", pointer)
    message.name = optional_text(row, "name", pointer)
    message.weight = _weight(row, pointer, read)
    message.extra = {
        key: field for key, field in row.items() if key not in read and not (field is None and key in MESSAGE_KEYS)
    }
    return message


def _first_text(row: dict[str, JSON], keys: tuple[str, ...], pointer: str, read: set[str]) -> str | None:
    """The first of `keys` that the message has as text, which is then `read`; others stay where they are."""
    for key in keys:
        if row.get(key) is not None:
            read.add(key)
            return optional_text(row, key, pointer)
    return None


def as_list_of_parts(content: JSON, pointer: str) -> list[JSON]:
    """The parts of a content that is not text."""
    if isinstance(content, list):
        return content
    raise wrong_type(content, "text or an array of parts", pointer)


def _weight(row: dict[str, JSON], pointer: str, read: set[str]) -> float | None:
    """What the first field says that tells whether the message is trained; a second one stays unread."""
    for key in _WEIGHTS:
        weight = row.get(key)
        if weight is not None:
            if isinstance(weight, bool) or not isinstance(weight, (int, float)):
                raise wrong_type(weight, "a number from 0 to 1", f"{pointer}/{key}")
            read.add(key)
            return cast(float, weight)
    for key in _FLAGS:
        if isinstance(row.get(key), bool):
            read.add(key)
            return int(row[key])
    return None


def _decode_parts(message: Message, values: list[JSON], pointer: str) -> None:
    """Fill a message from its parts: text and media stay in order, reasoning and calls go to their fields."""
    parts: list[Part] = []
    reasoning: list[str] = []
    openai = True
    for index, value in enumerate(values):
        at = f"{pointer}/{index}"
        part = as_object(value, at)
        kind = part.get("type")
        openai = openai and kind is not None and "value" not in part
        if kind == "reasoning":
            reasoning.append(as_text(need(part, "value", at), f"{at}/value"))
        elif kind == "tool_call":
            call = parse_json_text(as_text(need(part, "value", at), f"{at}/value"), f"{at}/value", "a tool call")
            message.tool_calls = [*message.tool_calls, decode_call(call, f"{at}/value")]
        elif message.tool_calls:
            raise RowError(f"{at} stands after a tool call; text goes before the calls of a message", at, BAD_PART)
        else:
            parts.append(_decode_part(part, kind, at))
    if reasoning:
        message.reasoning = "\n".join(reasoning)
    message.content = _content(parts, collapse=not openai)


def _content(parts: list[Part], collapse: bool) -> Content:
    """Parts as content; a single text of a dialect that always writes parts becomes plain text."""
    if collapse and len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].extra:
        return parts[0].text
    return parts or (None if collapse else [])


def _decode_part(part: dict[str, JSON], kind: JSON, pointer: str) -> Part:
    if kind is None:  # Bailian: {"text": ...} or {"image": FILE}
        kind = next((key for key in ("text", "image", "video", "audio") if key in part), None)
    if kind == "text":
        key = "value" if "value" in part else "text"
        extra = {name: value for name, value in part.items() if name not in ("type", key)}
        return Text(as_text(need(part, key, pointer), f"{pointer}/{key}"), extra)
    if isinstance(kind, str) and kind in _MEDIA_TYPES:
        return _decode_media(part, kind, pointer)
    names = ", ".join(["text", *_MEDIA_TYPES])
    found = repr(kind) if isinstance(kind, str) else kind_of(kind)
    raise RowError(f"{pointer} is a part of unknown type {found}; known: {names}", f"{pointer}/type", BAD_PART)


def _decode_media(part: dict[str, JSON], kind: str, pointer: str) -> Media:
    options: dict[str, JSON] = {key: value for key, value in part.items() if key not in ("type", kind, "value", "url")}
    reference = part.get(kind, part.get("value", part.get("url")))
    if isinstance(reference, dict):
        key = "data" if "data" in reference else "url"
        options |= {name: value for name, value in reference.items() if name != key}
        reference = need(reference, key, f"{pointer}/{kind}")
    if not isinstance(reference, str):
        raise wrong_type(reference, "a URL or a file name", f"{pointer}/{kind}")
    return Media(_MEDIA_TYPES[kind], reference, options)


def decode_messages(value: JSON, pointer: str) -> list[Message]:
    """An array of messages."""
    return [decode_message(item, f"{pointer}/{index}") for index, item in enumerate(as_list(value, pointer))]


def split_reasoning(messages: list[Message], reasoning: str) -> None:
    """Take the reasoning out of the text of answers, where `reasoning` (an option's choice) says it stands there."""
    for message in messages if reasoning == "inline" else ():
        if message.role == "assistant" and message.reasoning is None and isinstance(message.content, str):
            message.reasoning, message.content = split_thinking(message.content)


def encode_message(message: Message, style: Style = OPENAI) -> dict[str, JSON]:
    """A message in OpenAI's form, with the fields beside it that `style` names."""
    row: dict[str, JSON] = {"role": message.role, "content": _encode_content(message.content)}
    if message.reasoning is not None:
        if style.reasoning == "inline":
            row["content"] = _think_first(message.reasoning, row["content"])
        else:
            row[style.reasoning] = message.reasoning
    if message.tool_calls:
        row["tool_calls"] = [encode_call(call, style.arguments == "object") for call in message.tool_calls]
    if message.tool_call_id is not None:
        row["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        row["name"] = message.name
    if message.weight is not None:
        _encode_weight(message.weight, style.loss_flag, row)
    for key, value in message.extra.items():
        if key not in MESSAGE_KEYS:
            row[key] = value
    return row


def _think_first(reasoning: str, content: JSON) -> JSON:
    if isinstance(content, list):
        return [{"type": "text", "text": join_thinking(reasoning, "")}, *content]
    return join_thinking(reasoning, content or "")


def _encode_weight(weight: float, flag: str, row: dict[str, JSON]) -> None:
    """The weight under its field; a field of true and false leaves a weight between the two out, which is told."""
    if flag in _WEIGHTS:
        row[flag] = weight
    elif flag in _FLAGS and weight in (0, 1):
        row[flag] = bool(weight)


def _encode_content(content: Content) -> JSON:
    if content is None or isinstance(content, str):
        return content
    return [
        {"type": "text", "text": part.text, **part.extra} if isinstance(part, Text) else _encode_media(part)
        for part in content
    ]


def _encode_media(media: Media) -> dict[str, JSON]:
    if media.kind == "audio" and "format" in media.options:
        return {"type": "input_audio", "input_audio": {"data": media.url, **media.options}}
    kind = f"{media.kind}_url"
    return {"type": kind, kind: {"url": media.url, **media.options}}
