"""A message that says nothing.

Why is this bad?
    An empty answer teaches the model to answer nothing; an empty question teaches it to answer unasked.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": " "}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report


def _check(example: Example, report: Report) -> None:
    for message in example.messages:
        content = message.content
        if content.__class__ is not str or not content or content.isspace():
            break
    else:
        if example.chosen is None:
            return
    for index, message in enumerate(example.all_messages()):
        if message.tool_calls or message.role == "tool" or message.media:
            continue
        if message.text and not message.text.isspace():
            continue
        thought = " but reasoning" if message.reasoning else ""
        report(f"the {message.role} message says nothing{thought}", index, "write the text or remove the row")


RULE = ExampleRule("S104", "error", _check, concerns=("short", "edges", "parts"))
