"""A conversation as prompts see it, in which language it is, and what of it a method may write anew."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dsforge.errors import RowError
from dsforge.example import Example, Message

UNFIT = "A901"
"""The code of a reject that is no flaw of the row: the method has no use for it."""

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")
_CHINESE_SHARE = 0.3


@dataclass(frozen=True)
class Turn:
    """A turn as the prompt sees it."""

    role: str
    text: str


def turns_of(messages: Iterable[Message]) -> list[Turn]:
    """The messages as turns; calls of tools are told as JSON below the text."""
    return [
        Turn(message.role, "\n".join(filter(None, [message.text, *(call.text for call in message.tool_calls)])))
        for message in messages
    ]


def language_of(text: str) -> str:
    """`zh` where Han characters are at least 30% of the letters and none is Kana or Hangul, else `other`."""
    han = len(_HAN.findall(text))
    chinese = han and not _KANA_OR_HANGUL.search(text) and han >= _CHINESE_SHARE * len(_LETTER.findall(text))
    return "zh" if chinese else "other"


def has_han(text: str) -> bool:
    """Whether any character is Han."""
    return _HAN.search(text) is not None


def last_user(messages: list[Message]) -> int:
    """Where the last message of the user stands; RowError where there is none."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            return index
    raise RowError("no message of the user, so the method has nothing to begin with", code=UNFIT)


def system_of(example: Example) -> list[Message]:
    """The messages before the first turn."""
    return [message for message in example.messages[:1] if message.role in ("system", "developer")]


def check_judged(example: Example) -> None:
    """RowError where the row is judged (a preference pair, a label): the judgement is of no answer but its own."""
    if example.is_preference:
        raise RowError("a preference pair, whose answers were chosen and rejected as they are", code=UNFIT)
    if example.label is not None:
        raise RowError("the row has a label, which judges the answer as it is", code=UNFIT)


def check_plain(example: Example) -> None:
    """RowError where the row is more than turns of text that end with an answer: judged, with tools or media."""
    check_judged(example)
    if example.tools or any(message.tool_calls for message in example.messages):
        raise RowError("the row is about tools, and the method writes turns of text alone", code=UNFIT)
    if any(message.media for message in example.messages):
        raise RowError("the row has media, and the method writes turns of text alone", code=UNFIT)
    if not example.messages or example.messages[-1].role != "assistant":
        raise RowError("the conversation does not end with an answer", code=UNFIT)
    if not example.messages[last_user(example.messages)].text.strip():
        raise RowError("the last user message has no text", code=UNFIT)
