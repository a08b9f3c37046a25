"""Two calls of one message with the same id.

Why is this bad?
    Which result belongs to which call cannot be told; OpenAI and Mistral refuse the row.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}, {"id": "1", "type": "function", "function": {"name": "time", "arguments": "{}"}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}, {"id": "2", "type": "function", "function": {"name": "time", "arguments": "{}"}}]}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.turns.call_places import call_places


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        if len(message.tool_calls) < 2:
            continue
        first: dict[str, str] = {}
        for number, call in enumerate(message.tool_calls):
            if not call.id:
                continue
            if call.id in first:
                report(f"the calls of {first[call.id]} and {call.name} have the same id {call.id!r}", index,
                       "give each call an id of its own, and its result that id",
                       beside=call_places(number, "id"))  # fmt: skip
            first.setdefault(call.id, call.name)


RULE = ExampleRule("T211", "error", _check, concerns=("tools",))
