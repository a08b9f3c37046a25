r"""ms-swift: reasoning in answers before the last question, which it takes out.

Why is this bad?
    For templates of thinking models the `<think>` of earlier answers is cut out before training, unless
    `preserve_thinking` is set (ms-swift 4.6.0, `_remove_history_thinking`): these answers are trained without their
    reasoning.

Options:
    target=ms-swift

Bad:
    {"messages": [{"role": "user", "content": "Is 9 prime?"}, {"role": "assistant", "content": "<think>\n3 times 3\n</think>\n\nNo."}, {"role": "user", "content": "And 7?"}, {"role": "assistant", "content": "Yes."}]}

Good:
    {"messages": [{"role": "user", "content": "Is 9 prime?"}, {"role": "assistant", "content": "<think>\n3 times 3\n</think>\n\nNo."}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    messages = seen.example.messages
    last = max((index for index, message in enumerate(messages) if message.role == "user"), default=0)
    for index, message in enumerate(messages[:last]):
        if message.role == "assistant" and (
            (message.reasoning is not None and seen.format != "chatml") or message.text.startswith("<think>")
        ):
            report(f"{target.title} takes the reasoning out of answers before the last question", index,
                   "set preserve_thinking, or end the row with this answer")  # fmt: skip


RULE = trap("X933", "warning", _check, ("chatml", "sharegpt", "swift", "firefly"))
