"""What becomes of an answer: the row in it, and why it makes none where it makes none."""

from __future__ import annotations

import re

from msgspec.structs import replace

from dsforge.augment.method import Method, Unusable
from dsforge.augment.request import Answer
from dsforge.augment.turns import has_han, language_of
from dsforge.example import Example, Message
from dsforge.similarity.key import exact_key, normalise

_THINKING = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』", "«": "»", "„": "“"}
_GRAM = 3
"""Characters of an n-gram: three tell texts apart in any script, as words of Chinese have no spaces between them."""


def clean(text: str, seed: str) -> str:
    """The text of an answer without thinking before it, and without quotation marks around it that the seed lacks."""
    text = _THINKING.sub("", text).strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and seed.strip()[:1] != text[0]:
        inner = text[1:-1]
        if text[0] not in inner and text[-1] not in inner:
            return inner.strip()
    return text


def identity(example: Example) -> bytes:
    """The key that examples share whose texts are the same once normalised, and all else but metadata exactly."""
    alike = replace(example, messages=[_normalised(message) for message in example.messages], meta={}, extra={})
    return exact_key(repr(alike))


def _normalised(message: Message) -> Message:
    if not isinstance(message.content, str):
        return message
    return replace(message, content=normalise(message.content), input_at=None)


def grams(text: str) -> frozenset[str]:
    """The n-grams of a text once normalised; one shorter than an n-gram is one itself."""
    text = normalise(text)
    return frozenset(text[at : at + _GRAM] for at in range(max(1, len(text) - _GRAM + 1)))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of the n-grams of both that both have (their Jaccard similarity)."""
    return len(one & other) / len(one | other)


class Judge:
    """Takes seeds and answers in the order of the input, and remembers them: the first of equal rows is kept.

    `to_language` is the language that new rows are wanted in, "" for that of their seeds.
    """

    def __init__(self, method: Method, to_language: str = "") -> None:
        self._method = method
        self._to_language = to_language
        self._seen: set[bytes] = set()
        self._near: list[tuple[str, frozenset[str]]] = []

    def seed(self, example: Example) -> None:
        """Remember a seed; the answers judged next are to it."""
        self._seen.add(self._key(example))
        self._near = [("the seed", grams(self._method.text(example)))]

    def read(self, seed: Example, answer: Answer) -> Example:
        """The example in an answer, whatever others there are.

        Raises:
            Unusable: there is none.
        """
        if answer.finish == "content_filter":
            raise Unusable("stopped by the server's content filter", again=False)
        if answer.finish == "length":
            raise Unusable("cut off at the token limit", again=False)
        before = self._method.text(seed)
        text = clean(answer.text, before)
        if not text:
            raise Unusable("empty", again=False)
        example = self._method.write(seed, text)
        written = self._method.text(example)
        if not normalise(written):
            raise Unusable("empty", again=False)
        self._check_language(before, written)
        return example

    def judge(self, seed: Example, answer: Answer) -> Example | str:
        """The new example, or the reason why there is none."""
        try:
            example = self.read(seed, answer)
        except Unusable as error:
            return error.reason
        text = self._method.text(example)
        if normalise(text) == normalise(self._method.text(seed)):
            return "identical to the seed"
        key = self._key(example)
        if key in self._seen:
            return "identical to an earlier row"
        new = grams(text)
        for what, other in self._near:
            if overlap(new, other) > self._method.closest:
                return f"too close to {what}"
        self._seen.add(key)
        self._near.append(("another row of its seed", new))
        return example

    def _key(self, example: Example) -> bytes:
        return exact_key(normalise(self._method.text(example))) if self._method.new_prompt else identity(example)

    def _check_language(self, before: str, written: str) -> None:
        wanted = self._to_language
        if not wanted:
            wanted = language_of(before)
            if not self._method.keeps_language or (wanted != "zh" and has_han(before)):  # mixed: either may prevail
                return
        if not (has_han(written) if wanted == "zh" else language_of(written) != "zh"):
            raise Unusable(f"not in {'the language wanted' if self._to_language else 'the language of its seed'}")
