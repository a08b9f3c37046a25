"""A Chinese unified social credit code, with the right check character.

Why is this bad?
    It names one company, and stands on its invoices and contracts: where it came from real ones, so did what stands
    beside it. Codes whose check character is wrong (GB 32100-2015) are not reported: nobody has them.

Bad:
    {"instruction": "开票信息", "output": "税号：91350100M000100Y43"}

Good:
    {"instruction": "开票信息", "output": "税号：91350100M000100Y44"}
"""

import re
from collections.abc import Iterator

from dsforge.lint.rule import ExampleRule
from dsforge.lint.rules.privacy.personal import Stretch, personal_data

_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CODE = re.compile(
    r"(?<![0-9A-Za-z])(?:[15][1239]|9[123]|[AY]1|N[1239])[1-8]\d{5}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])"
)
_SPOKEN_OF = re.compile(r"信用代码|税号|纳税人|营业执照|credit code|USCC", re.IGNORECASE)
"""One number in thirty has the right check by chance: one without letters counts only where such a code is meant."""


def is_credit_code(code: str) -> bool:
    """Whether the last of 18 characters is the check of the others, which is a number to the base of 31."""
    total = sum(_CHARACTERS.index(char) * pow(3, place, 31) for place, char in enumerate(code[:17]))
    return code[17] == _CHARACTERS[-total % 31]


def _find(text: str) -> Iterator[Stretch]:
    for match in _CODE.finditer(text):
        code = match.group()
        if code.isdecimal() and not _SPOKEN_OF.search(text, max(0, match.start() - 40), match.end()):
            continue
        if is_credit_code(code):
            yield match.span()


RULE = ExampleRule(
    "P610", "info", personal_data("a company's social credit code", "[CREDIT CODE]", _find),
    triggers=("00000000", "A0000000", "Y0000000", "N0000000"), fix="unsafe",
)  # fmt: skip
