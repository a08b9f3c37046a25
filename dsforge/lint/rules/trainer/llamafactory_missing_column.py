"""LLaMA-Factory: a column that dataset_info.json lists and no row has, or one that every row needs and it leaves out.

Why is this bad?
    A listed column that is not there is a KeyError, and the run stops (LLaMA-Factory 0.9.5, data/converter.py). So
    does Alpaca's `input` where no row has one and the entry has no `columns`, and so does an entry without `messages`,
    or without `response`, for then no row is left. Runs for a dataset_info.json in the folder of the rows.

Options:
    target=llamafactory

Bad in dataset_info.json:
    {"mine": {"file_name": "train.jsonl", "formatting": "sharegpt", "columns": {"messages": "conversations", "system": "system"}}}

Bad in train.jsonl:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}

Good in dataset_info.json:
    {"mine": {"file_name": "train.jsonl", "formatting": "sharegpt", "columns": {"messages": "conversations"}}}

Good in train.jsonl:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.described_rows import Described, described_files
from dsforge.lint.rules.trainer.trap import dataset_trap

if TYPE_CHECKING:
    from dsforge.lint.facts import Facts, Settings
    from dsforge.lint.rule import DatasetReport
    from dsforge.targets.profile import Target

_OF_ALPACA = ("prompt", "query", "response", "history")


def _read(file: Described) -> dict[str, str]:
    """The columns that are looked up in each row of the entry's formatting."""
    other = ("messages",) if file.formatting == "alpaca" else _OF_ALPACA
    return {column: place for column, place in file.columns.items() if column not in other}


def _check(facts: Facts, settings: Settings, target: Target, report: DatasetReport) -> None:
    for file in described_files(facts):
        found: set[str] = set()
        rows = []
        for index, row in file.rows(facts):
            rows.append(index)
            found |= row.keys()
        if not rows:
            continue
        columns = _read(file)
        for column, place in columns.items():
            if place not in found:
                report(f"{file.info.name}: {file.name} reads {column} from {place!r}, which no row has; {target.title} "
                       "stops there", rows[0], f'take "{column}" out of its columns',
                       rows=rows)  # fmt: skip
        needed = ("messages",) if file.formatting != "alpaca" else ("response",)
        if not {"chosen", "kto_tag"} & columns.keys() and (missing := [one for one in needed if one not in columns]):
            report(f"{file.info.name}: {file.name} lists no {missing[0]}: {target.title} finds nothing to train",
                   rows[0], f'add "{missing[0]}" to its columns', rows=rows)  # fmt: skip


RULE = dataset_trap("X902", "error", _check)
