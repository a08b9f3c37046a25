"""Data of a kind that the target, or the model, is not trained on.

Why is this bad?
    The job is refused, or the model trains on rows whose tool calls, reasoning or images it never sees. Runs where a
    target is given with `--target`, and judges by the model where one is named: `--target zhipu/glm-4-air`.

Options:
    target=zhipu/glm-4-air

Bad:
    {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "reasoning_content": "Two and two.", "content": "4"}]}

Good:
    {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import IN_WORDS, place_of, wanted_of

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    all_wanted = wanted_of(seen)
    for wanted, place in all_wanted.items():
        if target.fits(wanted):
            continue
        others = target.fitting(wanted)
        if others and not target.model:  # another model may be meant: rule X804
            continue
        what = f"does not train {target.model}" if target.model else "trains no model"
        also = f"; it does train {', '.join(others)}" if others else ""
        help = f"train {others[0]}, or leave the row out" if others else "leave the row out"
        report(f"{target.title} {what} on {IN_WORDS[wanted]}{also}", place_of(seen, wanted, place), help)
    said = target.models.get(target.model)
    for needed in said.needs if said else ():
        if needed not in all_wanted:
            report(f"{target.title} trains {target.model} on {IN_WORDS[needed]}, and the row has none",
                   help="leave the row out, or train another model")  # fmt: skip


def _applies(target: Target) -> bool:
    said = target.models.get(target.model)
    return bool(target.unfit() or (said and said.needs))


RULE = TargetRule("X803", "error", _check, applies=_applies)
