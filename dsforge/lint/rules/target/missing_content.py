"""A message without content, and without calls in its place.

Why is this bad?
    The platform refuses the file. Rule S104 tells of content that is empty. Runs where a target is given with
    `--target`.

Options:
    target=azure

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not target.rows.content:
        return
    if all(message.content is not None or message.tool_calls for message in seen.example.all_messages()):
        return
    for written in written_messages(seen):
        message = written.message
        if message.content is None and not message.tool_calls:
            report(f"the {message.role} message has neither content nor calls; {target.called} refuses it",
                   written.at("content"), "write its content or remove the row")  # fmt: skip


RULE = TargetRule("X819", "error", _check, applies=lambda target: target.rows.content)
