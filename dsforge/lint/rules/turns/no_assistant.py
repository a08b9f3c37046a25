"""A conversation in which the assistant says nothing.

Why is this bad?
    Only what the assistant says is trained: the row costs tokens and teaches nothing. OpenAI
    asks for at least one assistant message in each row.

Bad:
    {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report


def _check(example: Example, report: Report) -> None:
    for conversation in example.conversations():
        answers = [message for message in conversation if message.role == "assistant"]
        if not answers:
            report("no assistant message: nothing in this row is trained", help="write the answer or remove the row")
            return
        if all(message.weight == 0 for message in answers):
            report("every assistant message has weight 0: nothing in this row is trained",
                   help="give the answer that is to be learnt weight 1")  # fmt: skip
            return


RULE = ExampleRule("T201", "error", _check, concerns=("order",))
