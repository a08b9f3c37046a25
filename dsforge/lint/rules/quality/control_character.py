r"""A control character in a text.

Why is this bad?
    NUL ends the text for some programs, others refuse the row; escape sequences of a terminal are noise that the model
    learns to write. JSON allows them as escapes, so no parser complains.

Bad:
    {"instruction": "Say hello", "output": "Hello\u0000"}

Good:
    {"instruction": "Say hello", "output": "Hello\tyou\n"}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_TRIGGERS = tuple(chr(code) for code in (*range(9), 11, 12, *range(14, 32), 127))
_CONTROL = re.compile(f"(?:\x1b\\[[0-9;]*m|[{re.escape(''.join(_TRIGGERS))}])+")


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        found = list(_CONTROL.finditer(message.text))
        for match in found[:3]:
            code = ord(match.group()[0])
            what = "NUL" if code == 0 else "an escape sequence" if code == 27 else f"the control character U+{code:04X}"
            more = f" (and {len(found) - 3} more)" if len(found) > 3 and match is found[2] else ""
            report(f"{what} in the {message.role} message{more}", index, "remove it", span=match.span(), fix="")


RULE = ExampleRule("Q513", "warning", _check, triggers=_TRIGGERS, fix="unsafe")
