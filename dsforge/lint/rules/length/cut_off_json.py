r"""An answer in JSON that is cut off.

Why is this bad?
    A bracket or a quote is open at its end: the answer ran into the token limit of the model that wrote it. Trained on
    it the model learns to write JSON that does not parse.

Bad:
    {"instruction": "Name two colours as JSON", "output": "{\"colours\": [\"red\", \"gre"}

Good:
    {"instruction": "Name two colours as JSON", "output": "{\"colours\": [\"red\", \"green\"]}"}
"""

import re

import orjson

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_BEGINS = re.compile(r'\{\s*"[^"\n]{0,80}"\s*:|\[\s*(?:\{\s*"[^"\n]{0,80}"\s*:|"[^"\n]*"\s*,)')
_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|["{}\[\]]', re.DOTALL)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        content = message.content
        if message.role != "assistant" or content.__class__ is not str or not content or content[0] not in "{[":
            continue
        assert isinstance(content, str)
        if _BEGINS.match(content) and (left := _left_open(content)):
            report(f"JSON that is cut off: {left} at its end", index, "complete the answer or remove the row")


def _left_open(text: str) -> str:
    """What is still open at the end of a text that begins as JSON, "" where nothing is, or it is no JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    else:
        return ""
    depth = 0
    for mark in _MARK.findall(text):
        if mark == '"':
            return "a text is open"
        depth += 1 if mark in ("{", "[") else -1 if mark in ("}", "]") else 0
        if depth == 0:
            return ""  # the JSON has its end, whatever follows it
    return f"{depth} {'bracket is' if depth == 1 else 'brackets are'} open"


RULE = ExampleRule("L303", "warning", _check)
