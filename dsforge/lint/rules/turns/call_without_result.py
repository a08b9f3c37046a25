"""A tool call that is never answered by the tool.

Why is this bad?
    The model learns to go on as though it knew the result: it learns to invent results.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "user", "content": "And?"}, {"role": "assistant", "content": "Sunny."}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "1", "content": "sunny"}, {"role": "assistant", "content": "Sunny."}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report


def _check(example: Example, report: Report) -> None:
    messages = example.messages
    for index, message in enumerate(messages):
        if not message.tool_calls or index + 1 == len(messages):  # a row may end with the call that it teaches
            continue
        results = 0
        while index + results + 1 < len(messages) and messages[index + results + 1].role == "tool":
            results += 1
        if results == 0:
            names = ", ".join(call.name for call in message.tool_calls)
            report(f"the call of {names} has no result: a {messages[index + 1].role} message follows", index,
                   "put the tool's answer after the call")  # fmt: skip


RULE = ExampleRule("T204", "error", _check)
