"""Data that only some models of the target are trained on, or only in full training.

Why is this bad?
    The job is refused if another model, or LoRA, is chosen for it. Name the model to be sure: `--target
    zhipu/glm-4.5-air`. Runs where a target is given with `--target`.

Options:
    target=zhipu

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
    said = target.models.get(target.model or target.default_model)
    full_only = said.full_only if said and "lora" in said.methods else ()
    for wanted, place in wanted_of(seen).items():
        if not target.fits(wanted) and not target.model and (able := target.fitting(wanted)):
            report(f"of the models of {target.title} only {', '.join(able)} {'is' if len(able) == 1 else 'are'} "
                   f"trained on {IN_WORDS[wanted]}", place_of(seen, wanted, place),
                   f"name the model that you train: --target {target.name}/{able[0]}")  # fmt: skip
        elif wanted in full_only:
            report(f"{target.title} trains {target.model or target.default_model} on {IN_WORDS[wanted]} in full "
                   "training alone, not by LoRA", place_of(seen, wanted, place), "choose full training")  # fmt: skip


def _applies(target: Target) -> bool:
    said = target.models.get(target.model or target.default_model)
    return bool(target.unfit() or (said and said.full_only))


RULE = TargetRule("X804", "warning", _check, applies=_applies)
