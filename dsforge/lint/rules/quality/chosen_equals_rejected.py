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


def _said(messages: list[Message]) -> list[tuple[object, ...]]:
    return [(message.role, " ".join(message.text.split()), message.reasoning, message.media,
             [(call.name, call.arguments, call.written) for call in message.tool_calls])
            for message in messages]  # fmt: skip


def _check(example: Example, report: Report) -> None:
    if example.chosen is None or example.rejected is None:
        return
    if len(example.chosen) == len(example.rejected) and _said(example.chosen) == _said(example.rejected):
        report("chosen and rejected are the same", len(example.messages), "write a worse answer or remove the pair")


RULE = ExampleRule("Q503", "error", _check, concerns=("pairs",))
