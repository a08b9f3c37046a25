r"""`<think>` in the middle of an answer, in an answer with a reasoning field, or `</think>` without it.

Why is this bad?
    Trainers take reasoning apart at the beginning of the answer and nowhere else: in another place it is trained as
    part of what the user reads, and with a field beside it the template writes it twice. Models whose template opens
    `<think>` itself (DeepSeek-R1) are trained on answers that only close it: `--ignore T216` there.

Bad:
    {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "It is 4.\n<think>\nTwo and two.\n</think>\n"}]}

Good:
    {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "<think>\nTwo and two.\n</think>\n\nIt is 4."}]}
"""  # noqa: E501

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_BLOCK = re.compile(r"^[ \t]*<think>(?!.{0,40}`)(?=.*?</think>)", re.MULTILINE | re.DOTALL)
_CLOSE = "</think>"


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        if message.role != "assistant" or "think>" not in (text := message.text):
            continue
        begins = text.lstrip().startswith("<think>")
        if begins and message.reasoning:
            report("the answer has a reasoning field and <think> in its text", index, "keep one of the two")
        block = None if begins else _BLOCK.search(text)
        if block:
            report("<think> in the middle of the answer", index, "move the reasoning to the beginning, or remove it",
                   span=(block.start(), block.end()))  # fmt: skip
        elif not begins and _closes_alone(text):
            at = text.index(_CLOSE)
            report("</think> closes reasoning that nothing opens", index, "write <think> at the beginning, or remove "
                   "the mark", span=(at, at + len(_CLOSE)))  # fmt: skip


def _closes_alone(text: str) -> bool:
    """Whether the mark ends a line, as it does after reasoning: one that is spoken of stands within a sentence."""
    if "<think>" in text or text.count(_CLOSE) != 1:
        return False
    after = text.partition(_CLOSE)[2]
    return not after or after[0] == "\n"


RULE = ExampleRule("T216", "warning", _check, triggers=("<think>", "</think>"))
