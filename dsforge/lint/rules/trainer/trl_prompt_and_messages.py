"""TRL: a row with `prompt` and `messages`.

Why is this bad?
    Whether the row is a conversation is told by one of its columns, which a set gives in another order in each run (TRL
    1.16, `is_conversational`); then `prompt` asks for a `completion`, and the run stops with a KeyError. ultrachat_200k
    is such a dataset. Remove the column that is not trained.

Options:
    target=trl

Bad:
    {"prompt": "Hi", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if "prompt" in seen.value and ("messages" in seen.value or "conversations" in seen.value):
        report(f"a prompt beside the messages: {target.title} wants a completion for it, and stops", "/prompt",
               "remove the prompt")  # fmt: skip


RULE = trap("X916", "error", _check)
