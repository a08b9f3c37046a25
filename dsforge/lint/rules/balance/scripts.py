"""The scripts of answers by number, as the facts have them."""

from __future__ import annotations

from dsforge.report.script import Script, script_of

SCRIPTS: tuple[Script, ...] = ("none", "Latin", "Han", "Kana", "Hangul", "Cyrillic", "Arabic", "other", "mixed")
_NUMBER = {name: number for number, name in enumerate(SCRIPTS)}
_LOOKED_AT = 300


def script_number(text: str) -> int:
    """The number of the script in which a text begins; of plain ASCII it is Latin."""
    if text.isascii():
        return 1 if text else 0
    return _NUMBER[script_of(text[:_LOOKED_AT])]
