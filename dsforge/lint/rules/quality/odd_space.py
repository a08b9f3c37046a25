r"""A space or line break that is none of the usual ones.

Why is this bad?
    A no-break space looks like a space and is another token: programs with it do not run, and words beside it are not
    found. It comes from web pages and word processors. Beside numbers, and before the marks where French has one, it is
    right, and not reported; nor is the wide space of Chinese and Japanese.

Bad (escaped):
    {"instruction": "Write a loop", "output": "for x in y:\\n\xc2\xa0\xc2\xa0\xc2\xa0\xc2\xa0pass"}

Good (escaped):
    {"instruction": "How far?", "output": "20\xc2\xa0km; pourquoi\xc2\xa0?"}
"""

import re
from unicodedata import name

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_TRIGGERS = ("\u00a0", "\u2028", "\u2029", "\u0085", *map(chr, range(0x2000, 0x200B)), "\u202f", "\u205f")
_BREAKS = "\u2028\u2029\u0085"
_ODD = re.compile(f"[{''.join(_TRIGGERS)}]+")
_BEFORE, _AFTER = frozenset(":;!?»%€£$°–—/&="), frozenset("«–—/&=$€£")
"""Marks before and after which such a space is set on purpose."""
_SHORT = re.compile(r"(?:\A|[\s.(])[A-Za-z]{1,3}\.\Z")
"""The end of an abbreviation, as in Dr. or z. B."""


def _is_set(text: str, start: int, end: int) -> bool:
    """Whether good typography has a space there at which no line breaks, or a narrow one."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isdigit() or after.isdigit() or before in _AFTER or after in _BEFORE:
        return True
    return _SHORT.search(text, max(0, start - 5), start) is not None


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        text = message.text
        found = [
            match for match in _ODD.finditer(text)
            if match.group()[0] in _BREAKS or len(match.group()) > 1 or not _is_set(text, *match.span())
        ]  # fmt: skip
        for match in found[:3]:
            char = match.group()[0]
            usual = ("\n" if char in _BREAKS else " ") * len(match.group())
            what = "a line break" if char in _BREAKS else "a space"
            more = f" (and {len(found) - 3} more)" if len(found) > 3 and match is found[2] else ""
            report(f"{what} that is U+{ord(char):04X} {name(char, '')}{more}", index, "write the usual one",
                   span=match.span(), fix=usual)  # fmt: skip


RULE = ExampleRule("Q522", "info", _check, triggers=_TRIGGERS, fix="unsafe")
