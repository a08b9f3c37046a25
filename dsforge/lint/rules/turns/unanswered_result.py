r"""A result of a tool that the assistant passes over: the user speaks next.

Why is this bad?
    What the model should do with a result is what the row is there to teach. LLaMA-Factory drops the row, and the chat
    template of Mistral fails.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}}]}, {"role": "tool", "tool_call_id": "1", "content": "sunny"}, {"role": "user", "content": "And?"}, {"role": "assistant", "content": "Sunny."}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}}]}, {"role": "tool", "tool_call_id": "1", "content": "sunny"}, {"role": "assistant", "content": "Sunny."}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report


def _check(example: Example, report: Report) -> None:
    for message in example.messages:
        if message.role == "tool":
            break
    else:
        return
    before = ""
    for index, message in enumerate(example.messages):
        role = message.role
        if before == "tool" and role != "tool" and role != "assistant":
            report(f"a {role} message follows the result of a tool: the assistant never answers it", index - 1,
                   "write what the assistant makes of the result")  # fmt: skip
        before = role


RULE = ExampleRule("T210", "warning", _check, concerns=("tools",))
