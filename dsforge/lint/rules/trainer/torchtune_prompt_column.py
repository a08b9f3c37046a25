"""torchtune: a preference pair whose prompt stands in a column of its own.

Why is this bad?
    `preference_dataset` reads `chosen` and `rejected`, which must hold the whole conversation each. A prompt beside
    them is passed over: the model is trained on answers to nothing (torchtune 0.6.1, `ChosenRejectedToMessages`).

Options:
    target=torchtune

Bad:
    {"prompt": [{"role": "user", "content": "Hi"}], "chosen": [{"role": "assistant", "content": "Hello!"}], "rejected": [{"role": "assistant", "content": "What?"}]}

Good:
    {"chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}], "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "What?"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if seen.example.is_preference and "prompt" in seen.value:
        report(f"a prompt in a column of its own: {target.title} reads chosen and rejected alone", "/prompt",
               "write the prompt at the beginning of both")  # fmt: skip


RULE = trap("X955", "error", _check, ("trl",))
