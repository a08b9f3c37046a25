r"""Three or more blank lines in a row in an answer.

Why is this bad?
    Something was cut out there, or a page was made text. The model learns to write blank lines, each of which is paid
    for. Code blocks are not looked at.

Bad:
    {"instruction": "Describe Ulm", "output": "Ulm is old.\n\n\n\nIt has a minster."}

Good:
    {"instruction": "Describe Ulm", "output": "Ulm is old.\n\nIt has a minster."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_TRIGGERS = ("\n\n\n\n", "\n\r\n\r\n\r\n", "\n \n \n \n")
_RUN = re.compile(r"(?<=\n)\n{3,}|(?:\r\n){4,}|(?<=\n)(?: \n){3,}")


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.text
        if message.role != "assistant":
            continue
        for match in _RUN.finditer(text):
            edge = not text[: match.start()].strip() or not text[match.end() :].strip()
            if edge or text.count("```", 0, match.start()) % 2:
                continue  # white space at the edges is another rule's
            lines = match.group().count("\n") - match.group().startswith("\r")
            report(f"{lines} blank lines in a row", index, "leave one", span=match.span(),
                   fix="\r\n\r\n" if match.group()[0] == "\r" else "\n")  # fmt: skip


RULE = ExampleRule("Q523", "info", _check, triggers=_TRIGGERS, fix="unsafe")
