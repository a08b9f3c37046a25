"""The texts of a row in their order, and the row with others in their places: what is not text stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from dsforge.example import Content, Example, Message, Text


def texts_of(example: Example) -> list[str]:
    """The texts in their order, without blank ones, calls of tools and their results."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    _changed(example, note)
    return texts


def with_texts(example: Example, texts: Sequence[str]) -> Example:
    """`example` with `texts` in place of those that `texts_of` gives."""
    left = iter(texts)
    return _changed(example, lambda text: next(left))


def _changed(example: Example, change: Callable[[str], str]) -> Example:
    """`example` with `change` made to each text that is not blank, in order."""

    def all_of(messages: list[Message]) -> list[Message]:
        return [message if message.role == "tool" else _changed_message(message, change) for message in messages]

    return replace(
        example,
        messages=all_of(example.messages),
        chosen=None if example.chosen is None else all_of(example.chosen),
        rejected=None if example.rejected is None else all_of(example.rejected),
        between=[all_of(answer) for answer in example.between],
    )


def _changed_message(message: Message, change: Callable[[str], str]) -> Message:
    def unless_blank(text: str) -> str:
        return change(text) if text.strip() else text

    reasoning = None if message.reasoning is None else unless_blank(message.reasoning)
    content: Content = message.content
    if isinstance(content, list):
        content = [replace(part, text=unless_blank(part.text)) if isinstance(part, Text) else part for part in content]
    elif content and message.input_at:
        above, below = unless_blank(content[: message.input_at - 1]), unless_blank(content[message.input_at :])
        return replace(message, content=f"{above}\n{below}", input_at=len(above) + 1, reasoning=reasoning)
    elif content:
        content = unless_blank(content)
    return replace(message, content=content, reasoning=reasoning)
