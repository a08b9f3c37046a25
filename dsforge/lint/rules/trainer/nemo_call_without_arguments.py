"""NeMo Automodel: a call without arguments.

Why is this bad?
    It asks each call for arguments, and ends the run with a ValueError where they are missing or null (nemo_automodel
    0.7.0, `ChatDataset`). A call that needs none has an empty object.

Options:
    target=nemo

Bad:
    {"messages": [{"role": "user", "content": "Time?"}, {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "time"}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Time?"}, {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "time", "arguments": "{}"}}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    for index, message in enumerate(seen.example.messages):
        for at, call in enumerate(message.tool_calls):
            if call.arguments is None and call.written is None:
                report(f"the call of {call.name} has no arguments: {target.title} stops at the row",
                       f"/messages/{index}/tool_calls/{at}", 'write "arguments": "{}"')  # fmt: skip


RULE = trap("X957", "error", _check, ("chatml",))
