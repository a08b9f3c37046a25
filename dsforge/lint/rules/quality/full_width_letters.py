"""Full-width letters or digits: ＡＢＣ１２３ where ABC123 is meant.

Why is this bad?
    They are other tokens than the usual ones: numbers written so are not the numbers that the model knows. Full-width
    punctuation is right in Chinese and Japanese, and not reported.

Bad:
    {"instruction": "几年？", "output": "共１２年，即ＡＢ型。"}

Good:
    {"instruction": "几年？", "output": "共12年（即AB型），对吗？"}
"""

import re
from unicodedata import normalize

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_TRIGGERS = tuple(map(chr, (*range(0xFF10, 0xFF1A), *range(0xFF41, 0xFF5B))))
_WIDE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+")


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        for match in _WIDE.finditer(message.text):
            usual = normalize("NFKC", match.group())
            report(f"{match.group()[:20]!r} is written full-width", index, f"write {usual[:20]!r}",
                   span=match.span(), fix=usual)  # fmt: skip


RULE = ExampleRule("Q514", "info", _check, triggers=_TRIGGERS, fix="safe")
