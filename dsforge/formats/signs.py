"""What tells the dialects of `messages` apart: the roles and parts of a row's messages, gathered without decoding.

Only the first few messages are looked at where ChatML reads the row the same: detecting must cost less than decoding.
"""

from __future__ import annotations

from dsforge.example import JSON
from dsforge.formats.format import RowValue

_FEW = 4


def roles_in(row: RowValue, few: bool = False) -> list[JSON]:
    """The roles of the row's messages (or of the first few) as they stand; none where it has no messages."""
    messages = row.get("messages")
    if type(messages) is not list:
        return []
    return [message.get("role") for message in (messages[:_FEW] if few else messages) if type(message) is dict]


def parts_in(row: RowValue) -> list[dict[str, JSON]]:
    """The parts of the first few messages whose content is a list."""
    messages = row.get("messages")
    if type(messages) is not list:
        return []
    contents = [message.get("content") for message in messages[:_FEW] if type(message) is dict]
    return [part for content in contents if type(content) is list for part in content if type(part) is dict]
