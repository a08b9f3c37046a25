"""What rules about personal data have in common: each stretch is told with its middle hidden, and can be masked."""

from __future__ import annotations

import re
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


_OF_FORM = re.compile(r"\bregex|regular expression|\bvalidat(?:e|es|ing|ion|or)\b|\bis_?valid|正则|校验", re.IGNORECASE)


def _is_about_form(example: Example, named: re.Pattern[str]) -> bool:
    """Whether a question is how such data are written (by a regular expression, for one): its samples are made up."""
    asked = [message.text for message in example.messages if message.role == "user"]
    return any(_OF_FORM.search(text) and named.search(text) for text in asked)


def personal_data(
    what: str, mask: str, find: Find, *, named: re.Pattern[str] | None = None
) -> Callable[[Example, Report], None]:
    """The check of a rule: all that `find` finds in texts and reasoning is `what`, and `mask` is to stand there.

    `named` is how a question speaks of such data: one about the way they are written is left out.
    """

    def check(example: Example, report: Report) -> None:
        for index, message in enumerate(example.all_messages()):
            text = message.text
            for start, end in find(text):
                if named and _is_about_form(example, named):
                    return
                report(f"{what}: {hidden(text[start:end])}", index, f"remove it, or write {mask} in its place",
                       span=(start, end), fix=mask)  # fmt: skip
            if message.reasoning:
                for start, end in find(message.reasoning):
                    report(f"{what} in the reasoning: {hidden(message.reasoning[start:end])}", index, "remove it")

    return check
