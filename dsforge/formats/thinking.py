"""Reasoning inside the text: `<think>`, the reasoning, `</think>`, a blank line, the answer.

The form that Qwen3, Bailian and most trainers without a reasoning field read. Only this exact form is
taken apart, so that taking apart and putting together give the same bytes.
"""

from __future__ import annotations

from dsforge.errors import RowError
from dsforge.example import Message, Part, Text

_OPEN = "<think>\n"
_CLOSE = "\n</think>\n\n"


def join_thinking(reasoning: str | None, answer: str) -> str:
    """The answer with its reasoning before it."""
    return answer if reasoning is None else f"{_OPEN}{reasoning}{_CLOSE}{answer}"


def split_thinking(text: str) -> tuple[str | None, str]:
    """`(reasoning, answer)` of a text; reasoning is None where it has none."""
    if not text.startswith(_OPEN):
        return None, text
    reasoning, mark, answer = text[len(_OPEN) :].partition(_CLOSE)
    return (reasoning, answer) if mark else (None, text)


def answer_of(text: str) -> Message:
    """An answer written as text: the reasoning at its beginning goes to its field."""
    reasoning, said = split_thinking(text)
    return Message("assistant", said, reasoning)


def thought_aloud(message: Message, text: str | None = None) -> str:
    """The text of a message (`text`, where it differs) with its reasoning before it.

    Raises:
        RowError: someone other than the assistant reasons, which could not be told from what is said.
    """
    check_thinker(message)
    return join_thinking(message.reasoning, message.text if text is None else text)


def check_thinker(message: Message) -> None:
    """RowError where someone other than the assistant reasons: `<think>` is read in answers alone."""
    if message.reasoning is not None and message.role != "assistant":
        raise RowError(f"reasoning of the {message.role} cannot stand in the text; only the assistant's", code="S902")


def take_thinking(message: Message) -> None:
    """Move the reasoning at the beginning of an answer, in text or in its first part, to its field."""
    if message.role != "assistant" or message.reasoning is not None or not message.content:
        return
    if isinstance(message.content, str):
        message.reasoning, message.content = split_thinking(message.content)
    elif isinstance(first := message.content[0], Text):
        message.reasoning, rest = split_thinking(first.text)
        if message.reasoning is not None:
            kept: list[Part] = [Text(rest, first.extra)] if rest or first.extra else []
            message.content = kept + message.content[1:] or ""
