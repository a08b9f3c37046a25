"""The rows that a model is measured on before and after its training: what is asked and what the row answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from dsforge.tokens.template import IGNORED
from dsforge.train.token_rows import TokenRows

_DRAWN_FROM = 10_000
"""Rows from the first on that a few are drawn from: reading all of a large set for them would take long."""


class HeldSequence(NamedTuple):
    """A sequence of a row; `good` is False of a rejected or badly labelled answer, `cut` where its end is missing."""

    ids: list[int]
    labels: list[int]
    good: bool
    cut: bool


class Question(NamedTuple):
    """What a model is asked, and what the row answers (None where that is no answer to be reached, or was cut off)."""

    prompt: list[int]
    reference: list[int] | None


@dataclass(frozen=True)
class HeldRow:
    """A row that is held out, the `number`-th of its file."""

    number: int
    sequences: list[HeldSequence]

    @property
    def question(self) -> Question:
        """The prompt up to the last answer, and that answer; of a pair the chosen one."""
        sequence = next((one for one in self.sequences if one.good), self.sequences[0])
        start, end = last_answer(sequence.labels)
        whole = sequence.good and not sequence.cut
        return Question(sequence.ids[:start], sequence.ids[start:end] if whole else None)

    @property
    def pair(self) -> tuple[HeldSequence, HeldSequence] | None:
        """Chosen and rejected, None where the row is no pair."""
        good = [one for one in self.sequences if one.good]
        bad = [one for one in self.sequences if not one.good]
        return (good[0], bad[0]) if good and bad else None


def last_answer(labels: list[int]) -> tuple[int, int]:
    """Where the last trained stretch begins and ends."""
    end = len(labels)
    while end and labels[end - 1] == IGNORED:
        end -= 1
    start = end
    while start and labels[start - 1] != IGNORED:
        start -= 1
    return start, end


def held_rows(rows: TokenRows, most: int, seed: int) -> list[HeldRow]:
    """At most `most` rows, drawn by the seed, in their order: the first rows of a sorted file would be no sample."""
    among = range(min(len(rows), max(most, _DRAWN_FROM)))
    drawn = set(random.Random(seed).sample(among, min(most, len(among))))  # noqa: S311 - guards nothing
    return [row for index, row in enumerate(islice(_all_rows(rows), len(among))) if index in drawn]


def _all_rows(rows: TokenRows) -> Iterator[HeldRow]:
    tails, labelled = iter(rows.tails), iter(rows.good)
    for index, sequences in enumerate(rows.rows()):
        held = [HeldSequence(*one, next(labelled, True), bool(next(tails))) for one in sequences]
        yield HeldRow(rows.numbers[index], held)


def text_of(tokenizer: Any, ids: list[int]) -> str:
    """Tokens as text without the marks of the template."""
    text: str = tokenizer.decode(ids, skip_special_tokens=True)
    return text.strip()
