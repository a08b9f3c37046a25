"""TRL: a KTO label beside `messages`.

Why is this bad?
    KTO reads `prompt`, `completion` and `label`; without a prompt it looks for `chosen` and stops (TRL 1.16,
    KTOTrainer: KeyError). SFT passes over the label, and trains bad answers like good ones. `dsforge convert --to trl`
    writes a prompt and a completion.

Options:
    target=trl

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "What?"}], "label": false}

Good:
    {"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "What?"}], "label": false}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if seen.example.label is not None:
        place = "/kto_tag" if seen.value.get("kto_tag") is not None else "/label"
        report(f"a label beside a whole conversation: {target.title} reads labels of prompt and completion", place,
               "dsforge convert FILE --to trl -o OUT.jsonl")  # fmt: skip


RULE = trap("X924", "error", _check, ("chatml", "sharegpt"))
