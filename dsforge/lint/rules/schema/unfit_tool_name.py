"""The name of a function with other characters than letters, digits, `_` and `-`, or longer than 64.

Why is this bad?
    OpenAI, Azure, Mistral and others refuse it when the tool is offered to the trained model, and a name with spaces
    or quotes is one that models write wrongly.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"name": "get weather"}}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"name": "get_weather"}}]}
"""  # noqa: E501

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.schema.tool_functions import functions_of, tool_places

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_OTHER = re.compile(r"[^a-zA-Z0-9_-]")


def _check(example: Example, report: Report) -> None:
    if not example.tools:
        return
    for function in functions_of(example):
        name = function.name
        if name.strip() and not _NAME.fullmatch(name):
            other = _OTHER.search(name)
            why = f"with {other.group()!r} in it" if other else f"of {len(name)} characters"
            report(f"the function {name[:80]!r} has a name {why}; many platforms take letters, digits, _ and - alone, "
                   "64 at most", help="rename it, in the calls too", beside=tool_places(function, "/name"))  # fmt: skip


RULE = ExampleRule("S118", "warning", _check, concerns=("tools",))
