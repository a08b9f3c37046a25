"""What rules about personal data have in common: each stretch is told with its middle hidden, and can be masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from dsforge.example import Example
from dsforge.lint.rule import Report

Stretch: TypeAlias = "tuple[int, int]"
Find: TypeAlias = Callable[[str], Iterator[Stretch]]


def hidden(value: str) -> str:
    """A value for a report: its ends alone, for a report is read by more people than the data."""
    ends = 2 if len(value) >= 8 else 1
    return f"{value[:ends]}...{value[-ends:]}"


def personal_data(what: str, mask: str, find: Find) -> Callable[[Example, Report], None]:
    """The check of a rule: all that `find` finds in texts and reasoning is `what`, and `mask` is to stand there."""

    def check(example: Example, report: Report) -> None:
        for index, message in enumerate(example.all_messages()):
            text = message.text
            for start, end in find(text):
                report(f"{what}: {hidden(text[start:end])}", index, f"remove it, or write {mask} in its place",
                       span=(start, end), fix=mask)  # fmt: skip
            if message.reasoning:
                for start, end in find(message.reasoning):
                    report(f"{what} in the reasoning: {hidden(message.reasoning[start:end])}", index, "remove it")

    return check
