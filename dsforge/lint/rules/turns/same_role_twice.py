r"""Two messages in a row from the same side.

Why is this bad?
    Together, Bedrock and Vertex refuse it, LLaMA-Factory drops the row, some chat templates fail, others train
    on turns that never occur in use. Zhipu's GLM-4V wants text and image as two user messages:
    `--ignore T203` there.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi\nHello?"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_SIDES = ("user", "assistant")
_HELP = "join them, or write what was said between"


def _check(example: Example, report: Report) -> None:
    before = ""
    for index, message in enumerate(example.messages):
        role = message.role
        if role == before and role in _SIDES:
            report(f"two {role} messages in a row", index, _HELP)
        before = role
    if example.chosen is not None and example.rejected is not None:
        at = len(example.messages)
        for answer in (example.chosen, example.rejected):
            if before == "user" and answer and answer[0].role == "user":  # mostly the prompt again
                report("two user messages in a row, the end of the prompt and the beginning of the answer", at, _HELP)
            at += len(answer)


RULE = ExampleRule("T203", "warning", _check, concerns=("order",))
