"""Many more answers of one label than of the other.

Why is this bad?
    KTO weighs each answer the same, so the larger side is what it learns. The trainers' advice (TRL, after the
    paper): `desirable_weight` times the good and `undesirable_weight` times the bad should stand between 1:1 and 4:3;
    the weight that makes it so is in the message. Told of from 20 labels, where one side is twice the other.

Bad:
    {"prompt": "Question 0", "completion": "Answer 0", "label": false}
    {"prompt": "Question 1", "completion": "Answer 1", "label": false}
    {"prompt": "Question 2", "completion": "Answer 2", "label": false}
    {"prompt": "Question 3", "completion": "Answer 3", "label": false}
    {"prompt": "Question 4", "completion": "Answer 4", "label": true}
    {"prompt": "Question 5", "completion": "Answer 5", "label": true}
    {"prompt": "Question 6", "completion": "Answer 6", "label": true}
    {"prompt": "Question 7", "completion": "Answer 7", "label": true}
    {"prompt": "Question 8", "completion": "Answer 8", "label": true}
    {"prompt": "Question 9", "completion": "Answer 9", "label": true}
    {"prompt": "Question 10", "completion": "Answer 10", "label": true}
    {"prompt": "Question 11", "completion": "Answer 11", "label": true}
    {"prompt": "Question 12", "completion": "Answer 12", "label": true}
    {"prompt": "Question 13", "completion": "Answer 13", "label": true}
    {"prompt": "Question 14", "completion": "Answer 14", "label": true}
    {"prompt": "Question 15", "completion": "Answer 15", "label": true}
    {"prompt": "Question 16", "completion": "Answer 16", "label": true}
    {"prompt": "Question 17", "completion": "Answer 17", "label": true}
    {"prompt": "Question 18", "completion": "Answer 18", "label": true}
    {"prompt": "Question 19", "completion": "Answer 19", "label": true}

Good:
    {"prompt": "Question 0", "completion": "Answer 0", "label": true}
    {"prompt": "Question 1", "completion": "Answer 1", "label": false}
    {"prompt": "Question 2", "completion": "Answer 2", "label": true}
    {"prompt": "Question 3", "completion": "Answer 3", "label": false}
    {"prompt": "Question 4", "completion": "Answer 4", "label": true}
    {"prompt": "Question 5", "completion": "Answer 5", "label": false}
    {"prompt": "Question 6", "completion": "Answer 6", "label": true}
    {"prompt": "Question 7", "completion": "Answer 7", "label": false}
    {"prompt": "Question 8", "completion": "Answer 8", "label": true}
    {"prompt": "Question 9", "completion": "Answer 9", "label": false}
    {"prompt": "Question 10", "completion": "Answer 10", "label": true}
    {"prompt": "Question 11", "completion": "Answer 11", "label": false}
    {"prompt": "Question 12", "completion": "Answer 12", "label": true}
    {"prompt": "Question 13", "completion": "Answer 13", "label": false}
    {"prompt": "Question 14", "completion": "Answer 14", "label": true}
    {"prompt": "Question 15", "completion": "Answer 15", "label": false}
    {"prompt": "Question 16", "completion": "Answer 16", "label": true}
    {"prompt": "Question 17", "completion": "Answer 17", "label": false}
    {"prompt": "Question 18", "completion": "Answer 18", "label": true}
    {"prompt": "Question 19", "completion": "Answer 19", "label": false}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule

_MIN_ROWS = 20
_RATIO = 2


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    good, bad = facts.label.count(1), facts.label.count(0)
    if good + bad < _MIN_ROWS or not (good and bad) or max(good, bad) < _RATIO * min(good, bad):
        return
    if good > bad:
        name, low, high = "undesirable_weight", good / bad * 3 / 4, good / bad
    else:
        name, low, high = "desirable_weight", bad / good, bad / good * 4 / 3
    report(f"{good:,} answers are labelled true, {bad:,} false",
           help=f"set {name} between {low:.2f} and {high:.2f}, or add answers of the other label")  # fmt: skip


RULE = DatasetRule("B411", "info", _check)
