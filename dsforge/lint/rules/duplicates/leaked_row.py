"""A row for the score that asks what a row for training asks.

Why is this bad?
    The model has seen the question, and mostly the answer: the score says how well it remembers, and no longer how
    well it does. Files are told by their names: train, and val, valid, validation, dev, eval or test. `dsforge split`
    makes files that share nothing.

Bad in train.jsonl:
    {"instruction": "What is 2 + 2?", "output": "4"}

Bad in valid.jsonl:
    {"instruction": "What is 2 + 2?", "output": "It is 4."}

Good in train.jsonl:
    {"instruction": "What is 2 + 2?", "output": "4"}

Good in valid.jsonl:
    {"instruction": "What is 3 + 3?", "output": "6"}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.splits import split_of


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    trained: dict[int, int] = {}
    for index, path in enumerate(facts.path):
        if split_of(path) == "train":
            trained.setdefault(facts.prompt_key[index], index)
    if not trained:
        return
    for index, path in enumerate(facts.path):
        if split_of(path) in ("validation", "test"):
            earlier = trained.get(facts.prompt_key[index])
            if earlier is not None:
                report(f"asks the same as {facts.where(earlier, index)}, which is trained", index,
                       "take it out of one of the two: dsforge split makes files that share nothing")  # fmt: skip


RULE = DatasetRule("D704", "error", _check, frozenset({"keys"}))
