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


def _check(example: Example, report: Report) -> None:
    before = ""
    for index, message in enumerate(example.messages):
        if message.role == before and before in ("user", "assistant"):
            report(f"two {before} messages in a row", index, "join them, or write what was said between")
        before = message.role


RULE = ExampleRule("T203", "warning", _check)
