r"""A call with an argument that the function does not define.

Why is this bad?
    The tool refuses it, or passes it over, and the model learns to invent arguments. Often the name is misspelt.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\", \"day\": \"today\"}"}}]}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}}]}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]}
"""  # noqa: E501

from dsforge.errors import did_you_mean
from dsforge.example import JSON, Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.schema.tool_functions import functions_of
from dsforge.lint.rules.turns.call_places import call_places


def _check(example: Example, report: Report) -> None:
    if not example.tools:
        return
    defined: dict[str, frozenset[str] | None] = {}
    for index, message in enumerate(example.all_messages()):
        if not message.tool_calls:
            continue
        defined = defined or {function.name: _names(function.parameters) for function in functions_of(example)}
        for number, call in enumerate(message.tool_calls):
            names = defined.get(call.name)
            if names is None or not isinstance(call.arguments, dict):
                continue
            for name in call.arguments:
                if name not in names:
                    hint = did_you_mean(name, names) if names else "; it takes none"
                    report(f"the call of {call.name} gives {name!r}, which the tool does not define{hint}", index,
                           "remove it, or define it", beside=call_places(number, "arguments"))  # fmt: skip


def _names(parameters: dict[str, JSON] | None) -> frozenset[str] | None:
    """The arguments that a function takes, None where others may be given too."""
    if not parameters or not isinstance(parameters.get("properties"), dict):
        return None
    if parameters.get("additionalProperties", False) is not False or _OPEN.intersection(parameters):
        return None
    return frozenset(parameters["properties"])


_OPEN = frozenset({"patternProperties", "$ref", "allOf", "anyOf", "oneOf", "if"})

RULE = ExampleRule("T214", "warning", _check, concerns=("tools",))
