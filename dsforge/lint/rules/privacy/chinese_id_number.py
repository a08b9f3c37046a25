"""A Chinese identity number, with a real date and the right check digit.

Why is this bad?
    It tells birthday, birthplace and sex of a living person, and opens accounts. A model repeats what it was trained
    on, to anyone who asks. Numbers whose check digit is wrong (ISO 7064, MOD 11-2) are not reported: nobody has them.

Bad:
    {"instruction": "登记信息", "output": "身份证号11010519491231002X已登记。"}

Good:
    {"instruction": "登记信息", "output": "订单号110105194912310021已登记。"}
"""

import re
from collections.abc import Iterator
from datetime import date

from dsforge.lint.rule import ExampleRule
from dsforge.lint.rules.privacy.personal import Stretch, personal_data

_NUMBER = re.compile(r"(?<![0-9A-Za-z])[1-8]\d{5}((?:19|20)\d\d)(\d\d)(\d\d)\d{3}[\dXx](?![0-9A-Za-z])")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def is_identity_number(number: str) -> bool:
    """Whether 18 characters have a date of birth and the check digit of GB 11643-1999."""
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return number[17].upper() == _CHECKS[total % 11]


def _find(text: str) -> Iterator[Stretch]:
    for match in _NUMBER.finditer(text):
        if is_identity_number(match.group()):
            yield match.span()


RULE = ExampleRule(
    "P604", "error", personal_data("a Chinese identity number", "[ID NUMBER]", _find),
    triggers=("0" * 17,), fix="unsafe",
)  # fmt: skip
