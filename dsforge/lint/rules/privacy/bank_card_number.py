"""The number of a bank or credit card, with the right check digit.

Why is this bad?
    A model repeats what it was trained on, to anyone who asks. Only numbers of an issuer's length and beginning whose
    Luhn check digit is right are reported, and none of the well-known numbers for tests.

Bad:
    {"instruction": "支付方式", "output": "请用卡号6222 0200 1234 5678 903付款。"}

Good:
    {"instruction": "支付方式", "output": "请用卡号6222 0200 1234 5678 904付款。"}
"""

import re
from collections.abc import Iterator

from dsforge.lint.rule import ExampleRule
from dsforge.lint.rules.privacy.chinese_id_number import is_identity_number
from dsforge.lint.rules.privacy.personal import Stretch, personal_data

_NUMBER = re.compile(
    r"(?<![0-9A-Za-z.])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|3\d{3}([ -])\d{6}\2\d{5}|\d{15,19})"
    r"(?![0-9A-Za-z]|[.-]\d)"
)
# issuer, beginning, lengths: ISO/IEC 7812 as the networks publish it
_ISSUERS = (
    (re.compile(r"4"), (16, 19)),  # Visa
    (re.compile(r"5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"62|81"), (16, 17, 18, 19)),  # UnionPay
    (re.compile(r"6011|65|64[4-9]"), (16, 19)),  # Discover
    (re.compile(r"35(?:2[89]|[3-8])"), (16,)),  # JCB
)
_FOR_TESTS = frozenset(
    "4111111111111111 4242424242424242 4012888888881881 4000056655665556 5555555555554444 5105105105105100"
    " 378282246310005 371449635398431 6011111111111117 6011000990139424 3530111333300000 3566002020360505"
    " 4000000000000002 5200828282828210 6200000000000005".split()
)


_CARD = re.compile(r"card|visa|amex|credit|debit|payment|卡|账号|帐号|账户|支付|付款", re.IGNORECASE)
"""One bare number in forty looks like a card's by chance: it counts only where a card is spoken of."""


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _is_card(digits: str) -> bool:
    issued = any(len(digits) in lengths and start.match(digits) for start, lengths in _ISSUERS)
    if not issued or digits in _FOR_TESTS or len(set(digits)) < 4:
        return False
    return is_luhn(digits) and not (len(digits) == 18 and is_identity_number(digits))


def _find(text: str) -> Iterator[Stretch]:
    for match in _NUMBER.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        spoken_of = len(digits) < len(match.group()) or _CARD.search(text, max(0, match.start() - 60), match.end() + 30)
        if spoken_of and _is_card(digits):
            yield match.span()


RULE = ExampleRule(
    "P605", "error", personal_data("a card number", "[CARD NUMBER]", _find),
    triggers=("0" * 15, "0000-0000-0000", "0000 0000 0000", "0000-000000-00000", "0000 000000 00000"), fix="unsafe",
)  # fmt: skip
