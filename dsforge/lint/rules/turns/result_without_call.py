"""A tool result that no call asked for.

Why is this bad?
    Chat templates refuse it or render a result out of nowhere; with a wrong `tool_call_id` two results
    change places.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "tool", "tool_call_id": "1", "content": "sunny"}, {"role": "assistant", "content": "Sunny."}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "1", "content": "sunny"}, {"role": "assistant", "content": "Sunny."}]}
"""  # noqa: E501

from dsforge.errors import did_you_mean
from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report


def _check(example: Example, report: Report) -> None:
    called = False
    known: set[str] = set()
    for index, message in enumerate(example.messages):
        if message.role == "assistant":
            called = bool(message.tool_calls)
            known |= {call.id for call in message.tool_calls if call.id}
        elif message.role != "tool":
            called = False
        elif not called:
            report("a tool result with no call before it", index, "put the assistant's call before it")
        elif known and message.tool_call_id and message.tool_call_id not in known:
            report(f"tool_call_id {message.tool_call_id!r} is of no call{did_you_mean(message.tool_call_id, known)}",
                   index, "write the id of the call it answers")  # fmt: skip


RULE = ExampleRule("T205", "error", _check)
