r"""A character that nobody sees.

Why is this bad?
    Zero-width spaces, byte order marks and marks of direction come with text that was copied from a page. They split
    words into tokens that never occur otherwise, hide text, and turn the order of letters around. Joiners within emoji
    and within scripts that need them are not reported.

Bad (escaped):
    {"instruction": "Say hello", "output": "Hel\xe2\x80\x8blo"}

Good (escaped):
    {"instruction": "Say hello", "output": "Hello \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"}
"""

import re
from unicodedata import name

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import of_bad_answer

_TRIGGERS = tuple("\u200b\u2060\ufeff\u00ad\u180e\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2061\u2062\u2063\u2064")
_MARKS = ("\u200e", "\u200f")
"""Marks of direction that texts in Arabic and Hebrew letters may need."""
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_INVISIBLE_HERE = re.compile(f"[{''.join((*_TRIGGERS, *_MARKS))}\u202c\u2069]+")
_INVISIBLE = re.compile(f"[{''.join(_TRIGGERS)}\u202c\u2069]+")


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.text
        found = list((_INVISIBLE if _RIGHT_TO_LEFT.search(text) else _INVISIBLE_HERE).finditer(text))
        for match in found[:3]:
            char = match.group()[0]
            more = f" (and {len(found) - 3} more)" if len(found) > 3 and match is found[2] else ""
            where = of_bad_answer(example, index)
            report(f"an invisible character, U+{ord(char):04X} {name(char, '')}{where}{more}", index, "remove it",
                   span=match.span(), fix="")  # fmt: skip


RULE = ExampleRule("Q512", "warning", _check, triggers=(*_TRIGGERS, *_MARKS), fix="unsafe")
