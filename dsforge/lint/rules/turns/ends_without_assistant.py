"""A conversation that does not end with the assistant.

Why is this bad?
    What stands after the last answer is never trained, and is read and billed in every epoch. Mistral
    and Bedrock refuse the row; LLaMA-Factory drops it.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report


def _check(example: Example, report: Report) -> None:
    last = 0
    for conversation in example.conversations():
        if any(message.role == "assistant" for message in conversation) and conversation[-1].role != "assistant":
            at = len(conversation) - 1 + last
            report(f"the conversation ends with the {conversation[-1].role}, not the assistant", at,
                   "write the answer or remove what follows the last one")  # fmt: skip
        last = len(example.chosen or ())


RULE = ExampleRule("T202", "warning", _check, concerns=("order",))
