"""TRL: messages (role and content) under the name of `conversations`.

Why is this bad?
    It looks for `conversations` of from and value, and for `messages` of role and content. What is neither is taken for
    a row of text, and the run stops (TRL 1.16: KeyError 'text').

Options:
    target=trl

Bad:
    {"conversations": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

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
    turns = seen.value["conversations"]
    if isinstance(turns, list) and turns and "from" not in turns[0]:
        report(f"messages of role and content under the name of conversations; {target.title} stops at the row",
               "/conversations", "call the column messages")  # fmt: skip


RULE = trap("X915", "error", _check, ("sharegpt",))
