"""Paraphrase: the last user message in other words; what stands before it is context, the answer stays."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from dsforge.augment.method import Method
from dsforge.augment.turns import UNFIT, Turn, language_of, last_user
from dsforge.errors import RowError
from dsforge.example import Content, Example, Message, Part, Text


def _split(message: Message) -> tuple[str, str]:
    """`(what is written anew, what stays below it)`: an Alpaca row's input is material, not wording."""
    at = message.input_at
    return (message.text, "") if not at else (message.text[: at - 1], message.text[at:])


def _show(example: Example) -> Mapping[str, object]:
    last = last_user(example.messages)
    message = example.messages[last]
    if isinstance(message.content, list) and sum(isinstance(part, Text) for part in message.content) > 1:
        raise RowError("the last user message is several texts around media, which cannot be written as one",
                       code=UNFIT)  # fmt: skip
    text, extra_input = _split(message)
    if not text.strip():
        raise RowError("the last user message has no text to paraphrase", code=UNFIT)
    answers = [*example.messages[last + 1 :], *(example.chosen or [])]
    return {
        "message": text,
        "input": extra_input,
        "context": [Turn(turn.role, turn.text) for turn in example.messages[:last]],
        "answer": next((turn.text for turn in answers if turn.role == "assistant"), ""),
        "language": language_of(text),
    }


def _text(example: Example) -> str:
    return _split(example.messages[last_user(example.messages)])[0]


def _with_text(message: Message, text: str) -> Message:
    content: Content = text
    if isinstance(message.content, list):
        parts: list[Part] = [Text(text) if isinstance(part, Text) else part for part in message.content]
        content = parts
    if not message.input_at:
        return replace(message, content=content)
    below = _split(message)[1]
    return replace(message, content=f"{text}\n{below}", input_at=len(text) + 1)


def _write(example: Example, answer: str) -> Example:
    last = last_user(example.messages)
    messages = list(example.messages)
    messages[last] = _with_text(messages[last], answer)
    return replace(example, messages=messages)


METHOD = Method(
    name="paraphrase",
    summary="the last user message in other words, the answer kept",
    variables=frozenset({"message", "input", "context", "answer", "language"}),
    show=_show,
    write=_write,
    text=_text,
)
