r"""Arguments of a call that the function's parameters do not allow.

Why is this bad?
    The row offers the model a tool and then shows it a call that the tool would refuse: one without a required
    argument, with text for a number, with a value that is not one of those listed. Nothing stops at it, and the model
    learns it.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": 89073}"}}]}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}}]}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]}
"""  # noqa: E501

from itertools import islice

from dsforge.example import JSON, Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.schema.tool_functions import functions_of
from dsforge.lint.rules.turns.call_places import call_places
from dsforge.lint.rules.turns.misfit import misfits

_TOLD = 3
"""Misfits of one call that are told of."""


def _check(example: Example, report: Report) -> None:
    if not example.tools:
        return
    schemas: dict[str, dict[str, JSON] | None] = {}
    for index, message in enumerate(example.all_messages()):
        if not message.tool_calls:
            continue
        schemas = schemas or {function.name: function.parameters for function in functions_of(example)}
        for number, call in enumerate(message.tool_calls):
            schema = schemas.get(call.name)
            if schema is None or not isinstance(call.arguments, dict):
                continue
            for wrong in islice(misfits(call.arguments, schema), _TOLD):
                report(f"the call of {call.name}: {wrong}", index, "mend the call, or the definition of the tool",
                       beside=call_places(number, "arguments"))  # fmt: skip


RULE = ExampleRule("T213", "warning", _check, concerns=("tools",))
