"""An image in a message that may not have one.

Why is this bad?
    Models that answer with text can only be asked about images: a platform refuses them in answers and in the system
    message. Runs where a target is given with `--target`.

Options:
    target=openai

Bad:
    {"messages": [{"role": "user", "content": "Draw a cat"}, {"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}]}]}

Good:
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}]}, {"role": "assistant", "content": "A cat"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    allowed = target.images.roles
    if not allowed or not any(message.media for message in seen.example.all_messages() if message.role not in allowed):
        return
    for written in written_messages(seen):
        if written.message.role not in allowed:
            for media, place in written.files():
                report(f"the {written.message.role} message holds an {media.kind}; {target.called} refuses it: only "
                       f"messages of the {' and '.join(allowed)} may", place,
                       "move it to the question, or remove the row")  # fmt: skip


RULE = TargetRule("X812", "error", _check, applies=lambda target: bool(target.images.roles))
