"""A preference pair whose two answers are the same.

Why is this bad?
    The pair says nothing: its loss is a constant, and it is billed twice.

Bad:
    {"prompt": "Hi", "chosen": "Hello!", "rejected": "Hello! "}

Good:
    {"prompt": "Hi", "chosen": "Hello!", "rejected": "What do you want?"}
"""

from dsforge.example import Example, Message
from dsforge.lint.rule import ExampleRule, Report

_FIRST = 4
"""Words that tell most answers apart."""


def _are_equal(one: Message, other: Message) -> bool:
    if one.text.split(None, _FIRST)[:_FIRST] != other.text.split(None, _FIRST)[:_FIRST]:
        return False
    return _said(one) == _said(other)


def _said(message: Message) -> tuple[object, ...]:
    calls = [(call.name, call.arguments, call.written) for call in message.tool_calls]
    return message.role, message.text.split(), message.reasoning, message.media, calls


def _check(example: Example, report: Report) -> None:
    if example.chosen is None or example.rejected is None:
        return
    if len(example.chosen) == len(example.rejected) and all(map(_are_equal, example.chosen, example.rejected)):
        report("chosen and rejected are the same", len(example.messages), "write a worse answer or remove the pair")


RULE = ExampleRule("Q503", "error", _check, concerns=("pairs",))
