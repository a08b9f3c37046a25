"""Tells at once which rules a row can concern: most rules need some text without which they find nothing.

One pass of an automaton over the bytes of a row looks for the texts of all rules together (Aho and Corasick, 1975);
looking for each by itself would take four times as long. What has no such text, because it is made of digits, is looked
for in the outline of the row: its digits as 0, its capitals as A, spaces and round brackets as hyphens. An outline has
a digit in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import orjson

from dsforge.example import Example, Message

if TYPE_CHECKING:
    from dsforge.lint.rule import Concern

_OUTLINE = bytes.maketrans(b"123456789" + bytes(range(ord("A"), ord("Z") + 1)) + b" ()", b"0" * 9 + b"A" * 26 + b"---")


def searched_bytes(raw: bytes, example: Example, kinds: int) -> bytes:
    """Bytes in which all that is said in a row stands as JSON writes it at its shortest.

    Those of the row itself, unless it writes letters as escapes or has texts in parts.
    """
    if kinds & _PARTS or b"\\u" in raw or b"\\/" in raw:
        return orjson.dumps(searched_text(example))
    return raw


def searched_text(example: Example) -> str:
    """All that is said in an example, a line to a stretch: texts, reasoning, the arguments of calls."""
    return "\n".join([stretch for message in example.all_messages() for stretch in _stretches(message)])


def _stretches(message: Message) -> Iterable[str]:
    written = [call.written if call.written is not None else repr(call.arguments) for call in message.tool_calls]
    return (message.text, message.reasoning or "", *written)


def outline_of(raw: bytes) -> bytes:
    """The outline of a row: see above."""
    return raw.translate(_OUTLINE)


_KINDS: tuple[Concern, ...] = ("tools", "parts", "pairs", "reasoning", "extra")
_TOOLS, _PARTS, _PAIRS, _REASONING, _EXTRA = (1 << place for place in range(len(_KINDS)))


def kinds_of(example: Example) -> int:
    """What kinds of rows an example is of, as a sum of bits in the order of `_KINDS`."""
    kinds = _TOOLS if example.tools else 0
    if example.extra or example.meta:
        kinds |= _EXTRA
    messages = example.messages
    if example.chosen is not None:
        kinds |= _PAIRS
        messages = example.all_messages()
    for message in messages:
        if type(message.content) is not str:
            kinds |= _PARTS
        if message.tool_calls or message.role == "tool":
            kinds |= _TOOLS
        if message.reasoning is not None:
            kinds |= _REASONING
        if message.extra:
            kinds |= _EXTRA
    return kinds


def bits_of(concerns: tuple[Concern, ...]) -> int:
    """The kinds that a rule concerns, as such a sum; all bits where it names none."""
    return sum(1 << _KINDS.index(kind) for kind in set(concerns)) if concerns else -1


class Triggers:
    """Which of several rules, each given by its triggers and outlines, a text can concern."""

    def __init__(self, triggers: Sequence[tuple[str, ...]], outlines: Sequence[tuple[str, ...]]) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation

        by_text: dict[bytes, list[int]] = {}
        by_outline: dict[bytes, list[int]] = {}
        for index, (texts, shapes) in enumerate(zip(triggers, outlines, strict=True)):
            for text in {way for trigger in texts for way in _ways(trigger)}:
                by_text.setdefault(text, []).append(index)
            for shape in shapes:
                by_outline.setdefault(shape.encode(), []).append(index)
        self._rules = list(by_text.values())
        self._of_escapes = sorted({index for text, rules in by_text.items() if b"\\" in text for index in rules})
        self._rules_of_outlines = list(by_outline.values())
        self._find = self._find_outline = None
        if by_text:
            self._find = BytesAhoCorasick(list(by_text), implementation=Implementation.DFA).find_matches_as_indexes
        if by_outline:
            automaton = BytesAhoCorasick(list(by_outline), implementation=Implementation.DFA)
            self._find_outline = automaton.find_matches_as_indexes

    def concerned(self, raw: bytes) -> Sequence[int]:
        """The rules that have a trigger or an outline in a row (as of `searched_bytes`), each once, in their order.

        In a row of JSON within JSON what is written as an escape stands otherwise: rules that look for such are among
        them then.
        """
        hits: list[int] = []
        if self._find:
            for match in self._find(raw.lower(), overlapping=True):
                hits += self._rules[match[0]]
            if b"\\\\" in raw:
                hits += self._of_escapes
        if self._find_outline:
            outline = raw.translate(_OUTLINE)
            if b"0" in outline:
                for match in self._find_outline(outline, overlapping=True):
                    hits += self._rules_of_outlines[match[0]]
        return sorted(set(hits)) if hits else hits


def _ways(trigger: str) -> tuple[bytes, bytes]:
    """A trigger as it may stand in bytes whose letters of ASCII are small: other letters may be capitals."""
    capital = "".join(char if char.isascii() else char.upper() for char in trigger)
    return orjson.dumps(trigger)[1:-1], orjson.dumps(capital)[1:-1]
