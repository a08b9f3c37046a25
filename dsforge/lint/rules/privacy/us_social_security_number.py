"""A social security number of the United States.

Why is this bad?
    It is what a person is known by for life, and opens accounts. A model repeats what it was trained on, to anyone who
    asks. Numbers that are never given out (900 and above, 666, zeros) and the well-known examples are not reported.

Bad:
    {"instruction": "Fill in the form", "output": "Name: Maria Huber, SSN: 536-22-8417"}

Good:
    {"instruction": "Fill in the form", "output": "Name: Maria Huber, SSN: 123-45-6789"}
"""

import re
from collections.abc import Iterator

from dsforge.lint.rule import ExampleRule
from dsforge.lint.rules.privacy.personal import Stretch, personal_data

_NUMBER = re.compile(
    r"(?<![0-9A-Za-z_./#+-])(?!000|666|9)(\d{3})([- ])(?!00)(\d\d)\2(?!0000)(\d{4})(?![0-9A-Za-z_/]|[.-]\d)"
)
_EXAMPLES = frozenset(("123-45-6789", "078-05-1120", "219-09-9999", "111-11-1111", "555-55-5555", "123-45-6780"))
_SPOKEN_OF = re.compile(r"ssn|social security", re.IGNORECASE)


def _find(text: str) -> Iterator[Stretch]:
    for match in _NUMBER.finditer(text):
        area, between, group, serial = match.groups()
        if f"{area}-{group}-{serial}" in _EXAMPLES or len({*area, *group, *serial}) == 1:
            continue
        # with spaces it may be any number, unless it is said what it is
        if between == "-" or _SPOKEN_OF.search(text, max(0, match.start() - 60), match.start()):
            yield match.span()


RULE = ExampleRule(
    "P609", "error", personal_data("a social security number", "[SSN]", _find),
    triggers=("000-00-0000", "000 00 0000"), fix="unsafe",
)  # fmt: skip
