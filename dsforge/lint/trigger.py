"""Tells at once which rules a row can concern: most rules need some text without which they find nothing.

One pass of an automaton over the bytes of many rows looks for the texts of all rules together (Aho and Corasick,
1975); looking for each by itself would take four times as long. Capitals count as small letters there, and every digit
as 0: so `0000-0000` is a trigger for what is made of digits.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

import orjson

from dsforge.example import Example, Message
from dsforge.lint.kinds import PARTS

_FOLD = bytes.maketrans(b"123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"000000000abcdefghijklmnopqrstuvwxyz")


_ESCAPE = re.compile(rb"\\[u/]")


def searched_bytes(raws: Sequence[bytes], examples: Sequence[Example], kinds: Sequence[int]) -> list[bytes]:
    """Of each row bytes in which all that is said there stands as JSON writes it at its shortest.

    Those of the row itself, unless it writes letters as escapes or has texts in parts.
    """
    found = [*raws]
    other = {index for index, kind in enumerate(kinds) if kind & PARTS} | _with_escapes(raws)
    for index in other:
        found[index] = orjson.dumps(searched_text(examples[index]))
    return found


def _with_escapes(raws: Sequence[bytes]) -> set[int]:
    """The rows in which a character that need not be is written as an escape."""
    found: set[int] = set()
    together = b"\n".join(raws)
    ends = [*accumulate(len(raw) + 1 for raw in raws)]
    match = _ESCAPE.search(together)
    while match:
        index = bisect_right(ends, match.start())
        found.add(index)
        match = _ESCAPE.search(together, ends[index])
    return found


def searched_text(example: Example) -> str:
    """All that is said in an example, a line to a stretch: texts, reasoning, the arguments of calls."""
    return "\n".join([stretch for message in example.all_messages() for stretch in _stretches(message)])


def _stretches(message: Message) -> Iterable[str]:
    written = [call.written if call.written is not None else repr(call.arguments) for call in message.tool_calls]
    return (message.text, message.reasoning or "", *written)


class Triggers:
    """Which of several rules, each given by its triggers, texts can concern."""

    def __init__(self, triggers: Sequence[tuple[str, ...]]) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation

        by_text: dict[bytes, set[int]] = {}
        for index, texts in enumerate(triggers):
            for text in {way for trigger in texts for way in _ways(trigger)}:
                by_text.setdefault(text, set()).add(index)
        # in JSON within JSON what is written as an escape stands otherwise: rules that look for such are asked then
        of_escapes = {index for text, rules in by_text.items() if b"\\" in text for index in rules}
        if of_escapes:
            by_text.setdefault(b"\\\\", set()).update(of_escapes)
        self._rules = list(by_text.values())
        self._find = BytesAhoCorasick(list(by_text), implementation=Implementation.DFA).find_matches_as_indexes

    def concerned(self, texts: Sequence[bytes]) -> dict[int, list[int]]:
        """The rules that have a trigger in a text (as of `searched_bytes`), in their order, by the text's index."""
        found: dict[int, set[int]] = {}
        at, end = -1, -1
        rules: set[int] = set()
        for pattern, start, _ in self._find(b"\n".join(texts).translate(_FOLD), overlapping=True):
            while start >= end:  # no trigger has a line break, which JSON writes as an escape
                at += 1
                end += len(texts[at]) + 1
                rules = set()
            rules |= self._rules[pattern]
            found[at] = rules
        return {index: sorted(rules) for index, rules in found.items()}


def _ways(trigger: str) -> tuple[bytes, bytes]:
    """A trigger as it may stand in folded bytes: letters beyond ASCII may be capitals."""
    capital = "".join(char if char.isascii() else char.upper() for char in trigger)
    return orjson.dumps(trigger)[1:-1].translate(_FOLD), orjson.dumps(capital)[1:-1].translate(_FOLD)
