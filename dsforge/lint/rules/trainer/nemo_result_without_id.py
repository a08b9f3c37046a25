"""NeMo Automodel: the result of a tool without `tool_call_id`.

Why is this bad?
    It wants a text that is not empty, and ends the run with a ValueError at the first result without one, when the
    row's turn comes (nemo_automodel 0.7.0, `ChatDataset`).

Options:
    target=nemo

Bad:
    {"messages": [{"role": "user", "content": "Time?"}, {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "time", "arguments": "{}"}}]}, {"role": "tool", "content": "9:30"}, {"role": "assistant", "content": "Half past nine."}]}

Good:
    {"messages": [{"role": "user", "content": "Time?"}, {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "time", "arguments": "{}"}}]}, {"role": "tool", "content": "9:30", "tool_call_id": "1"}, {"role": "assistant", "content": "Half past nine."}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    for index, message in enumerate(seen.example.messages):
        if message.role == "tool" and not message.tool_call_id:
            report(f"a result without tool_call_id: {target.title} stops at the row", f"/messages/{index}",
                   "write the id of the call that it answers")  # fmt: skip


RULE = trap("X956", "error", _check, ("chatml",))
