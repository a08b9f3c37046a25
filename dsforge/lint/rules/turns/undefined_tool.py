"""A call of a tool that is not among the row's tools.

Why is this bad?
    The model learns to call what it was not offered.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "wether", "arguments": "{}"}}]}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": "{}"}}]}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]}
"""  # noqa: E501

from dsforge.errors import did_you_mean
from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.turns.call_places import call_places


def _check(example: Example, report: Report) -> None:
    if not example.tools:
        return
    defined = {name for tool in example.tools if isinstance(name := _name(tool.get("function", tool)), str)}
    for index, message in enumerate(example.all_messages()):
        for number, call in enumerate(message.tool_calls):
            if call.name not in defined:
                report(f"the tool {call.name!r} is called but not defined{did_you_mean(call.name, defined)}", index,
                       "define it in tools, or call one that is", beside=call_places(number))  # fmt: skip


def _name(function: object) -> object:
    return function.get("name") if isinstance(function, dict) else None


RULE = ExampleRule("T207", "error", _check, concerns=("tools",))
