"""Messages with content as text beside messages with content as parts.

Why is this bad?
    Some platforms read a row as one or the other: over a row with images in which an answer is plain text they refuse
    the file. Runs where a target is given with `--target`.

Options:
    target=together

Bad:
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}, {"role": "assistant", "content": "A cat"}]}

Good:
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}, {"role": "assistant", "content": [{"type": "text", "text": "A cat"}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.edit import Edit
from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not target.images.uniform or all(isinstance(one.content, str) for one in seen.example.all_messages()):
        return
    written = list(written_messages(seen))
    if not any(isinstance(one.fields.get("content"), list) for one in written):
        return
    for one in written:
        text = one.fields.get("content")
        if isinstance(text, str):
            place = one.at("content")
            report(f"the content is text, that of other messages an array; {target.called} refuses the mixture",
                   place, 'write [{"type": "text", "text": ...}]',
                   fix=Edit("replace", place, [{"type": "text", "text": text}]))  # fmt: skip


RULE = TargetRule("X814", "error", _check, applies=lambda target: target.images.uniform, fix="safe")
