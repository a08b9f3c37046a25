r"""Arguments of a tool call that are JSON, but no object.

Why is this bad?
    Arguments are given by name. What calls the tool fails at a list or a text, and chat templates that read the names
    fail at the row. Often an object was written as text twice.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "[\"Ulm\"]"}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}}]}]}
"""  # noqa: E501

from dsforge.example import JSON, Example
from dsforge.formats.expect import kind_of, parse_text
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.turns.call_places import call_places


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        for number, call in enumerate(message.tool_calls):
            if call.arguments is not None and not isinstance(call.arguments, dict):
                report(f"the arguments of the call of {call.name} are {_what(call.arguments)}", index,
                       "write them as an object from names to values",
                       beside=call_places(number, "arguments"))  # fmt: skip


def _what(arguments: JSON) -> str:
    if isinstance(arguments, str) and isinstance(parse_text(arguments)[0], dict):
        return "JSON within JSON: an object that was written as text twice"
    return f"{kind_of(arguments)}; an object is expected"


RULE = ExampleRule("T212", "error", _check, concerns=("tools",))
