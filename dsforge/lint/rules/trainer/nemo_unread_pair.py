"""NeMo Automodel: a preference pair, of which it reads the prompt alone.

Why is this bad?
    It has no training by preferences. `chosen` and `rejected` beside the messages are passed over, and what is left is
    a question, of which no token is trained (nemo_automodel 0.7.0, `ChatDataset`).

Options:
    target=nemo

Bad:
    {"messages": [{"role": "user", "content": "Hi"}], "chosen": {"role": "assistant", "content": "Hello!"}, "rejected": {"role": "assistant", "content": "What?"}}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if seen.example.is_preference and all(message.role != "assistant" for message in seen.example.messages):
        report(f"{target.title} reads the prompt of the pair alone, and trains nothing of it", "/chosen",
               "train it elsewhere, or write the better answer into the messages")  # fmt: skip


RULE = trap("X953", "error", _check, ("chatml", "sharegpt"))
