"""A validation file that is too small to tell anything, or larger than it need be.

Why is this bad?
    A score over a few rows moves by chance more than by training; rows beyond a few hundred are rows that are not
    trained. Told of where fewer than 20 rows, or 1% of at least 500, are for validation, or more than a third of at
    least 60. Files are told by their names: train, and val, valid, validation, dev or eval.

Bad in train.jsonl:
    {"instruction": "Question 0", "output": "Answer 0"}
    {"instruction": "Question 1", "output": "Answer 1"}
    {"instruction": "Question 2", "output": "Answer 2"}
    {"instruction": "Question 3", "output": "Answer 3"}
    {"instruction": "Question 4", "output": "Answer 4"}
    {"instruction": "Question 5", "output": "Answer 5"}
    {"instruction": "Question 6", "output": "Answer 6"}
    {"instruction": "Question 7", "output": "Answer 7"}
    {"instruction": "Question 8", "output": "Answer 8"}
    {"instruction": "Question 9", "output": "Answer 9"}
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
    {"instruction": "Question 20", "output": "Answer 20"}
    {"instruction": "Question 21", "output": "Answer 21"}
    {"instruction": "Question 22", "output": "Answer 22"}
    {"instruction": "Question 23", "output": "Answer 23"}
    {"instruction": "Question 24", "output": "Answer 24"}
    {"instruction": "Question 25", "output": "Answer 25"}
    {"instruction": "Question 26", "output": "Answer 26"}
    {"instruction": "Question 27", "output": "Answer 27"}
    {"instruction": "Question 28", "output": "Answer 28"}
    {"instruction": "Question 29", "output": "Answer 29"}

Bad in valid.jsonl:
    {"instruction": "Question 30", "output": "Answer 30"}
    {"instruction": "Question 31", "output": "Answer 31"}
    {"instruction": "Question 32", "output": "Answer 32"}
    {"instruction": "Question 33", "output": "Answer 33"}
    {"instruction": "Question 34", "output": "Answer 34"}
    {"instruction": "Question 35", "output": "Answer 35"}
    {"instruction": "Question 36", "output": "Answer 36"}
    {"instruction": "Question 37", "output": "Answer 37"}
    {"instruction": "Question 38", "output": "Answer 38"}
    {"instruction": "Question 39", "output": "Answer 39"}
    {"instruction": "Question 40", "output": "Answer 40"}
    {"instruction": "Question 41", "output": "Answer 41"}
    {"instruction": "Question 42", "output": "Answer 42"}
    {"instruction": "Question 43", "output": "Answer 43"}
    {"instruction": "Question 44", "output": "Answer 44"}
    {"instruction": "Question 45", "output": "Answer 45"}
    {"instruction": "Question 46", "output": "Answer 46"}
    {"instruction": "Question 47", "output": "Answer 47"}
    {"instruction": "Question 48", "output": "Answer 48"}
    {"instruction": "Question 49", "output": "Answer 49"}
    {"instruction": "Question 50", "output": "Answer 50"}
    {"instruction": "Question 51", "output": "Answer 51"}
    {"instruction": "Question 52", "output": "Answer 52"}
    {"instruction": "Question 53", "output": "Answer 53"}
    {"instruction": "Question 54", "output": "Answer 54"}
    {"instruction": "Question 55", "output": "Answer 55"}
    {"instruction": "Question 56", "output": "Answer 56"}
    {"instruction": "Question 57", "output": "Answer 57"}
    {"instruction": "Question 58", "output": "Answer 58"}
    {"instruction": "Question 59", "output": "Answer 59"}

Good in train.jsonl:
    {"instruction": "Question 0", "output": "Answer 0"}
    {"instruction": "Question 1", "output": "Answer 1"}
    {"instruction": "Question 2", "output": "Answer 2"}
    {"instruction": "Question 3", "output": "Answer 3"}
    {"instruction": "Question 4", "output": "Answer 4"}
    {"instruction": "Question 5", "output": "Answer 5"}
    {"instruction": "Question 6", "output": "Answer 6"}
    {"instruction": "Question 7", "output": "Answer 7"}
    {"instruction": "Question 8", "output": "Answer 8"}
    {"instruction": "Question 9", "output": "Answer 9"}
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
    {"instruction": "Question 20", "output": "Answer 20"}
    {"instruction": "Question 21", "output": "Answer 21"}
    {"instruction": "Question 22", "output": "Answer 22"}
    {"instruction": "Question 23", "output": "Answer 23"}
    {"instruction": "Question 24", "output": "Answer 24"}
    {"instruction": "Question 25", "output": "Answer 25"}
    {"instruction": "Question 26", "output": "Answer 26"}
    {"instruction": "Question 27", "output": "Answer 27"}
    {"instruction": "Question 28", "output": "Answer 28"}
    {"instruction": "Question 29", "output": "Answer 29"}
    {"instruction": "Question 30", "output": "Answer 30"}
    {"instruction": "Question 31", "output": "Answer 31"}
    {"instruction": "Question 32", "output": "Answer 32"}
    {"instruction": "Question 33", "output": "Answer 33"}
    {"instruction": "Question 34", "output": "Answer 34"}
    {"instruction": "Question 35", "output": "Answer 35"}
    {"instruction": "Question 36", "output": "Answer 36"}
    {"instruction": "Question 37", "output": "Answer 37"}
    {"instruction": "Question 38", "output": "Answer 38"}
    {"instruction": "Question 39", "output": "Answer 39"}

Good in valid.jsonl:
    {"instruction": "Question 40", "output": "Answer 40"}
    {"instruction": "Question 41", "output": "Answer 41"}
    {"instruction": "Question 42", "output": "Answer 42"}
    {"instruction": "Question 43", "output": "Answer 43"}
    {"instruction": "Question 44", "output": "Answer 44"}
    {"instruction": "Question 45", "output": "Answer 45"}
    {"instruction": "Question 46", "output": "Answer 46"}
    {"instruction": "Question 47", "output": "Answer 47"}
    {"instruction": "Question 48", "output": "Answer 48"}
    {"instruction": "Question 49", "output": "Answer 49"}
    {"instruction": "Question 50", "output": "Answer 50"}
    {"instruction": "Question 51", "output": "Answer 51"}
    {"instruction": "Question 52", "output": "Answer 52"}
    {"instruction": "Question 53", "output": "Answer 53"}
    {"instruction": "Question 54", "output": "Answer 54"}
    {"instruction": "Question 55", "output": "Answer 55"}
    {"instruction": "Question 56", "output": "Answer 56"}
    {"instruction": "Question 57", "output": "Answer 57"}
    {"instruction": "Question 58", "output": "Answer 58"}
    {"instruction": "Question 59", "output": "Answer 59"}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.splits import split_of

_MIN_ROWS, _MIN_TRAINED = 60, 500
_FEWEST, _SMALLEST, _LARGEST = 20, 0.01, 1 / 3


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    splits = [split_of(path) for path in facts.path]
    trained, held = splits.count("train"), splits.count("validation")
    if not trained or not held:
        return
    share, first = held / (trained + held), splits.index("validation")
    counts = f"{held:,} rows are for validation and {trained:,} for training ({share:.1%})"
    if trained + held >= _MIN_ROWS and share > _LARGEST:
        report(f"{counts}: more than a third", first, "train on more of them: dsforge split")
    elif trained >= _MIN_TRAINED and (held < _FEWEST or (share < _SMALLEST and held < _FEWEST * 5)):
        report(f"{counts}: too few to tell one model from another", first, "keep more of them: dsforge split")


RULE = DatasetRule("B412", "info", _check)
