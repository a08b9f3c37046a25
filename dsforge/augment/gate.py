"""What becomes of an answer: the text in it, and why a row made of it is not kept where it is not."""

from __future__ import annotations

import re

from msgspec.structs import replace

from dsforge.augment.method import Method, Unusable
from dsforge.augment.request import Answer
from dsforge.augment.turns import has_han, language_of
from dsforge.example import Example, Message
from dsforge.similarity.key import exact_key, normalise
from dsforge.similarity.near import NearTexts

_THINKING = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』", "«": "»", "„": "“"}
NEAR = 0.8
"""The Jaccard similarity from which texts are near-duplicates, as `dsforge dedup` has it."""
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


def text_of(answer: Answer, seed: str) -> str:
    """The text of an answer about `seed`.

    Raises:
        Unusable: the server cut it off, or there is none.
    """
    if answer.finish == "content_filter":
        raise Unusable("stopped by the server's content filter", again=False)
    if answer.finish == "length":
        raise Unusable("cut off at the token limit", again=False)
    text = clean(answer.text, seed)
    if not text:
        raise Unusable("empty", again=False)
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


def standing_alone(method: Method, example: Example) -> str:
    """The text that a method writes where it is all that an answer is to, "" where turns before it or an input are."""
    asked = [message for message in example.messages if message.role == "user"]
    if method.closest >= 1.0 or len(asked) != 1 or asked[0].input_at is not None:
        return ""
    return method.text(example)


class Gate:
    """Takes seeds and new rows in the order of the input, and remembers them: the first of equal rows is kept.

    `to_language` is the language that new rows are wanted in, "" for that of their seeds. `known` are texts that stand
    alone of all seeds, also of those to come: no text that does may be like one of them, or like an earlier one.
    """

    def __init__(self, method: Method, to_language: str = "", known: NearTexts | None = None) -> None:
        self._method = method
        self._to_language = to_language
        self._seen: set[bytes] = set()
        self._near: list[tuple[str, frozenset[str]]] = []
        self._known, self._of_seeds = known, 0 if known is None else len(known)

    def seed(self, example: Example) -> None:
        """Remember a seed; the rows judged next are made from it."""
        self._seen.add(self._key(example))
        self._near = [("the seed", grams(self._method.text(example)))]

    def checked(self, seed: Example, example: Example) -> Example:
        """`example`, made from `seed`, whatever others there are.

        Raises:
            Unusable: it says nothing, or in another language than is wanted.
        """
        written = self._method.text(example)
        if not normalise(written):
            raise Unusable("empty", again=False)
        self._check_language(self._method.text(seed), written)
        return example

    def verdict(self, seed: Example, example: Example) -> str:
        """Why the row made from `seed` is not kept, "" where it is."""
        if self._method.in_place:
            return ""
        text = self._method.text(example)
        another_kind = self._method.writes  # of row: what it has in common with its seed is nothing against it
        if not another_kind and normalise(text) == normalise(self._method.text(seed)):
            return "identical to the seed"
        key = self._key(example)
        if key in self._seen:
            return "identical to an earlier row"
        new = grams(text)
        for what, other in self._near:
            if overlap(new, other) > self._method.closest:
                return f"too close to {what}"
        if self._known is not None and (alone := standing_alone(self._method, example)):
            if (near := self._known.find(alone)) is not None:
                how = "identical" if near.similarity == 1.0 else "too close"
                return f"{how} to {'a seed' if near.number < self._of_seeds else 'an earlier row'}"
            self._known.add(alone)
        self._seen.add(key)
        self._near.append(("another row of its seed", new))
        return ""

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
