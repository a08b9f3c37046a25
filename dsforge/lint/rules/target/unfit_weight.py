"""A weight that the target refuses.

Why is this bad?
    Where a weight may be 0 or 1, on messages of the assistant, the platform refuses the whole file over 0.5, or over a
    weight on a question. Runs where a target is given with `--target`.

Options:
    target=openai

Bad:
    {"messages": [{"role": "user", "content": "Hi", "weight": 0}, {"role": "assistant", "content": "Hello!", "weight": 1.0}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!", "weight": 1}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.edit import Edit
from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import Written, written_messages

if TYPE_CHECKING:
    from dsforge.targets.profile import Target

_FIELDS = ("weight", "loss_weight", "loss_scale", "loss", "training", "train")


def _field(written: Written) -> str:
    """The field that the weight was read from; "" where it stands elsewhere."""
    return next((name for name in _FIELDS if written.fields.get(name) is not None), "")


def _check(seen: Seen, target: Target, report: Report) -> None:
    rules = target.weights
    if all(message.weight is None for message in seen.example.all_messages()):
        return
    for written in written_messages(seen):
        message, weight = written.message, written.message.weight
        if weight is None:
            continue
        field = _field(written)
        place = written.at(field) if field else written.number
        pointer = written.at(field) if field else ""
        if rules.roles and message.role not in rules.roles:
            report(f"a weight on a message of the {message.role}; {target.called} refuses it: only messages of the "
                   f"{' and '.join(rules.roles)} have one", place, "remove it",
                   fix=Edit("remove", pointer) if pointer else None)  # fmt: skip
        elif rules.whole and (type(weight) is not int or weight not in (0, 1)):
            meant = int(weight) if weight in (0, 1) else None
            report(f"weight {weight}; {target.called} refuses other weights than 0 and 1", place,
                   f"write {meant}" if meant is not None else "1 trains the message, 0 does not",
                   fix=Edit("replace", pointer, meant) if pointer and meant is not None else None)  # fmt: skip
        elif not rules.with_images and weight and message.media:
            report(f"weight {weight} on a message with an image; {target.called} refuses any but 0 there", place,
                   "remove it")  # fmt: skip


RULE = TargetRule("X808", "error", _check, fix="safe")
