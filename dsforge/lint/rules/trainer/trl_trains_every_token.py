"""TRL: conversations, of which it trains every token, the questions too.

Why is this bad?
    For rows of `messages` the loss falls on system prompts and questions as well, unless `assistant_only_loss` is set
    (TRL 1.16, off by default). With `prompt` and `completion` it falls on the completion alone: `dsforge convert --to
    trl` writes these. Told once for the dataset.

Options:
    target=trl

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

Good:
    {"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import dataset_trap

if TYPE_CHECKING:
    from dsforge.lint.facts import Facts, Settings
    from dsforge.lint.rule import DatasetReport
    from dsforge.targets.profile import Target


def _check(facts: Facts, settings: Settings, target: Target, report: DatasetReport) -> None:
    whole = [index for index, (name, pair) in enumerate(zip(facts.format, facts.preference, strict=True))
             if name in ("chatml", "sharegpt") and not pair]  # fmt: skip
    if whole:
        some = "row is a whole conversation" if len(whole) == 1 else "rows are whole conversations"
        report(f"{len(whole):,} {some}; {target.title} trains every token, the questions too", whole[0],
               "set assistant_only_loss: true, or dsforge convert FILE --to trl -o OUT.jsonl", rows=whole)  # fmt: skip


RULE = dataset_trap("X917", "info", _check)
