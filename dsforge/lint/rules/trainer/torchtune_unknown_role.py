"""torchtune: a ShareGPT role other than system, human and gpt.

Why is this bad?
    `ShareGPTToMessages` looks the role up in a table of three, and a KeyError ends the run, in the middle of an epoch
    (torchtune 0.6.1). `dsforge convert --to chatml` writes roles that `conversation_style: openai` reads.

Options:
    target=torchtune

Bad:
    {"conversations": [{"from": "user", "value": "Hi"}, {"from": "assistant", "value": "Hello!"}]}

Good:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_ROLES = {"system", "human", "gpt"}


def _check(seen: Seen, target: Target, report: Report) -> None:
    turns = seen.value["conversations"]
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        if turn.get("from") not in _ROLES:
            place = f"/conversations/{index}/from" if "from" in turn else f"/conversations/{index}"
            report(f"{target.title} knows no turn from {turn.get('from')!r}, and stops at the row", place,
                   "dsforge convert FILE --to chatml -o OUT.jsonl")  # fmt: skip
            return


RULE = trap("X951", "error", _check, ("sharegpt",))
