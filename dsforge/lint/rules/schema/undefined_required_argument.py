"""An argument that a function requires and does not define.

Why is this bad?
    The model is told to give something of which it is told nothing. With strict tools OpenAI refuses the definition.
    Mostly the name is misspelt in one of the two places.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["town"]}}}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]}
"""  # noqa: E501

from dsforge.errors import did_you_mean
from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.schema.tool_functions import functions_of, tool_places


def _check(example: Example, report: Report) -> None:
    if not example.tools:
        return
    for function in functions_of(example):
        parameters = function.parameters or {}
        properties, required = parameters.get("properties", {}), parameters.get("required")
        if not isinstance(required, list) or not isinstance(properties, dict) or "allOf" in parameters:
            continue
        for name in required:
            if isinstance(name, str) and name not in properties:
                hint = did_you_mean(name, properties) if properties else ""
                report(f"{function.name} requires {name!r}, which is not among its properties{hint}",
                       help="define it, or do not require it",
                       beside=tool_places(function, "/parameters/required"))  # fmt: skip


RULE = ExampleRule("S121", "warning", _check, concerns=("tools",))
