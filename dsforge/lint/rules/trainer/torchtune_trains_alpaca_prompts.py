"""torchtune: Alpaca rows, of which it trains the instruction too.

Why is this bad?
    `alpaca_dataset` has `train_on_input: true` for its default: the loss falls on the instruction as on the answer
    (torchtune 0.6.1, `AlpacaToMessages`). `chat_dataset` trains the answers alone. Told once for the dataset.

Options:
    target=torchtune

Bad:
    {"instruction": "Translate to French", "input": "Good morning", "output": "Bonjour"}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import dataset_trap
from dsforge.lint.target import counted

if TYPE_CHECKING:
    from dsforge.lint.facts import Facts, Settings
    from dsforge.lint.rule import DatasetReport
    from dsforge.targets.profile import Target


def _check(facts: Facts, settings: Settings, target: Target, report: DatasetReport) -> None:
    if rows := [index for index, name in enumerate(facts.format) if name == "alpaca"]:
        report(f"{counted(len(rows), 'row')} Alpaca's: {target.title} trains the instructions too",
               rows[0], "set train_on_input: false, or dsforge convert FILE --to chatml -o OUT.jsonl",
               rows=rows)  # fmt: skip


RULE = dataset_trap("X954", "info", _check)
