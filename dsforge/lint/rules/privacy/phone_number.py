"""A telephone number.

Why is this bad?
    A model repeats what it was trained on, to anyone who asks. Found are Chinese mobile and landline numbers, North
    American ones, and any that begin with + and a country code; those reserved for fiction (555), numbers that anyone
    may call for free (800, 400) and those in questions of how a number is checked by a program are not reported.

Bad:
    {"instruction": "How do I reach you?", "output": "我的电话是13912345670。"}

Good:
    {"instruction": "How do I reach you?", "output": "Call (555) 555-0123."}
"""

import re
from collections.abc import Iterator

from dsforge.lint.rule import ExampleRule
from dsforge.lint.rules.privacy.personal import Stretch, personal_data

_BEFORE, _AFTER = r"(?<![0-9A-Za-z_.+*/=-])", r"(?![0-9A-Za-z_]|[.-]\d)"
_NUMBERS = tuple(
    re.compile(_BEFORE + number + _AFTER)
    for number in (
        r"(?:(?:\+|00)?86[ -]?)?1[3-9]\d(?:\d{8}|-\d{4}-\d{4}| \d{4} \d{4})",  # Chinese mobile
        r"0(?:10|2\d|[3-9]\d\d)-\d{7,8}",  # Chinese landline
        r"(?:\+?1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d-)[2-9]\d\d-\d{4}",  # North American
        r"(?:\+?1\.)?[2-9]\d\d\.[2-9]\d\d\.\d{4}",
        r"(?<!\d\n)\+[1-9]\d{0,2}(?:[ .-]?\(0?\d{1,4}\))?[ .-]?\d{1,4}(?:[ .-]?\d{2,4}){1,5}",  # with a country code
    )
)
_CANDIDATE = re.compile(r"[+(\d][\d ().+-]{9,}")
_NAMED = re.compile(r"phone|number|电话|手机|号码", re.IGNORECASE)
_DIGITS = re.compile(r"\D")
_FREE = frozenset(("800", "888", "877", "866", "855", "844", "833", "400"))
"""How numbers of companies begin that anyone may call for free."""
_COUNTING = re.compile(r"1?23456789\d?$|(\d)\1{6,}|0{5,}$")


def _is_real(written: str) -> bool:
    """Whether the number is none of fiction, of an example, or a round one that counts something."""
    digits = _DIGITS.sub("", written)
    if not 10 <= len(digits) <= (15 if len(written) > len(digits) + 1 else 13) or _COUNTING.search(digits):
        return False
    if "55501" in digits:
        return False
    american = digits[-10:] if len(digits) in (10, 11) and digits[-10] in "23456789" else ""
    return not (american and ("555" in (american[:3], american[3:6]) or american[:3] in _FREE))


def _find(text: str) -> Iterator[Stretch]:
    end = 0
    for candidate in _CANDIDATE.finditer(text):
        first, last = max(0, candidate.start() - 2), min(len(text), candidate.end() + 2)
        near = text[first:last]
        for start, stop in sorted(match.span() for number in _NUMBERS for match in number.finditer(near)):
            if first + start >= end and _is_real(near[start:stop]):
                yield first + start, first + stop
                end = first + stop


RULE = ExampleRule(
    "P603", "warning", personal_data("a telephone number", "[PHONE]", _find, named=_NAMED),
    triggers=("00000000000", "000-0000", "000 0000 0000", "00-0000000", "000.0000", "+0"), fix="unsafe",
)  # fmt: skip
