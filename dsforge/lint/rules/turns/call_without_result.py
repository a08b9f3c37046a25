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
from dsforge.lint.rules.turns.call_places import call_places

_HELP = "put the tool's answer after the call"


def _check(example: Example, report: Report) -> None:
    messages = example.messages
    for index, message in enumerate(messages):
        if not message.tool_calls or index + 1 == len(messages):  # a row may end with the call that it teaches
            continue
        after = index + 1
        while after < len(messages) and messages[after].role == "tool":
            after += 1
        answered = {one.tool_call_id for one in messages[index + 1 : after]}
        if not answered:
            names = ", ".join(call.name for call in message.tool_calls)
            report(f"the call of {names} has no result: a {messages[after].role} message follows", index, _HELP,
                   beside=call_places(0))  # fmt: skip
        elif after < len(messages) and answered < {call.id for call in message.tool_calls}:
            for number, call in enumerate(message.tool_calls):
                if call.id and call.id not in answered:
                    report(f"the call of {call.name} ({call.id}) has no result, another call beside it has one", index,
                           _HELP, beside=call_places(number, "id"))  # fmt: skip


RULE = ExampleRule("T204", "error", _check, concerns=("tools",))
