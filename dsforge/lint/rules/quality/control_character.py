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
from dsforge.lint.rules.quality.wanted import of_bad_answer

_TRIGGERS = tuple(chr(code) for code in (*range(9), 11, 12, *range(14, 32), 127))
_ESCAPES = {"\a": "a", "\b": "b", "\f": "f", "\v": "v"}
_COMMAND = re.compile(
    r"\a(?:lpha|pprox|ngle|st)\b|\x08(?:eta|egin|ar|inom|oxed|ig|f|ullet)\b|\f(?:rac|orall)\b|\v(?:ec|arphi|arepsilon|ee|dots)\b"
)
"""What is left of a command of LaTeX whose backslash was read as the beginning of an escape."""
_ANY = f"[{re.escape(''.join(_TRIGGERS))}]"
_CONTROL = re.compile(rf"{_ANY}(?:{_ANY}|(?<=\x1b)\[[0-9;]*m)*")


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        found = list(_CONTROL.finditer(message.text))
        for match in found[:3]:
            code = ord(match.group()[0])
            what = "NUL" if code == 0 else "an escape sequence" if code == 27 else f"the control character U+{code:04X}"
            more = f" (and {len(found) - 3} more)" if len(found) > 3 and match is found[2] else ""
            where = of_bad_answer(example, index) or f" in the {message.role} message"
            if command := _COMMAND.match(message.text, match.start()):
                meant = f"\\{_ESCAPES[command.group()[0]]}"
                report(f"{what}{where}{more}: {meant}{command.group()[1:]} was probably meant", index,
                       f"write {meant}, in JSON with two backslashes", span=match.span(), fix=meant)  # fmt: skip
            else:
                report(f"{what}{where}{more}", index, "remove it", span=match.span(), fix="")


RULE = ExampleRule("Q513", "warning", _check, triggers=_TRIGGERS, fix="unsafe")
