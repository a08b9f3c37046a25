"""unsloth: a role that `standardize_sharegpt` has no alias for.

Why is this bad?
    It knows system, user, human, input, gpt, assistant and output, whatever their capitals. Among the first ten rows
    any other role is a TypeError; in a later one it is a KeyError, in the middle of the work (unsloth_zoo 2026.10.9,
    `standardize_data_formats`).

Options:
    target=unsloth

Bad:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "bot", "value": "Hello!"}]}

Good:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_ALIASES = {"system", "user", "human", "input", "gpt", "assistant", "output"}


def _check(seen: Seen, target: Target, report: Report) -> None:
    turns = seen.value["conversations"]
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        key = "from" if "from" in turn else "role"
        if str(turn.get(key)).strip().lower() not in _ALIASES:
            report(f"{target.title} has no alias for the role {turn.get(key)!r}, and stops",
                   f"/conversations/{index}/{key}", "dsforge convert FILE --to trl, or give it aliases")  # fmt: skip
            return


RULE = trap("X947", "error", _check, ("sharegpt",))
