"""What kinds of rows there are for rules that concern some of them alone; told in one look at a row, for all rules."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

from dsforge.example import Example

Concern: TypeAlias = Literal["tools", "parts", "pairs", "reasoning", "extra", "order", "short", "edges", "json", "wide"]
"""Rows of a kind:

- tools: with tools, calls or results;
- parts: with content that is no text, but parts or nothing;
- pairs: preference pairs;
- reasoning: with reasoning;
- extra: with metadata or unknown fields, of the row or of a message;
- order: all but those in which question and answer follow each other, perhaps after a system message; pairs, and rows
  with weights, are among them;
- short: with a text of `SHORT` characters at most;
- edges: with a text that begins or ends with white space;
- json: with a text that begins with a bracket, as JSON does;
- wide: with a text that is not ASCII alone.
"""

SHORT = 24
"""Characters."""

_KINDS: tuple[Concern, ...] = get_args(Concern)
_TOOLS, PARTS, _PAIRS, _REASONING, _EXTRA, _ORDER, _SHORT, _EDGES, _JSON, _WIDE = (1 << at for at in range(len(_KINDS)))
_EVERY = 1 << len(_KINDS)
"""Every row is of this kind, which rules concern that name none."""
_BRACKETS = ("{", "[")
_USUAL = re.compile(r"[sd]?(?:ua)+\Z")


def kinds_of(example: Example) -> int:
    """What kinds of rows an example is of, as a sum of bits in the order of `Concern`."""
    kinds = _EVERY | _TOOLS if example.tools else _EVERY
    if example.extra or example.meta:
        kinds |= _EXTRA
    messages = example.messages
    if example.chosen is not None:
        kinds |= _PAIRS | _ORDER
        messages = example.all_messages()
    roles = ""
    for message in messages:
        content, role = message.content, message.role
        roles += role[0]  # each role has a first letter of its own
        if type(content) is str:
            if len(content) <= SHORT:
                kinds |= _SHORT
            if content.strip() != content:
                kinds |= _EDGES
            if content.startswith(_BRACKETS):
                kinds |= _JSON
            if not content.isascii():
                kinds |= _WIDE
        else:
            kinds |= PARTS
        if message.tool_calls or role == "tool":
            kinds |= _TOOLS
        if message.reasoning is not None:
            kinds |= _REASONING
        if message.weight is not None:
            kinds |= _ORDER
        if message.extra:
            kinds |= _EXTRA
    return kinds | _kind_of_order(roles)


@lru_cache(maxsize=1024)
def _kind_of_order(roles: str) -> int:
    return 0 if _USUAL.match(roles) else _ORDER


def bits_of(concerns: tuple[Concern, ...]) -> int:
    """The kinds that a rule concerns, as such a sum."""
    return sum(1 << _KINDS.index(kind) for kind in set(concerns)) or _EVERY
