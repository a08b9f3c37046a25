"""A placeholder that nobody filled in.

Why is this bad?
    The model learns to say "{{name}}" or "[Your Name]" to customers. It comes from templates and from larger
    models that did not know the name. Where a template, a letter or a form was asked for, and in code, it is right, and
    not reported; other rows that teach templates on purpose: `--ignore Q502`.

Bad:
    {"instruction": "Who are you?", "output": "I am {{name}}, made by {{author}}."}

Good:
    {"instruction": "Who are you?", "output": "I am Ada, made by Acme."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

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


_ASKED_FOR = re.compile(
    r"\btemplates?\b|\bplaceholders\b|\bplaceholder text|lorem ipsum|\bdummy text|\bfill.in.the.blank|\bmad.?libs?\b"
    r"|\b(?:write|rewrite|draft|compose|create|generate|prepare|design|make|craft|give|need|pen|produce|provide|find"
    r"|revise|respond|reply)\b[^.?!\n]{0,80}?\b(?:letters?|e-?mails?|memo|invitation|resume"
    r"|press release|business plan|(?:sales|phone|call|video) script|script (?:of|for) an? \w+ call"
    r"|(?:application|order|contact|consent|registration|feedback|request) form"
    r"|contract|agreement|cv|survey|invoice|speech|pitch|response to|reply to)\b"
    r"|模板|占位|填空|(?:写|起草|创建|生成|发|制作|拟|设计|回复)[^。\n]{0,20}?(?:邮件|信(?![息任心用号])|表格|表单|脚本|话术|合同|协议|简历|请柬|邀请函"
    r"|新闻稿|通知|申请书|报告书|演讲稿)",
    re.IGNORECASE,
)
"""What is written for somebody else to fill in."""
_GIVEN = re.compile(r"[=:(,]\s*\Z")
_OPTION = re.compile(r"(?:\bBearer|\s--?[a-z][\w-]*)\s*\Z")
"""What stands before a value within code, or within a command."""


def _check(example: Example, report: Report) -> None:
    asked = ""
    for index, message in enumerate(wanted_messages(example)):
        text = message.text
        if message.role != "assistant":
            asked = text if message.role == "user" else asked
        elif (found := _find(text)) and not _ASKED_FOR.search(asked):
            report(f"{found.group()!r} was never filled in", index, "write what belongs there", span=found.span())


def _find(text: str) -> re.Match[str] | None:
    """The first placeholder that does not stand within code."""
    for mark, pattern in _PLACEHOLDERS:
        if mark in text:
            for found in pattern.finditer(text):
                if not _is_in_code(text, found):
                    return found
    return None


def _is_in_code(text: str, found: re.Match[str]) -> bool:
    start = found.start()
    if text.count("```", 0, start) % 2:
        return True
    line = text[text.rfind("\n", 0, start) + 1 : start]
    if line.count("`") % 2 or text[start] != "<":
        return line.count("`") % 2 == 1
    ends = text[found.end() : found.end() + 1] in ("", "\n", ",", ";", ")", "]", "}")
    return _OPTION.search(line) is not None or (ends and _GIVEN.search(line) is not None)


_TRIGGERS = tuple(
    "{{|[your|[insert|[company|[customer|[recipient|[sender|[你的|[您的|<your|<insert|lorem ipsum"
    "|【您的|【你的|【请输入|【姓名|【公司".split("|")
)

RULE = ExampleRule("Q502", "warning", _check, triggers=_TRIGGERS)
