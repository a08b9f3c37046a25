"""Text that the target keeps for itself, and refuses in rows.

Why is this bad?
    The platform puts conversations together with words of its own, and refuses rows that hold them, be it in the middle
    of a text. Runs where a target is given with `--target`.

Options:
    target=bedrock

Bad:
    {"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": "user", "content": [{"text": "User: Hi"}]}, {"role": "assistant", "content": [{"text": "Hello!"}]}]}

Good:
    {"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": "user", "content": [{"text": "Hi"}]}, {"role": "assistant", "content": [{"text": "Hello!"}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rule import Report, Seen, TargetRule

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    reserved = target.rows.reserved
    if not reserved:
        return
    for index, message in enumerate(seen.example.all_messages()):
        text = message.text
        for word in reserved:
            if word in text:
                start = text.index(word)
                report(f"{word!r} is reserved; {target.called} refuses rows that say it", index,
                       "say it otherwise", span=(start, start + len(word)))  # fmt: skip


RULE = TargetRule("X820", "error", _check, applies=lambda target: bool(target.rows.reserved))
