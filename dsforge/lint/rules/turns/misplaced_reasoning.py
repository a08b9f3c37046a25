"""Reasoning beside a message that is not the assistant's.

Why is this bad?
    Chat templates render the reasoning of answers alone: it is not there in training. Formats that keep the reasoning
    in the text cannot hold it.

Bad:
    {"messages": [{"role": "user", "content": "2 + 2?", "reasoning_content": "Two and two."}, {"role": "assistant", "content": "4"}]}

Good:
    {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4", "reasoning_content": "Two and two."}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report


def _check(example: Example, report: Report) -> None:
    if example.chosen is None:
        for message in example.messages:
            if message.reasoning:
                break
        else:
            return
    for index, message in enumerate(example.all_messages()):
        if message.reasoning and message.role != "assistant":
            report(f"the {message.role} message has reasoning; only the assistant's is trained", index,
                   "move it to the answer, or remove it")  # fmt: skip


RULE = ExampleRule("T215", "warning", _check, concerns=("reasoning",))
