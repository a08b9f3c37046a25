"""All answers have the same label.

Why is this bad?
    KTO learns from the difference between good answers and bad ones. With one label alone the loss has nothing to
    compare: the model learns to raise, or to lower, the probability of everything. Datasets of fewer than eight rows
    are left alone.

Bad:
    {"prompt": "Question 0", "completion": "Answer 0", "label": true}
    {"prompt": "Question 1", "completion": "Answer 1", "label": true}
    {"prompt": "Question 2", "completion": "Answer 2", "label": true}
    {"prompt": "Question 3", "completion": "Answer 3", "label": true}
    {"prompt": "Question 4", "completion": "Answer 4", "label": true}
    {"prompt": "Question 5", "completion": "Answer 5", "label": true}
    {"prompt": "Question 6", "completion": "Answer 6", "label": true}
    {"prompt": "Question 7", "completion": "Answer 7", "label": true}

Good:
    {"prompt": "Question 0", "completion": "Answer 0", "label": true}
    {"prompt": "Question 1", "completion": "Answer 1", "label": false}
    {"prompt": "Question 2", "completion": "Answer 2", "label": true}
    {"prompt": "Question 3", "completion": "Answer 3", "label": false}
    {"prompt": "Question 4", "completion": "Answer 4", "label": true}
    {"prompt": "Question 5", "completion": "Answer 5", "label": false}
    {"prompt": "Question 6", "completion": "Answer 6", "label": true}
    {"prompt": "Question 7", "completion": "Answer 7", "label": false}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule

_MIN_ROWS = 8


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    good, bad = facts.label.count(1), facts.label.count(0)
    if good + bad >= _MIN_ROWS and not (good and bad):
        report(f"all {good + bad:,} labels are {'true' if good else 'false'}",
               help=f"add answers labelled {'false' if good else 'true'}, or train with SFT")  # fmt: skip


RULE = DatasetRule("B410", "error", _check)
