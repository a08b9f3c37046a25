"""What is left of an example when a conversion has lost features of it: the yardstick of `convert --verify`."""

from __future__ import annotations

from msgspec.structs import replace

from dsforge.example import Example, Message
from dsforge.feature import Feature
from dsforge.formats.held import only_held
from dsforge.formats.thinking import join_thinking
from dsforge.formats.tools import BETWEEN_RESULTS


def _with_thinking(message: Message) -> Message:
    if message.role != "assistant" or not (message.content is None or isinstance(message.content, str)):
        return message
    return replace(message, content=join_thinking(message.reasoning, message.content or ""), reasoning=None)


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


def _with_joined_results(messages: list[Message]) -> list[Message]:
    kept: list[Message] = []
    for message in messages:
        if kept and message.role == kept[-1].role == "tool":
            text = kept[-1].text + BETWEEN_RESULTS + message.text
            message = replace(kept.pop(), content=text, extra={**message.extra})
        kept.append(message)
    return kept


def remainder(example: Example, lost: set[Feature]) -> Example:
    """`example` without what it uses of the features `lost`, and without how arguments of calls were written."""
    held = only_held(example, frozenset(Feature) - lost, frozenset())

    def left(messages: list[Message]) -> list[Message]:
        if Feature.THINK_MARKS in lost:
            messages = [_with_thinking(message) for message in messages]
        if Feature.PARALLEL_RESULTS in lost:
            messages = _with_joined_results(messages)
        if Feature.TEXT_BESIDE_TOOL_CALLS in lost:
            messages = _without_text_before_calls(messages)
        return [
            replace(message, tool_calls=[replace(call, written=None) for call in message.tool_calls])
            if message.tool_calls
            else message
            for message in messages
        ]

    changed = replace(held, messages=left(held.messages), between=[left(answer) for answer in held.between])
    if held.chosen is not None and held.rejected is not None:
        changed = replace(changed, chosen=left(held.chosen), rejected=left(held.rejected))
    return changed
