"""Tells most rows from those that a rule has to look at, in a tenth of a microsecond."""

from __future__ import annotations

from dsforge.example import Example


def calls_nothing(example: Example) -> bool:
    """Whether no tool is called; of a preference pair it is not told."""
    for message in example.messages:
        if message.tool_calls:
            return False
    return example.chosen is None


def is_text(example: Example) -> bool:
    """Whether every content is text; of a preference pair it is not told."""
    for message in example.messages:
        if message.content.__class__ is not str:
            return False
    return example.chosen is None
