"""Text from rows made safe to show: control characters and reading-direction overrides are written out, not obeyed."""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls, direction marks and overrides, invisible joiners and fillers, line and paragraph separators,
# half characters, noncharacters and language tags; line breaks and tabs stay
_HOSTILE_IN_A_PAGE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def on_one_line(text: str) -> str:
    """`text` with whatever is not printable written as `\\n`, `\\x1b`, `\\u202e`; wide spaces become plain ones.

    What comes back is printable throughout, so a terminal shows it and nothing else happens.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def in_page(text: str) -> str:
    """`text` with what an HTML page must not obey written out; line breaks, tabs and emoji joiners stay."""
    return _HOSTILE_IN_A_PAGE.sub(lambda found: _shown(found.group()), text)


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes: two for a wide character (CJK, emoji), none for a combining one."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    if unicodedata.category(char) == "Zs":
        return " " * _columns_of(char)
    if char in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _columns_of(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
