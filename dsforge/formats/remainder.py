"""What is left of an example when a conversion has lost features of it: the yardstick of `convert --verify`."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from dsforge.example import Content, Example, Message, Part, Text
from dsforge.feature import Feature
from dsforge.formats.thinking import join_thinking


def _merged(content: Content) -> Content:
    """Content whose neighbouring texts are one, and which is text where it holds nothing else."""
    if content is None or isinstance(content, str):
        return content
    parts: list[Part] = []
    for part in content:
        if parts and isinstance(part, Text) and isinstance(parts[-1], Text):
            parts[-1] = Text(parts[-1].text + part.text)
        else:
            parts.append(part)
    if all(isinstance(part, Text) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, Text))
    return parts


def _each_part(content: Content, change: Callable[[Part], Part]) -> Content:
    return content if content is None or isinstance(content, str) else [change(part) for part in content]


def _plain_text(part: Part) -> Part:
    return Text(part.text) if isinstance(part, Text) else part


def _plain_media(part: Part) -> Part:
    return part if isinstance(part, Text) else replace(part, options={})


def _with_thinking(message: Message) -> Message:
    if message.role != "assistant" or not (message.content is None or isinstance(message.content, str)):
        return message
    return replace(message, content=join_thinking(message.reasoning, message.content or ""), reasoning=None)


def _without_ids(message: Message) -> Message:
    return replace(message, tool_call_id=None, tool_calls=[replace(call, id=None) for call in message.tool_calls])


_OF_A_MESSAGE: dict[Feature, Callable[[Message], Message]] = {
    Feature.DEVELOPER: lambda m: replace(m, role="system") if m.role == "developer" else m,
    Feature.REASONING: lambda m: replace(m, reasoning=None),
    Feature.TEXT_BESIDE_TOOL_CALLS: lambda m: replace(m, content=None) if m.tool_calls else m,
    Feature.TOOL_CALL_IDS: _without_ids,
    Feature.MEDIA_OPTIONS: lambda m: replace(m, content=_each_part(m.content, _plain_media)),
    Feature.NAMES: lambda m: replace(m, name=None),
    Feature.WEIGHTS: lambda m: replace(m, weight=None if m.weight in (0, 1) else m.weight),
    Feature.FRACTIONAL_WEIGHTS: lambda m: replace(m, weight=m.weight if m.weight in (0, 1) else None),
    Feature.MESSAGE_EXTRA: lambda m: replace(m, extra={}),
    Feature.CALL_EXTRA: lambda m: replace(m, tool_calls=[replace(call, extra={}) for call in m.tool_calls]),
    Feature.PART_EXTRA: lambda m: replace(m, content=_each_part(m.content, _plain_text)),
    Feature.TEXT_PARTS: lambda m: replace(m, content=_merged(m.content)),
    Feature.EMPTY_CONTENT: lambda m: replace(m, content=m.content or None),
    Feature.THINK_MARKS: _with_thinking,
    Feature.INPUT_SPLIT: lambda m: replace(m, input_at=None),
}
_OF_AN_EXAMPLE: dict[Feature, dict[str, object]] = {
    Feature.TOOLS: {"tools": []},
    Feature.RANKING: {"between": []},
    Feature.METADATA: {"meta": {}},
    Feature.EXTRA: {"extra": {}},
}


def remainder(example: Example, lost: set[Feature]) -> Example:
    """`example` without what it uses of the features `lost`, and without how arguments of calls were written."""
    changes = [_OF_A_MESSAGE[feature] for feature in _OF_A_MESSAGE if feature in lost]

    def left(messages: list[Message]) -> list[Message]:
        kept = []
        for message in messages:
            for change in changes:
                message = change(message)
            calls = [replace(call, written=None) for call in message.tool_calls]
            kept.append(replace(message, tool_calls=calls) if calls else message)
        return _without_text_before_calls(kept) if Feature.TEXT_BESIDE_TOOL_CALLS in lost else kept

    messages = left(example.messages)
    if Feature.EMPTY_SYSTEM in lost and messages and messages[0].role in ("system", "developer"):
        messages = messages if messages[0].content else messages[1:]
    rest = {key: value for feature in lost for key, value in _OF_AN_EXAMPLE.get(feature, {}).items()}
    changed = replace(example, messages=messages, between=[left(answer) for answer in example.between])
    if example.chosen is not None and example.rejected is not None:
        changed = replace(changed, chosen=left(example.chosen), rejected=left(example.rejected))
    return replace(changed, **rest)


def _without_text_before_calls(messages: list[Message]) -> list[Message]:
    """The text beside a call may have become a message of its own before it, together with the reasoning."""
    kept: list[Message] = []
    for message in messages:
        if kept and _was_beside(kept[-1], message):
            before = kept.pop()
            message = replace(message, reasoning=message.reasoning or before.reasoning)
        kept.append(message)
    return kept


def _was_beside(message: Message, after: Message) -> bool:
    return bool(after.tool_calls) and message.role == after.role == "assistant" and not message.tool_calls
