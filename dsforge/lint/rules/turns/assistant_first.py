"""An assistant that speaks before anybody has asked.

Why is this bad?
    The chat templates of Mistral, Gemma and Llama 2 fail at the row, LLaMA-Factory drops it, Bedrock and Vertex refuse
    it. Where the assistant is meant to greet first, `--ignore T209`.

Bad:
    {"messages": [{"role": "assistant", "content": "Hello! How may I help?"}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi!"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello! How may I help?"}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_SYSTEM = ("system", "developer")


def _check(example: Example, report: Report) -> None:
    messages = example.messages
    if messages and messages[0].role == "user":
        return
    for index, message in enumerate(messages):
        if message.role in _SYSTEM:
            continue
        if message.role == "assistant" and len(messages) > 1:  # alone it is a text that is continued
            report("the assistant speaks first: nothing was asked", index, "write the question before it")
        return


RULE = ExampleRule("T209", "warning", _check, concerns=("order",))
