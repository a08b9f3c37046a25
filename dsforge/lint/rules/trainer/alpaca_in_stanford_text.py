"""axolotl, torchtune: Alpaca rows, which they put into the prompt text of Stanford Alpaca.

Why is this bad?
    `type: alpaca` of axolotl does not use the chat template of the model at all, `alpaca_dataset` of torchtune writes
    the text into the user's turn: what is trained is "### Instruction:", which nobody writes in use (axolotl 0.19.0,
    torchtune 0.6.1). `dsforge convert --to chatml` writes a conversation. Told once for the dataset.

Options:
    target=axolotl

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
        report(f"{counted(len(rows), 'row')} Alpaca's: {target.title} writes the prompt text of Stanford Alpaca",
               rows[0], "dsforge convert FILE --to chatml -o OUT.jsonl", rows=rows)  # fmt: skip


RULE = dataset_trap("X943", "info", _check)
