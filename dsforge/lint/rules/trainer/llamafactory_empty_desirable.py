"""LLaMA-Factory: a good answer (KTO) that is empty, which it takes for a bad one.

Why is this bad?
    It tells good answers from bad ones by which of two texts is not empty (LLaMA-Factory 0.9.5, data/processor/
    feedback.py): a good answer without text is trained as an undesirable one.

Options:
    target=llamafactory

Bad:
    {"instruction": "Say nothing", "output": "", "kto_tag": true}

Good:
    {"instruction": "Say nothing", "output": "", "kto_tag": false}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if seen.example.label is not True or not seen.example.messages:
        return
    last = seen.example.messages[-1]
    if last.role == "assistant" and not (last.text or last.tool_calls or last.reasoning):
        report(f"the good answer is empty: {target.title} trains it as a bad one", len(seen.example.messages) - 1,
               "write the answer or remove the row")  # fmt: skip


RULE = trap("X911", "error", _check)
