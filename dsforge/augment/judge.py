"""What becomes of an answer: the text in it, and why it makes no row where it makes none."""

from __future__ import annotations

import re

from msgspec.structs import replace

from dsforge.augment.method import Method
from dsforge.augment.request import Answer
from dsforge.example import Example
from dsforge.similarity.key import exact_key, normalise

_THINKING = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』", "«": "»", "„": "“"}


def clean(text: str, seed: str) -> str:
    """The text of an answer without thinking before it, and without quotation marks around it that the seed lacks."""
    text = _THINKING.sub("", text).strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and seed.strip()[:1] != text[0]:
        inner = text[1:-1]
        if text[0] not in inner and text[-1] not in inner:
            return inner.strip()
    return text


def identity(method: Method, example: Example) -> bytes:
    """The key that examples share whose text is the same once normalised, and all else but metadata exactly."""
    rest = replace(method.replace(example, ""), meta={}, extra={})
    return exact_key(f"{normalise(method.text(example))}\0{rest!r}")


class Judge:
    """Takes seeds and answers in the order of the input, and remembers them: the first of equal rows is kept."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self._seen: set[bytes] = set()

    def seed(self, example: Example) -> None:
        """Remember a seed."""
        self._seen.add(identity(self._method, example))

    def judge(self, seed: Example, answer: Answer) -> Example | str:
        """The new example, or the reason why there is none."""
        before = self._method.text(seed)
        text = clean(answer.text, before)
        if answer.finish == "content_filter":
            return "stopped by the server's content filter"
        if answer.finish == "length":
            return "cut off at the token limit"
        if not normalise(text):
            return "empty"
        if normalise(text) == normalise(before):
            return "identical to the seed"
        example = self._method.replace(seed, text)
        key = identity(self._method, example)
        if key in self._seen:
            return "identical to an earlier row"
        self._seen.add(key)
        return example
