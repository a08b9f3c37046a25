"""LLaMA-Factory: a column that the rows have and `columns` of dataset_info.json leaves out.

Why is this bad?
    Where an entry has `columns`, those that it does not list are not read, and nothing is said: with
    `{"prompt": "instruction", "response": "output"}` the `input` of every row is gone (LLaMA-Factory 0.9.5,
    `DatasetAttr.join`). System prompts, tools, history and images are read only where they are listed, entry or not.
    Runs for a dataset_info.json in the folder of the rows.

Options:
    target=llamafactory

Bad in dataset_info.json:
    {"mine": {"file_name": "train.jsonl", "columns": {"prompt": "instruction", "response": "output"}}}

Bad in train.jsonl:
    {"instruction": "Translate to French", "input": "Good morning", "output": "Bonjour"}

Good in dataset_info.json:
    {"mine": {"file_name": "train.jsonl", "columns": {"prompt": "instruction", "query": "input", "response": "output"}}}

Good in train.jsonl:
    {"instruction": "Translate to French", "input": "Good morning", "output": "Bonjour"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.described_rows import described_files
from dsforge.lint.rules.trainer.trap import dataset_trap

if TYPE_CHECKING:
    from dsforge.lint.facts import Facts, Settings
    from dsforge.lint.rule import DatasetReport
    from dsforge.targets.profile import Target

_BESIDE = {"system": "system", "tools": "tools", "images": "images", "videos": "videos", "audios": "audios",
           "chosen": "chosen", "rejected": "rejected", "kto_tag": "kto_tag"}  # fmt: skip
_ALPACA = {"instruction": "prompt", "input": "query", "output": "response", "history": "history", **_BESIDE}
_TURNS = {"conversations": "messages", "messages": "messages", **_BESIDE}


def _check(facts: Facts, settings: Settings, target: Target, report: DatasetReport) -> None:
    for file in described_files(facts):
        known = _ALPACA if file.formatting == "alpaca" else _TURNS
        listed = set(file.columns.values())
        for index, row in file.rows(facts):
            full = [key for key in known if row.get(key) not in (None, "", [])]
            lost = [key for key in full if key not in listed and known[key] not in file.columns]
            if lost:
                listing = ", ".join(f'"{known[key]}": "{key}"' for key in lost)
                report(f"{file.info.name}: {file.name} does not list {' and '.join(map(repr, lost))}: {target.title} "
                       "trains the row without it", index, f"add {listing} to its columns")  # fmt: skip


RULE = dataset_trap("X901", "error", _check)
