r"""A code block that is never closed.

Why is this bad?
    The answer was cut off in the middle, usually by the token limit of the model that wrote it. The model
    learns to stop there.

Bad:
    {"instruction": "Print hello in Python", "output": "Here it is:\n```python\nprint('hel"}

Good:
    {"instruction": "Print hello in Python", "output": "Here it is:\n```python\nprint('hello')\n```"}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_FENCE = re.compile(r"^ {0,3}(?:[-*+>] |\d+\. )?\s*(```+|~~~+)", re.MULTILINE)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.text
        if message.role != "assistant" or ("```" not in text and "~~~" not in text):
            continue
        # fences beside code on one line are counted by the second test only
        if len(_FENCE.findall(text)) % 2 and (text.count("```") + text.count("~~~")) % 2:
            report("an odd number of code fences: a block is not closed; was the answer cut off?", index,
                   "complete the answer or remove the row")  # fmt: skip


RULE = ExampleRule("L302", "warning", _check, triggers=("```", "~~~"))
