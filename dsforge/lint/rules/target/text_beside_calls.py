"""A message with text and tool calls.

Why is this bad?
    Some platforms take a message of the assistant either as text or as calls, and refuse one that is both. Runs where a
    target is given with `--target`.

Options:
    target=mistral

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "I will look.", "tool_calls": [{"id": "aB3dE6gH9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "aB3dE6gH9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rule import Report, Seen, TargetRule

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if target.rows.text_beside_calls:
        return
    for index, message in enumerate(seen.example.all_messages()):
        if message.tool_calls and message.content:
            report(f"text and calls in one message; {target.called} takes one of them", index,
                   f"leave the text out: dsforge convert FILE --to {target.formats[0]} -o OUT.jsonl")  # fmt: skip


RULE = TargetRule("X818", "error", _check, applies=lambda target: not target.rows.text_beside_calls)
