r"""A second instruction within the first, or within the answer.

Why is this bad?
    The program that wrote the rows cut them in the wrong place: `## 18. Instruction:` begins the next row. The model
    learns to go on with a task of its own.

Bad:
    {"instruction": "Name three primes", "output": "2, 3 and 5.\n\n## 18. Instruction:\nName three rivers."}

Good:
    {"instruction": "Name three primes", "output": "2, 3 and 5."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_SECOND = re.compile(
    r"(?:^|\n)[#*\s]*(?:\d{1,4}\.[ *]*(?:Instruction|Task|指令|任务)|#{2,4} ?(?:Instruction|指令) ?\d{1,4})[ *]*[:：]",
    re.IGNORECASE,
)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        found = _SECOND.search(message.text)
        if found and found.start():
            report(f"another instruction begins here: {found.group().strip()!r}", index, "make two rows of it",
                   span=(found.start() + 1, found.end()))  # fmt: skip


_TRIGGERS = tuple(
    "# instruction|#instruction|# 指令|instruction:|instruction：|instruction*|instruction *|task:|task*"
    "|指令：|指令:|任务：|任务:".split("|")
)

RULE = ExampleRule("Q520", "warning", _check, triggers=_TRIGGERS)
