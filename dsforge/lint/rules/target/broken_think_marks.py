r"""Reasoning whose marks are not written exactly as the target reads them.

Why is this bad?
    Models that think read `<think>`, a line break, the reasoning, a line break, `</think>`, a blank line and the answer.
    With other white space they learn marks that they never meet in use. Runs where a target is given with `--target`.

Options:
    target=bailian

Bad:
    {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "<think>Two and two.</think>4"}]}

Good:
    {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "<think>\nTwo and two.\n</think>\n\n4"}]}
"""  # noqa: E501

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dsforge.formats.thinking import join_thinking, split_thinking
from dsforge.lint.rule import Report, Seen, TargetRule

if TYPE_CHECKING:
    from dsforge.targets.profile import Target

_THOUGHT = re.compile(r"\s*<think>\s*(.*?)\s*</think>\s*(.*)", re.DOTALL)


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not target.thinking.exact:
        return
    for index, message in enumerate(seen.example.all_messages()):
        text = message.text
        if message.role != "assistant" or not text.lstrip().startswith("<think>"):
            continue
        found = _THOUGHT.fullmatch(text)
        if found is None:
            report(f"<think> without </think>; {target.called} takes all of it for reasoning", index, "write </think>")
        elif split_thinking(text)[0] is None:
            report(f"white space around the think marks is not what {target.called} reads", index,
                   r"write <think>\nreasoning\n</think>\n\nanswer", fix=join_thinking(*found.groups()))  # fmt: skip


RULE = TargetRule("X821", "error", _check, applies=lambda target: target.thinking.exact, fix="safe")
