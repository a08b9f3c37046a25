r"""A tag such as `<think>` or `<answer>` that is opened and never closed.

Why is this bad?
    The answer was cut off within it. What reads the answer looks for the closing tag and finds nothing; a template that
    takes reasoning apart takes the whole answer for reasoning.

Bad:
    {"instruction": "What is 2 + 2?", "output": "<think>\nTwo and two are"}

Good:
    {"instruction": "What is 2 + 2?", "output": "<think>\nTwo and two are four.\n</think>\n\n4"}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_TAGS = (
    "think", "thinking", "thought", "thoughts", "reasoning", "reflection", "scratchpad", "answer", "solution", "output",
    "response", "result", "tool_call", "tool_code", "function_call", "code", "summary", "plan", "analysis", "final",
)  # fmt: skip
_AT_LINE = re.compile(rf"^[ \t]*<({'|'.join(_TAGS)})>", re.MULTILINE)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        if message.role != "assistant" or ">" not in (text := message.text):
            continue
        for tag in dict.fromkeys(_AT_LINE.findall(text)):
            if text.count(f"<{tag}>") > text.count(f"</{tag}>"):
                at = text.rindex(f"<{tag}>")
                if f"</{tag}" not in text[at:]:
                    report(f"<{tag}> is opened and not closed: was the answer cut off?", index,
                           f"complete the answer, or write </{tag}>", span=(at, at + len(tag) + 2))  # fmt: skip


RULE = ExampleRule("L304", "warning", _check, triggers=tuple(f"<{tag}>" for tag in _TAGS))
