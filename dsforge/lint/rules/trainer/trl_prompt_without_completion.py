"""TRL: a prompt without a completion.

Why is this bad?
    `prompt` asks for `completion`, or for `chosen` and `rejected`: without them SFT stops (TRL 1.16: KeyError
    'completion'). Rows of prompts alone are for GRPO and RLOO.

Options:
    target=trl

Bad:
    {"prompt": [{"role": "user", "content": "Hi"}]}

Good:
    {"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if "prompt" in seen.value and not {"completion", "chosen", "rejected"} & seen.value.keys():
        report(f"a prompt without a completion: {target.title} stops at the row", "/prompt", "write the completion")


RULE = trap("X923", "error", _check, ("trl", "prompt-completion"))
