"""A mark that says there is no input: <noinput>.

Why is this bad?
    Early datasets that models wrote have it where a field was left empty. In use nobody writes it, so the row is about
    nothing that will ever be asked.

Bad:
    {"instruction": "Sort the list", "input": "<noinput>", "output": "Which list?"}

Good:
    {"instruction": "Sort the list", "input": "", "output": "Which list?"}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_TRIGGERS = ("noinput", "nooutput", "no input", "no output")
_MARK = re.compile(r"< ?no ?(?:in|out)put ?>|(?<=\n)no ?input\.?\Z", re.IGNORECASE)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        if found := _MARK.search(message.text):
            report(f"{found.group().strip()} stands in the {message.role} message", index, "remove it",
                   span=found.span(), fix="")  # fmt: skip


RULE = ExampleRule("Q521", "warning", _check, triggers=_TRIGGERS, fix="unsafe")
