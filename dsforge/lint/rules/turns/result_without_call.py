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
from dsforge.example import Example, Message
from dsforge.lint.rule import ExampleRule, Report


def _check(example: Example, report: Report) -> None:
    for message in example.messages:
        if message.role == "tool":
            _check_results(example.messages, report)
            return


def _check_results(messages: list[Message], report: Report) -> None:
    waiting: list[str | None] = []  # the ids of the calls that have no result yet, in the turn at hand
    called = False
    known: set[str] = set()
    for index, message in enumerate(messages):
        if message.role != "tool":
            called = message.role == "assistant" and bool(message.tool_calls)
            waiting = [call.id for call in message.tool_calls]
            known.update(identifier for identifier in waiting if identifier)
            continue
        asked = message.tool_call_id
        if not called:
            report("a tool result with no call before it", index, "put the assistant's call before it")
        elif known and asked and asked not in known:
            report(f"tool_call_id {asked!r} is of no call{did_you_mean(asked, known)}", index,
                   "write the id of the call it answers", beside=("tool_call_id",))  # fmt: skip
        elif asked and asked in known and asked not in waiting:
            report(f"tool_call_id {asked!r} is of a call that has its result already", index,
                   "write the id of the call it answers", beside=("tool_call_id",))  # fmt: skip
        elif not waiting:
            report("one result more than there are calls", index, "put a call before it, or join it with the last one")
        else:
            waiting.remove(asked if asked in waiting else waiting[0])


RULE = ExampleRule("T205", "error", _check, concerns=("tools",))
