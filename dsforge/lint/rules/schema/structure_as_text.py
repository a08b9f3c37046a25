r"""A list of messages or of content parts that is written as the text of a message.

Why is this bad?
    It was turned to text on its way, by `str()` or by a table: the model is trained on the brackets, the quotes and the
    word `role`, and an image among the parts is not there at all.

Bad:
    {"messages": [{"role": "user", "content": "[{'type': 'text', 'text': 'What is this?'}]"}, {"role": "assistant", "content": "A cat"}]}

Good:
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}]}, {"role": "assistant", "content": "A cat"}]}
"""  # noqa: E501

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_PARTS = re.compile(
    r"""\s*\[\s*\{\s*(["'])(?:type\1\s*:\s*(["'])(?:text|image_url|image|input_text)\2\s*,"""
    r"""|role\1\s*:\s*(["'])(?:user|assistant|system|human)\3\s*,\s*\1content\1)"""
)
_TRIGGERS = tuple(
    f"{quote}{key}{quote}:{space}{quote}{value}{quote}"
    for quote in ("'", '"')
    for space in ("", " ")
    for key, values in (
        ("type", ("text", "image_url", "image", "input_text")),
        ("role", ("user", "assistant", "system", "human")),
    )
    for value in values
)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        content = message.content
        if not isinstance(content, str) or not content.rstrip().endswith("]"):
            continue
        if found := _PARTS.match(content):
            what = "content parts" if found.group(2) else "messages"
            report(f"the text of the {message.role} message is a list of {what}, written as text", index,
                   "write the list itself, or the text that it holds")  # fmt: skip


RULE = ExampleRule("S122", "warning", _check, triggers=_TRIGGERS)
