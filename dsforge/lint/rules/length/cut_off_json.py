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
from dsforge.lint.rules.quality.wanted import wanted_messages

_BEGINS = re.compile(r'\{\s*"[^"\n]{0,80}"\s*:|\[\s*(?:\{\s*"[^"\n]{0,80}"\s*:|"[^"\n]*"\s*,)')
_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|["{}\[\]]', re.DOTALL)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        content = message.content
        if message.role != "assistant" or content.__class__ is not str or not content or content[0] not in "{[":
            continue
        assert isinstance(content, str)
        if _BEGINS.match(content) and (left := _left_open(content)):
            what, at = left
            report(f"JSON that is cut off: {what} at its end", index, "complete the answer or remove the row",
                   span=(at, at + 1))  # fmt: skip


def _left_open(text: str) -> tuple[str, int] | None:
    """What is still open at the end of a text that begins as JSON, and where the last of it was opened.

    None where nothing is, or it is no JSON.
    """
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    else:
        return None
    opened: list[int] = []
    for match in _MARK.finditer(text):
        mark = match.group()
        if mark == '"':
            return "a text is open", match.start()
        if mark in ("{", "["):
            opened.append(match.start())
        elif mark in ("}", "]"):
            opened.pop()
        if not opened:
            return None  # the JSON has its end, whatever follows it
    return f"{len(opened)} {'bracket is' if len(opened) == 1 else 'brackets are'} open", opened[-1]


RULE = ExampleRule("L303", "warning", _check, concerns=("json",))
