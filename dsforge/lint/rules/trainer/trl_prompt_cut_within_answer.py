r"""TRL: answers written as text that begin alike, of which the beginning is taken for the prompt.

Why is this bad?
    Where a pair has no `prompt`, it is what both texts begin with, letter by letter: of "The sky is blue" and "The sky
    is black" the prompt is "The sky is bl" (TRL 1.16, `extract_prompt`), and the model learns to go on from half a
    word. `dsforge convert --to trl` writes the prompt.

Options:
    target=trl

Bad:
    {"chosen": "\n\nHuman: Which colour?\n\nAssistant: The sky is blue.", "rejected": "\n\nHuman: Which colour?\n\nAssistant: The sky is black."}

Good:
    {"chosen": "\n\nHuman: Which colour?\n\nAssistant: Blue, it is.", "rejected": "\n\nHuman: Which colour?\n\nAssistant: The sky is black."}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_MARK = "Assistant:"


def _check(seen: Seen, target: Target, report: Report) -> None:
    chosen, rejected = seen.value.get("chosen"), seen.value.get("rejected")
    if "prompt" in seen.value or not isinstance(chosen, str) or not isinstance(rejected, str):
        return
    alike = next((at for at, (one, other) in enumerate(zip(chosen, rejected, strict=False)) if one != other), None)
    prompt = chosen[:alike]
    if chosen != rejected and not prompt.rstrip().endswith(_MARK):
        report(f"no prompt, and both answers begin alike: {target.title} takes all up to {prompt[-20:]!r} for the "
               "prompt", "/chosen", "write a prompt: dsforge convert FILE --to trl -o OUT.jsonl")  # fmt: skip


RULE = trap("X919", "error", _check, ("hh-rlhf",))
