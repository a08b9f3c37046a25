"""An international bank account number (IBAN) with the right check digits.

Why is this bad?
    A model repeats what it was trained on, to anyone who asks. Length by country and check digits (ISO 13616, MOD 97)
    have to be right, and the numbers that the registry gives as examples are not reported.

Bad:
    {"instruction": "Where do I pay?", "output": "To DE44 5001 0517 5407 3249 31."}

Good:
    {"instruction": "Where do I pay?", "output": "To DE89 3704 0044 0532 0130 00, as in the manual."}
"""

import re
from collections.abc import Iterator

from dsforge.lint.rule import ExampleRule
from dsforge.lint.rules.privacy.personal import Stretch, personal_data

_NUMBER = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}\d\d(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])")
# SWIFT IBAN registry: characters by country
_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
_EXAMPLES = frozenset(
    "DE89370400440532013000 GB29NWBK60161331926819 GB82WEST12345698765432 FR1420041010050500013M02606"
    " AT611904300234573201 CH9300762011623852957 NL91ABNA0417164300 ES9121000418450200051332"
    " IT60X0542811101000000123456 BE68539007547034".split()
)


def is_iban(number: str) -> bool:
    """Whether a number without spaces has its country's length and the check digits of ISO 13616."""
    if _LENGTHS.get(number[:2]) != len(number):
        return False
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


def _find(text: str) -> Iterator[Stretch]:
    for match in _NUMBER.finditer(text):
        number = match.group().replace(" ", "")
        if number not in _EXAMPLES and is_iban(number):
            yield match.span()


_TRIGGERS = tuple(f"{country}00" for country in _LENGTHS)

RULE = ExampleRule(
    "P606", "error", personal_data("an IBAN", "[IBAN]", _find), triggers=_TRIGGERS, fix="unsafe"
)  # fmt: skip
