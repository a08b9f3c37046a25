"""Every row has the same system prompt.

Why is this bad?
    The model learns to be this way under this very text, and answers worse under another one or none. Where it will
    always be called with the same text that is as it should be, so this runs only when selected.

Bad:
    {"instruction": "Question 0", "output": "Answer 0", "system": "You are kind."}
    {"instruction": "Question 1", "output": "Answer 1", "system": "You are kind."}
    {"instruction": "Question 2", "output": "Answer 2", "system": "You are kind."}
    {"instruction": "Question 3", "output": "Answer 3", "system": "You are kind."}
    {"instruction": "Question 4", "output": "Answer 4", "system": "You are kind."}
    {"instruction": "Question 5", "output": "Answer 5", "system": "You are kind."}
    {"instruction": "Question 6", "output": "Answer 6", "system": "You are kind."}
    {"instruction": "Question 7", "output": "Answer 7", "system": "You are kind."}
    {"instruction": "Question 8", "output": "Answer 8", "system": "You are kind."}
    {"instruction": "Question 9", "output": "Answer 9", "system": "You are kind."}
    {"instruction": "Question 10", "output": "Answer 10", "system": "You are kind."}
    {"instruction": "Question 11", "output": "Answer 11", "system": "You are kind."}
    {"instruction": "Question 12", "output": "Answer 12", "system": "You are kind."}
    {"instruction": "Question 13", "output": "Answer 13", "system": "You are kind."}
    {"instruction": "Question 14", "output": "Answer 14", "system": "You are kind."}
    {"instruction": "Question 15", "output": "Answer 15", "system": "You are kind."}
    {"instruction": "Question 16", "output": "Answer 16", "system": "You are kind."}
    {"instruction": "Question 17", "output": "Answer 17", "system": "You are kind."}
    {"instruction": "Question 18", "output": "Answer 18", "system": "You are kind."}
    {"instruction": "Question 19", "output": "Answer 19", "system": "You are kind."}

Good:
    {"instruction": "Question 0", "output": "Answer 0", "system": "You are kind."}
    {"instruction": "Question 1", "output": "Answer 1", "system": "You are kind."}
    {"instruction": "Question 2", "output": "Answer 2", "system": "You are kind."}
    {"instruction": "Question 3", "output": "Answer 3", "system": "You are kind."}
    {"instruction": "Question 4", "output": "Answer 4", "system": "You are kind."}
    {"instruction": "Question 5", "output": "Answer 5", "system": "You are kind."}
    {"instruction": "Question 6", "output": "Answer 6", "system": "You are kind."}
    {"instruction": "Question 7", "output": "Answer 7", "system": "You are kind."}
    {"instruction": "Question 8", "output": "Answer 8", "system": "You are kind."}
    {"instruction": "Question 9", "output": "Answer 9", "system": "You are kind."}
    {"instruction": "Question 10", "output": "Answer 10"}
    {"instruction": "Question 11", "output": "Answer 11"}
    {"instruction": "Question 12", "output": "Answer 12"}
    {"instruction": "Question 13", "output": "Answer 13"}
    {"instruction": "Question 14", "output": "Answer 14"}
    {"instruction": "Question 15", "output": "Answer 15"}
    {"instruction": "Question 16", "output": "Answer 16"}
    {"instruction": "Question 17", "output": "Answer 17"}
    {"instruction": "Question 18", "output": "Answer 18"}
    {"instruction": "Question 19", "output": "Answer 19"}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule

_MIN_ROWS = 20


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    if len(facts) >= _MIN_ROWS and facts.system[0] and len(set(facts.system)) == 1:
        report(f"all {len(facts):,} rows have the same system prompt",
               help="leave it out of some rows, or vary it, unless the model is always called with it")  # fmt: skip


RULE = DatasetRule("B405", "info", _check, frozenset({"systems"}), default=False)
