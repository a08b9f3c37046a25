"""A function that is defined without a name.

Why is this bad?
    No call can reach it. OpenAI and those that follow it refuse the row; a chat template shows the model a tool that
    is called nothing.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"description": "Weather in a city"}}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"name": "weather", "description": "Weather in a city"}}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.schema.tool_functions import functions_of, tool_places


def _check(example: Example, report: Report) -> None:
    if not example.tools:
        return
    for function in functions_of(example):
        if not function.name.strip():
            report("a function is defined without a name", help="write its name, or remove it",
                   beside=tool_places(function))  # fmt: skip


RULE = ExampleRule("S117", "error", _check, concerns=("tools",))
