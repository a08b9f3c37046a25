"""LLaMA-Factory: an answer of a preference pair as a list of turns.

Why is this bad?
    `chosen` and `rejected` must be one turn each, as an object. With a list the row is not read as a pair, and then
    left out, with a warning in the log and no count (LLaMA-Factory 0.9.5, `SharegptDatasetConverter`).

Options:
    target=llamafactory

Bad:
    {"conversations": [{"from": "human", "value": "Hi"}], "chosen": [{"from": "gpt", "value": "Hello!"}], "rejected": [{"from": "gpt", "value": "What?"}]}

Good:
    {"conversations": [{"from": "human", "value": "Hi"}], "chosen": {"from": "gpt", "value": "Hello!"}, "rejected": {"from": "gpt", "value": "What?"}}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.formats.expect import kind_of
from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    for key in ("chosen", "rejected") if seen.example.is_preference else ():
        value = seen.value.get(key)
        if not isinstance(value, dict):
            report(f"/{key} is {kind_of(value)}; {target.title} wants one turn, and leaves the row out", f"/{key}",
                   "write the last turn as an object, and what comes before it into the prompt")  # fmt: skip
            return


RULE = trap("X913", "error", _check, ("sharegpt", "chatml"))
