"""NeMo Automodel: content in several parts of text, which it joins with a space.

Why is this bad?
    Other trainers put parts together as they are; here a space comes between them, in the middle of a word too
    (nemo_automodel 0.7.0, `ChatDataset`).

Options:
    target=nemo

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo!"}]}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [{"type": "text", "text": "Hello!"}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.example import Text
from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    for index, message in enumerate(seen.example.messages):
        if isinstance(message.content, list):
            texts = sum(isinstance(part, Text) for part in message.content)
            if texts > 1:
                report(f"{texts} parts of text: {target.title} joins them with a space", index, "write one text")


RULE = trap("X958", "warning", _check, ("chatml",))
