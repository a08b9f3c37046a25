"""The scripts of questions by number, as the facts have them."""

from __future__ import annotations

import re

from dsforge.report.script import Script, script_of

SCRIPTS: tuple[Script, ...] = ("none", "Latin", "Han", "Kana", "Hangul", "Cyrillic", "Arabic", "other", "mixed")
_NUMBER = {name: number for number, name in enumerate(SCRIPTS)}
_MIXED = _NUMBER["mixed"]
_QUOTES = (_NUMBER["Latin"], _MIXED)
_LOOKED_AT = 300
_RARE = re.compile("[^\x00-\x7f]+")


def script_number(text: str) -> int:
    """The number of the script in which a question begins; of plain ASCII it is Latin.

    Beside what is asked may stand code, or a quotation: where there are Latin letters and others, the first line counts
    by itself, and what begins in Latin letters and goes on in others is mixed.
    """
    if text.isascii():
        return 1 if text else 0
    begin = text[:_LOOKED_AT]
    number = _NUMBER[script_of(begin)]
    if number in _QUOTES:
        line, break_, _ = begin.partition("\n")
        if break_ and not line.isascii():
            return _NUMBER[script_of(line)]
        rare = "".join(_RARE.findall(begin + text[-_LOOKED_AT:]))
        return number if script_of(rare) in ("Latin", "none") else _MIXED
    return number
