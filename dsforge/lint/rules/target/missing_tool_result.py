"""Several tool calls with fewer results than calls, or more.

Why is this bad?
    The platform refuses the file: it wants one result to each call. Rule T204 tells of calls without any. Runs where a
    target is given with `--target`.

Options:
    target=mistral

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "aB3dE6gH9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}, {"id": "bB3dE6gH9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "aB3dE6gH9", "content": "sunny"}, {"role": "assistant", "content": "Sunny."}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "aB3dE6gH9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "aB3dE6gH9", "content": "sunny"}, {"role": "assistant", "content": "Sunny."}]}
"""  # noqa: E501

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import place_of

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not target.tools.results:
        return
    messages = seen.example.messages
    for index, message in enumerate(messages):
        calls = len(message.tool_calls)
        results = sum(1 for _ in takewhile(lambda one: one.role == "tool", messages[index + 1 :]))
        if calls and results and calls != results:
            counts = f"{calls} {'call' if calls == 1 else 'calls'}, {results} {'result' if results == 1 else 'results'}"
            report(f"{counts}; {target.called} wants one result to each call", place_of(seen, "tools", index),
                   "write the missing results, or remove what has no match")  # fmt: skip


RULE = TargetRule("X816", "error", _check, applies=lambda target: target.tools.results)
