"""Two functions of one name among the tools of a row.

Why is this bad?
    Which one a call means cannot be told. Some platforms refuse the row; others take the last definition.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"name": "weather", "description": "Weather now"}}, {"type": "function", "function": {"name": "weather", "description": "Weather tomorrow"}}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"name": "weather"}}, {"type": "function", "function": {"name": "forecast"}}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.schema.tool_functions import functions_of, tool_places


def _check(example: Example, report: Report) -> None:
    if len(example.tools) < 2:
        return
    first: dict[str, int] = {}
    functions = functions_of(example)
    for position, function in enumerate(functions):
        earlier = first.setdefault(function.name, position)
        if function.name and earlier != position:
            same = functions[earlier].fields == function.fields
            what = "is defined twice, in the same words" if same else "is defined twice, and differently"
            report(f"the function {function.name!r} {what}", beside=tool_places(function, "/name"),
                   help="remove one of the two" if same else "rename one of the two, in its calls too")  # fmt: skip


RULE = ExampleRule("S119", "warning", _check, concerns=("tools",))
