"""Translate: every text of the row in another language; calls of tools and their results stay as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from dsforge.augment.answer_json import schema_of_texts, texts_in
from dsforge.augment.method import Method
from dsforge.augment.turns import UNFIT, language_of
from dsforge.errors import RowError
from dsforge.example import Content, Example, Message, Text


def _show(example: Example) -> Mapping[str, object]:
    texts = _texts(example)
    if not texts:
        raise RowError("the row has no text to translate", code=UNFIT)
    array = json.dumps(texts, ensure_ascii=False, indent=1)
    return {"texts": texts, "array": array, "language": language_of("\n".join(texts))}


def _texts(example: Example) -> list[str]:
    """The texts in their order; blank ones stay as they are and are left out."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    _changed(example, note)
    return texts


def _text(example: Example) -> str:
    return "\n".join(_texts(example))


def _write(example: Example, answer: str) -> Example:
    translated = iter(texts_in(answer, len(_texts(example))))
    return _changed(example, lambda text: next(translated))


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


METHOD = Method(
    name="translate",
    summary="every text of the row in another language",
    variables=frozenset({"texts", "array", "language"}),
    show=_show,
    write=_write,
    text=_text,
    schema=schema_of_texts(),
    options=frozenset({"to_language"}),
)
