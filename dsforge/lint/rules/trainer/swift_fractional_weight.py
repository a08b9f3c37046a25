"""ms-swift: a `loss_scale` between 0 and 1.

Why is this bad?
    Unless `is_binary_loss_scale: false` is given, weights are used as yes or no: a message of weight 0.5 is trained
    like any other, or not at all (ms-swift 4.6.0).

Options:
    target=ms-swift

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!", "loss_scale": 0.5}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!", "loss_scale": 1.0}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if all(message.weight in (None, 0, 1) for message in seen.example.all_messages()):
        return
    for written in written_messages(seen):
        if written.fields.get("loss_scale") not in (None, 0, 1):
            report(f"{target.title} takes weights for yes or no", written.at("loss_scale"),
                   "set is_binary_loss_scale: false")  # fmt: skip


RULE = trap("X935", "warning", _check, ("chatml", "swift"))
