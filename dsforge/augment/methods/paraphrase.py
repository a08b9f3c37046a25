"""Paraphrase: the last user message in other words; what stands before it is context, the answer stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from dsforge.augment.method import UNFIT, Method
from dsforge.errors import RowError
from dsforge.example import Content, Example, Message, Part, Text

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")
_CHINESE_SHARE = 0.3


@dataclass(frozen=True)
class Turn:
    """A turn as the prompt sees it."""

    role: str
    text: str


def language_of(text: str) -> str:
    """`zh` where Han characters are at least 30% of the letters and none is Kana or Hangul, else `other`."""
    han = len(_HAN.findall(text))
    chinese = han and not _KANA_OR_HANGUL.search(text) and han >= _CHINESE_SHARE * len(_LETTER.findall(text))
    return "zh" if chinese else "other"


def _last_user(example: Example) -> int:
    for index in range(len(example.messages) - 1, -1, -1):
        if example.messages[index].role == "user":
            return index
    raise RowError("no message of the user, so there is nothing to paraphrase", code=UNFIT)


def _split(message: Message) -> tuple[str, str]:
    """`(what is written anew, what stays below it)`: an Alpaca row's input is material, not wording."""
    at = message.input_at
    return (message.text, "") if not at else (message.text[: at - 1], message.text[at:])


def _show(example: Example) -> Mapping[str, object]:
    last = _last_user(example)
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
    return _split(example.messages[_last_user(example)])[0]


def _with_text(message: Message, text: str) -> Message:
    content: Content = text
    if isinstance(message.content, list):
        parts: list[Part] = [Text(text) if isinstance(part, Text) else part for part in message.content]
        content = parts
    if not message.input_at:
        return replace(message, content=content)
    below = _split(message)[1]
    return replace(message, content=f"{text}\n{below}", input_at=len(text) + 1)


def _replace(example: Example, text: str) -> Example:
    last = _last_user(example)
    messages = list(example.messages)
    messages[last] = _with_text(messages[last], text)
    return replace(example, messages=messages)


METHOD = Method(
    name="paraphrase",
    summary="the last user message in other words, the answer kept",
    variables=frozenset({"message", "input", "context", "answer", "language"}),
    show=_show,
    text=_text,
    replace=_replace,
)
