"""Whether a row holds an item of a benchmark: the share of the item's n-grams that occur in the row.

Containment, not Jaccard: a short question within a long conversation is all there. Words are runs of letters and
digits, each Chinese, Japanese or Korean character is one of its own; case, width and punctuation do not count. Items
too short for a single n-gram have to be the whole of what is asked, or every "What is it?" would be one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from unicodedata import normalize

from dsforge.errors import InputError, RowError
from dsforge.example import JSON, Example
from dsforge.formats.read import RowDecoder
from dsforge.io.rows import Row, RowReader

WORDS, CHARACTERS = 8, 13
"""Tokens of an n-gram: of words; of text in which most tokens are single characters."""
THRESHOLD = 0.5
"""The share of an item's n-grams from which on a row holds it."""

QUESTIONS = ("question", "problem", "prompt", "query", "instruction", "goal", "ctx", "text", "input", "sentence")
"""Where items of benchmarks that are in none of the formats keep what they ask."""

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
_CHARACTER = re.compile(f"[{CJK}]")


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else normalize("NFKC", text).casefold()


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(_folded(text))


def _grams(tokens: Sequence[str], size: int) -> Iterable[str]:
    return (" ".join(tokens[at : at + size]) for at in range(len(tokens) - size + 1))


class Match(NamedTuple):
    """The item that a text holds, the share of its n-grams there, and the stretch of the text that has them."""

    item: int
    share: float
    stretch: str


class Benchmark:
    """The items of a benchmark, to be looked for in rows."""

    def __init__(self, items: Sequence[str]) -> None:
        self._totals: list[int] = []
        self._items_of: dict[int, dict[str, list[int]]] = {WORDS: {}, CHARACTERS: {}}
        self._short: dict[str, int] = {}
        for index, item in enumerate(items):
            tokens = _tokens(item)
            single = sum(len(token) == 1 and bool(_CHARACTER.match(token)) for token in tokens)
            size = CHARACTERS if single * 2 > len(tokens) else WORDS
            grams = set(_grams(tokens, size))
            self._totals.append(len(grams))
            for gram in grams:
                self._items_of[size].setdefault(gram, []).append(index)
            if tokens and not grams:
                self._short.setdefault(" ".join(tokens), index)

    def find(self, asked: str, text: str) -> Match | None:
        """The item that `text` holds most of, or that is all of what is `asked`; None where there is none."""
        if self._short and (index := self._short.get(" ".join(_tokens(asked)))) is not None:
            return Match(index, 1.0, asked)
        tokens = _tokens(text)
        found: Counter[int] = Counter()
        for size, items_of in self._items_of.items():
            for gram in set(_grams(tokens, size)) if items_of else ():
                found.update(items_of.get(gram, ()))
        if not found:
            return None
        index, _ = max(found.items(), key=lambda each: (each[1] / self._totals[each[0]], -each[0]))
        share = found[index] / self._totals[index]
        return Match(index, share, self._stretch(text, index)) if share >= THRESHOLD else None

    def _stretch(self, text: str, index: int) -> str:
        """From the first to the last token of the n-grams that text and item share."""
        text = normalize("NFKC", text)
        places = [match.span() for match in _TOKEN.finditer(text)]
        tokens = [_folded(text[start:end]) for start, end in places]
        for size, items_of in self._items_of.items():
            hits = [at for at, gram in enumerate(_grams(tokens, size)) if index in items_of.get(gram, ())]
            if hits:
                return text[places[hits[0]][0] : places[hits[-1] + size - 1][1]]
        return ""


def asked_by_user(example: Example) -> str:
    """What the user says, a line to a message."""
    return "\n".join(message.text for message in example.messages if message.role == "user")


class Item(NamedTuple):
    """Where an item of a benchmark stands: its file, and its row from 1."""

    path: str
    row: int


def read_benchmark(paths: Sequence[str]) -> tuple[Benchmark, list[Item]]:
    """The items of benchmark files, in one of the formats or with a field of `QUESTIONS`, and where each stands.

    Raises:
        InputError: a file cannot be read as rows, or holds no item.
    """
    texts: list[str] = []
    items: list[Item] = []
    for path in paths:
        before, decode = len(items), RowDecoder()
        for row in RowReader(path):
            text = _item_text(row.value, decode) if isinstance(row, Row) else ""
            if text.strip():
                texts.append(text)
                items.append(Item(path, row.number))
        if len(items) == before:
            raise InputError(f"{path} holds no benchmark: a row needs one of the fields {', '.join(QUESTIONS)}")
    return Benchmark(texts), items


def _item_text(value: JSON, decode: RowDecoder) -> str:
    """What an item asks, "" where it does not say."""
    try:
        return asked_by_user(decode(value)[1])
    except RowError:
        fields = [value.get(name) for name in QUESTIONS] if isinstance(value, dict) else []
        return next((field for field in fields if isinstance(field, str)), "")
