"""A placeholder that nobody filled in.

Why is this bad?
    The model learns to say "{{name}}" or "[Your Name]" to customers. It comes from templates and from larger
    models that did not know the name. Rows that teach templates on purpose: `--ignore Q502`.

Bad:
    {"instruction": "Who are you?", "output": "I am {{name}}, made by {{author}}."}

Good:
    {"instruction": "Who are you?", "output": "I am Ada, made by Acme."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

# each pattern beside a text that it cannot do without: looking for that is ten times as fast
_PLACEHOLDERS = (
    ("{{", re.compile(r"(?<![$`])\{\{\s*[A-Za-z_]\w*\s*\}\}")),  # not ${{ }} of CI files, nor `{{ }}` as code
    (
        "[",
        re.compile(
            r"\[(?:[Yy]our|YOUR|[Ii]nsert|INSERT|[Cc]ompany|[Cc]ustomer|[Rr]ecipient|[Ss]ender)"
            r"(?:[ '_][\w'’]+){0,4}\](?!\()"
            r"|\[(?:你的|您的)[^\]\n]{1,8}\]"
        ),
    ),
    ("<", re.compile(r"(?<![=\"'/:])<(?:YOUR|INSERT)[_ ][A-Z_ ]+>(?![\"'/&])")),  # not what a program is to be given
    ("Lorem ipsum", re.compile(r"\ALorem ipsum|(?<!>)\s(?<!>\s)Lorem ipsum(?![^<]*</)")),  # not within a page
    ("【", re.compile("【(?:您的|你的|请输入|姓名|公司)[^】]{0,8}】")),
)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.text
        if message.role != "assistant":
            continue
        for mark, pattern in _PLACEHOLDERS:
            if mark in text and (found := pattern.search(text)):
                report(f"{found.group()!r} was never filled in", index, "write what belongs there", span=found.span())
                break


_TRIGGERS = tuple(
    "{{|[your|[insert|[company|[customer|[recipient|[sender|[你的|[您的|<your|<insert|lorem ipsum"
    "|【您的|【你的|【请输入|【姓名|【公司".split("|")
)

RULE = ExampleRule("Q502", "warning", _check, triggers=_TRIGGERS)
