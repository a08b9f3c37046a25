"""What a format can hold of an example; the rest, told beforehand as its losses, is left out before it is written."""

from __future__ import annotations

from msgspec.structs import replace

from dsforge.example import Content, Example, Message, Part, Text, ToolCall
from dsforge.feature import Feature

_SYSTEMS = ("system", "developer")


def _joined(parts: list[Part], always: bool) -> Content:
    """Parts whose neighbouring texts are one text, and text where they hold nothing else, if they are joined."""
    if not always:
        return parts
    kept: list[Part] = []
    for part in parts:
        if kept and isinstance(part, Text) and isinstance(kept[-1], Text):
            kept[-1] = Text(kept[-1].text + part.text, {**kept[-1].extra, **part.extra})
        else:
            kept.append(part)
    if not kept:
        return ""
    return kept[0].text if len(kept) == 1 and isinstance(kept[0], Text) else kept


def _held_part(part: Part, holds: frozenset[Feature]) -> Part:
    if isinstance(part, Text):
        return Text(part.text) if part.extra and Feature.PART_EXTRA not in holds else part
    return replace(part, options={}) if part.options and Feature.MEDIA_OPTIONS not in holds else part


def _held_content(message: Message, holds: frozenset[Feature]) -> Content:
    content = message.content
    if message.tool_calls and content and Feature.TEXT_BESIDE_TOOL_CALLS not in holds:
        return None
    if content is not None and not isinstance(content, str):
        parts = [_held_part(part, holds) for part in content]
        content = _joined(parts, Feature.TEXT_PARTS not in holds)
    if not content and Feature.EMPTY_CONTENT not in holds:
        return None if message.tool_calls else ""
    return content


def _held_call(call: ToolCall, holds: frozenset[Feature]) -> ToolCall:
    changes: dict[str, object] = {}
    if call.id is not None and Feature.TOOL_CALL_IDS not in holds:
        changes["id"] = None
    if call.extra and Feature.CALL_EXTRA not in holds:
        changes["extra"] = {}
    return replace(call, **changes) if changes else call


def _held_fields(message: Message, holds: frozenset[Feature]) -> dict[str, object]:
    """The fields beside the content that change."""
    changes: dict[str, object] = {}
    if message.role == "developer" and Feature.DEVELOPER not in holds:
        changes["role"] = "system"
    if message.reasoning is not None and Feature.REASONING not in holds:
        changes["reasoning"] = None
    if message.tool_call_id is not None and Feature.TOOL_CALL_IDS not in holds:
        changes["tool_call_id"] = None
    if message.name is not None and Feature.NAMES not in holds:
        changes["name"] = None
    if message.input_at is not None and Feature.INPUT_SPLIT not in holds:
        changes["input_at"] = None
    if message.weight is not None:
        feature = Feature.WEIGHTS if message.weight in (0, 1) else Feature.FRACTIONAL_WEIGHTS
        changes |= {} if feature in holds else {"weight": None}
    return changes


def _held_message(message: Message, holds: frozenset[Feature], keys: frozenset[str]) -> Message:
    changes = _held_fields(message, holds)
    content = _held_content(message, holds)
    if content is not message.content:
        changes["content"] = content
    if message.tool_calls:
        changes["tool_calls"] = [_held_call(call, holds) for call in message.tool_calls]
    if message.extra:
        kept = Feature.MESSAGE_EXTRA in holds
        changes["extra"] = {key: value for key, value in message.extra.items() if kept and key not in keys}
    return replace(message, **changes) if changes else message


def _without_system(messages: list[Message], holds: frozenset[Feature]) -> list[Message]:
    """The messages without the first, where it is a system prompt that cannot be held."""
    if not messages or messages[0].role not in _SYSTEMS:
        return messages
    feature = Feature.SYSTEM if messages[0].content else Feature.EMPTY_SYSTEM
    return messages if feature in holds else messages[1:]


def only_held(
    example: Example, holds: frozenset[Feature], keys: frozenset[str], message_keys: frozenset[str] = frozenset()
) -> Example:
    """`example` without what it uses beyond `holds`, and without unknown fields that are called as known ones.

    What is essential (see `ESSENTIAL`) stays as it is; an example that uses more of that than it may is not
    written at all. What stands in `<think>` marks stays too: it reads as reasoning afterwards.
    """

    def each(messages: list[Message]) -> list[Message]:
        return [_held_message(message, holds, message_keys) for message in messages]

    kept = Feature.EXTRA in holds
    return Example(
        each(_without_system(example.messages, holds)),
        example.tools if Feature.TOOLS in holds else [],
        None if example.chosen is None else each(example.chosen),
        None if example.rejected is None else each(example.rejected),
        example.label,
        example.meta if Feature.METADATA in holds else {},
        {key: value for key, value in example.extra.items() if key not in keys} if kept else {},
        [each(answer) for answer in example.between] if Feature.RANKING in holds else [],
    )
