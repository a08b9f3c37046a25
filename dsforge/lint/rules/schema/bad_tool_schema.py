"""Parameters of a function that are no JSON Schema of an object.

Why is this bad?
    OpenAI and others refuse the row. A chat template shows the model a type that does not exist (`str`, `dict`,
    `float`), or parameters whose names stand where the keywords belong.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "str"}}}}}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."}], "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.schema.tool_functions import functions_of, parameter_problems, tool_places

_TOLD = 3
"""Functions of a row that are told of: who writes one wrongly writes all so."""


def _check(example: Example, report: Report) -> None:
    if not example.tools:
        return
    told = 0
    for function in functions_of(example):
        parameters = function.fields.get("parameters")
        if parameters is None or parameters == {} or told == _TOLD:
            continue  # a function without parameters
        for problem in parameter_problems(parameters)[:1]:
            report(f"{function.name or 'a function'}: {problem.message}", help=problem.help,
                   beside=tool_places(function, f"/parameters{problem.pointer}"))  # fmt: skip
            told += 1


RULE = ExampleRule("S120", "warning", _check, concerns=("tools",))
