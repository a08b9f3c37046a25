"""What an example uses and a format can hold. The difference is what a conversion loses."""

from __future__ import annotations

from enum import Enum
from itertools import pairwise

from dsforge.example import Example, Message, Part, Text


class Feature(str, Enum):
    """Something a row can say. The values are the names users see in a loss report."""

    SYSTEM = "system prompt"
    LATER_SYSTEM = "system message after the first turn"
    DEVELOPER = "developer role"
    MULTI_TURN = "several turns"
    OPEN_END = "conversation that does not end with the assistant"
    IRREGULAR_TURNS = "turns that do not alternate user and assistant"
    TOOLS = "tool definitions"
    TOOL_CALLS = "tool calls"
    TEXT_BESIDE_TOOL_CALLS = "text beside tool calls"
    TOOL_CALL_IDS = "tool call ids"
    PARALLEL_RESULTS = "several tool results in a row"
    REASONING = "reasoning"
    IMAGES = "images"
    AUDIO = "audio"
    VIDEO = "video"
    MEDIA_OPTIONS = "media options"
    NAMES = "message names"
    WEIGHTS = "message weights"
    FRACTIONAL_WEIGHTS = "message weights between 0 and 1"
    MESSAGE_EXTRA = "unknown message fields"
    CALL_EXTRA = "unknown fields of tool calls"
    PART_EXTRA = "unknown fields of text parts"
    TEXT_PARTS = "text in parts"
    EMPTY_CONTENT = "difference of null and empty content"
    EMPTY_SYSTEM = "empty system message"
    THINK_MARKS = "<think> marks within text or reasoning"
    PREFERENCE = "preference pair"
    LONG_CONTINUATION = "chosen or rejected of several messages"
    RANKING = "answers ranked between chosen and rejected"
    LABEL = "KTO label"
    INPUT_SPLIT = "boundary of instruction and input"
    METADATA = "metadata"
    EXTRA = "unknown row fields"


ESSENTIAL = frozenset(
    {
        Feature.LATER_SYSTEM,
        Feature.MULTI_TURN,
        Feature.OPEN_END,
        Feature.IRREGULAR_TURNS,
        Feature.TOOL_CALLS,
        Feature.IMAGES,
        Feature.AUDIO,
        Feature.VIDEO,
        Feature.PREFERENCE,
        Feature.LONG_CONTINUATION,
        Feature.LABEL,
    }
)
"""What an example cannot do without: a row that uses it is rejected, never trimmed, where it does not fit."""

_MEDIA = {"image": Feature.IMAGES, "audio": Feature.AUDIO, "video": Feature.VIDEO}


def _used_by_parts(parts: list[Part], used: set[Feature]) -> None:
    is_text = [isinstance(part, Text) for part in parts]
    if all(is_text) or (True, True) in pairwise(is_text):
        used.add(Feature.TEXT_PARTS)
    if any(isinstance(part, Text) and part.extra for part in parts):
        used.add(Feature.PART_EXTRA)


def _used_by_message(message: Message, used: set[Feature]) -> None:
    if message.role == "developer":
        used.add(Feature.DEVELOPER)
    elif message.role == "tool":
        used.add(Feature.TOOL_CALLS)
    if message.tool_calls:
        used.add(Feature.TOOL_CALLS)
        if message.content:
            used.add(Feature.TEXT_BESIDE_TOOL_CALLS)
        if any(call.id for call in message.tool_calls):
            used.add(Feature.TOOL_CALL_IDS)
        if any(call.extra for call in message.tool_calls):
            used.add(Feature.CALL_EXTRA)
    if message.tool_call_id:
        used.add(Feature.TOOL_CALL_IDS)
    if message.reasoning is not None:
        used.add(Feature.REASONING)
        if "</think>" in message.reasoning:
            used.add(Feature.THINK_MARKS)
    elif message.role == "assistant" and message.text.startswith("<think>\n") and "\n</think>\n\n" in message.text:
        used.add(Feature.THINK_MARKS)
    if (message.content is None) != bool(message.tool_calls) and not message.content:
        used.add(Feature.EMPTY_CONTENT)
    if message.name is not None:
        used.add(Feature.NAMES)
    if message.weight is not None:
        used.add(Feature.WEIGHTS if message.weight in (0, 1) else Feature.FRACTIONAL_WEIGHTS)
    if message.input_at is not None:
        used.add(Feature.INPUT_SPLIT)
    if message.extra:
        used.add(Feature.MESSAGE_EXTRA)
    if message.content is not None and not isinstance(message.content, str):
        _used_by_parts(message.content, used)
        for media in message.media:
            used.add(_MEDIA[media.kind])
            if media.options:
                used.add(Feature.MEDIA_OPTIONS)


def _used_by_turns(messages: list[Message], used: set[Feature], ends_with: str) -> None:
    if any(one.role == after.role == "tool" for one, after in pairwise(messages)):
        used.add(Feature.PARALLEL_RESULTS)
    turns = messages
    if turns and turns[0].role in ("system", "developer"):
        used.add(Feature.SYSTEM if turns[0].content else Feature.EMPTY_SYSTEM)
        turns = turns[1:]
    roles = [message.role for message in turns]
    if "system" in roles or "developer" in roles:
        used.add(Feature.LATER_SYSTEM)
    if roles.count("user") > 1 or roles.count("assistant") + (ends_with == "user") > 1:
        used.add(Feature.MULTI_TURN)
    if roles and roles[-1] != ends_with:
        used.add(Feature.OPEN_END)
    if any(role not in ("user", "assistant") for role in roles) or any(
        role != ("user", "assistant")[index % 2] for index, role in enumerate(roles)
    ):
        used.add(Feature.IRREGULAR_TURNS)


def used_features(example: Example) -> set[Feature]:
    """Every feature that `example` makes use of."""
    used: set[Feature] = set()
    messages = example.messages
    if example.chosen is not None and example.rejected is not None:
        used.add(Feature.PREFERENCE)
        if len(example.chosen) > 1 or len(example.rejected) > 1:
            used.add(Feature.LONG_CONTINUATION)
        if example.between:
            used.add(Feature.RANKING)
        _used_by_turns(messages, used, ends_with="user")
        messages = example.all_messages()
    else:
        _used_by_turns(messages, used, ends_with="assistant")
    for message in messages:
        _used_by_message(message, used)
    if example.tools:
        used.add(Feature.TOOLS)
    if example.label is not None:
        used.add(Feature.LABEL)
    if example.meta:
        used.add(Feature.METADATA)
    if example.extra:
        used.add(Feature.EXTRA)
    return used
