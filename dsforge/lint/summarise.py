"""Sums up the rows of one chunk for the report: what the dataset holds, beside what is wrong with it."""

from __future__ import annotations

from dsforge.example import Example
from dsforge.lint.facts import Settings
from dsforge.report.summary import Summary
from dsforge.tokens.counter import get_counter
from dsforge.tokens.rows import count_examples

_BATCH = 512


class Summariser:
    """Takes examples one by one; `finish` gives their summary. Tokens are those of a row's longest sequence.

    They are counted by the tokenizer of the settings, by the approximation where none is named: a report should not
    take ten times as long as the rules.
    """

    def __init__(self, settings: Settings) -> None:
        self._counter = get_counter(settings.tokenizer or "approximate")
        self._summary = Summary()
        self._waiting: list[tuple[Example, str]] = []

    def add(self, example: Example, format_name: str) -> None:
        """Count one row."""
        self._waiting.append((example, format_name))
        if len(self._waiting) == _BATCH:
            self._count()

    def _count(self) -> None:
        counted = count_examples([example for example, _ in self._waiting], self._counter)
        for (example, format_name), row in zip(self._waiting, counted, strict=True):
            self._summary.add(example, format_name, row.longest)
        self._waiting.clear()

    def finish(self) -> Summary:
        """The summary of all rows added."""
        self._count()
        return self._summary


def tokens_by(settings: Settings) -> str:
    """How the tokens of a summary were counted, in words."""
    counter = get_counter(settings.tokenizer or "approximate")
    exact = "exactly" if counter.exact else f"within {counter.error:.0%} or so: name a --tokenizer for exact counts"
    return f"Tokens are those of a row's longest sequence without chat template, counted by {counter.name}, {exact}."
