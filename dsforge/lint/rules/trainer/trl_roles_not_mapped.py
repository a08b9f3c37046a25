"""TRL: ShareGPT roles, which it trains as they are written.

Why is this bad?
    It renames `from` to `role` and `value` to `content` and leaves the roles alone: templates of the ChatML family
    write `<|im_start|>human` and `<|im_start|>gpt`, turns that never occur in use, and nothing is said (TRL 1.16,
    `maybe_convert_to_chatml`). With assistant_only_loss it refuses. `dsforge convert --to trl` writes the roles.

Options:
    target=trl

Bad:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_ROLES = {"system", "user", "assistant", "tool", "developer"}


def _check(seen: Seen, target: Target, report: Report) -> None:
    turns = seen.value["conversations"]
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        name = turn.get("from")
        if name is not None and name not in _ROLES:
            report(f"{target.title} takes {name!r} for the name of a role, and trains turns of it",
                   f"/conversations/{index}/from", "dsforge convert FILE --to trl -o OUT.jsonl")  # fmt: skip
            return


RULE = trap("X914", "error", _check, ("sharegpt",))
