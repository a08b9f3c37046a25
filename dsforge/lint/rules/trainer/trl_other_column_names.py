"""TRL: columns of question and answer under names that it does not know.

Why is this bad?
    It reads `prompt` and `completion`, or `chosen` and `rejected`. Under other names (`question`, `answer`, `query`,
    `response`) nothing is found, and the run stops (TRL 1.16: KeyError 'text').

Options:
    target=trl

Bad:
    {"question": "Which colour?", "answer": "Blue."}

Good:
    {"prompt": "Which colour?", "completion": " Blue."}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_MEANT = {"question": "prompt", "query": "prompt", "instruction": "prompt", "response": "completion",
          "answer": "completion", "generation": "completion", "chosen_response": "chosen",
          "rejected_response": "rejected", "rejected_text": "rejected"}  # fmt: skip


def _check(seen: Seen, target: Target, report: Report) -> None:
    found = [name for name in _MEANT if name in seen.value]
    wanted = {_MEANT[name] for name in found} - seen.value.keys()
    if wanted:
        name = next(name for name in found if _MEANT[name] in wanted)
        report(f"{target.title} knows no column {name!r}, and stops at the row", f"/{name}",
               "dsforge convert FILE --to prompt-completion -o OUT.jsonl")  # fmt: skip


RULE = trap("X926", "error", _check, ("prompt-completion",))
