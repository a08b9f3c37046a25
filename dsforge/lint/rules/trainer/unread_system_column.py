"""TRL, unsloth, torchtune, NeMo Automodel: a system prompt beside the messages.

Why is this bad?
    These trainers read the messages alone: a `system` column is passed over, and the model never sees the prompt that
    shaped its answers (TRL 1.16, unsloth 2026.10.9, torchtune 0.6.1, nemo_automodel 0.7.0). Write it as the first
    message; `dsforge convert` does.

Options:
    target=trl

Bad:
    {"system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    name = next((name for name in ("system", "system_prompt") if seen.value.get(name)), "")
    if name:
        report(f"{target.title} does not read the system prompt beside the messages", f"/{name}",
               "write it as the first message: dsforge convert FILE --to chatml -o OUT.jsonl")  # fmt: skip


RULE = trap("X927", "error", _check, ("chatml", "sharegpt", "prompt-completion", "alpaca"))
