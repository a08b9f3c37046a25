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
from dsforge.lint.rules.quality.wanted import wanted_messages

_FENCE = re.compile(r"^ {0,3}(?:[-*+>] |\d+\. )?\s*(```+|~~~+)[ ]*([A-Za-z]?)", re.MULTILINE)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        text = message.text
        if message.role != "assistant" or ("```" not in text and "~~~" not in text):
            continue
        # fences beside code on one line are counted by the second test only
        if (text.count("```") + text.count("~~~")) % 2 == 0:
            continue
        fences = list(_FENCE.finditer(text))
        if len(fences) % 2:
            report("an odd number of code fences: a block is not closed; was the answer cut off?", index,
                   "complete the answer or remove the row", span=_left_open(fences).span(1))  # fmt: skip


def _left_open(fences: list[re.Match[str]]) -> re.Match[str]:
    """The fence that is never closed: one that names a language opens a block, whatever stands before it."""
    opened: re.Match[str] | None = None
    left = fences[-1]
    for fence in fences:
        if opened is None:
            opened = fence
        elif fence[2]:
            left, opened = opened, fence
        else:
            opened = None
    return opened or left


RULE = ExampleRule("L302", "warning", _check, triggers=("```", "~~~"))
