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
from dsforge.lint.rules.quality.wanted import wanted_messages

_TRIGGERS = ("\n\n\n\n", "\n\r\n\r\n\r\n", "\n \n \n \n")
_RUN = re.compile(r"\n(?P<run>\n{3,}|(?: \n){3,})|(?:\r\n){4,}")


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        text = message.text
        if message.role != "assistant":
            continue
        for match in _RUN.finditer(text):
            run = "run" if match["run"] else 0  # of two line breaks the first ends what stands before
            edge = not text[: match.start()].strip() or not text[match.end() :].strip()
            if edge or text.count("```", 0, match.start()) % 2:
                continue  # white space at the edges is another rule's
            lines = match.group().count("\n") - 1
            report(f"{lines} blank lines in a row", index, "leave one", span=match.span(run),
                   fix="\n" if run else "\r\n\r\n")  # fmt: skip


RULE = ExampleRule("Q523", "info", _check, triggers=_TRIGGERS, fix="unsafe")
