"""A system message after the first turn, or a second one.

Why is this bad?
    LLaMA-Factory drops the row, torchtune stops at it, and what a chat template makes of it differs from
    model to model.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be kind."}, {"role": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_SYSTEM = frozenset({"system", "developer"})


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.messages):
        if index and message.role in _SYSTEM:
            report(f"a {message.role} message in place {index + 1}: only the first may be one", index,
                   "move it to the beginning, or join it with the one there")  # fmt: skip


RULE = ExampleRule("T208", "warning", _check, concerns=("order",))
