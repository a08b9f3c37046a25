"""torchtune: a message without content, in whose place it trains the one before.

Why is this bad?
    `OpenAIToMessages` keeps the content of the message before where there is none, as is usual beside tool calls: the
    question "Weather in Ulm?" is trained as the answer to itself (torchtune 0.6.1). Where the first message has none,
    the run stops.

Options:
    target=torchtune

Bad:
    {"messages": [{"role": "user", "content": "Weather in Ulm?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather in Ulm?"}, {"role": "assistant", "content": "It is sunny."}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if all(message.content is not None for message in seen.example.all_messages()):
        return
    for written in written_messages(seen):
        if written.message.content is None:
            report(f"no content: {target.title} trains that of the message before in its place", written.at("content"),
                   "leave the row out, or write what the assistant says")  # fmt: skip


RULE = trap("X952", "error", _check, ("chatml",))
