"""Fewer rows than a training needs to learn more than the rows themselves.

Why is this bad?
    With a few dozen rows a model learns them by heart. As a rule of thumb: 50 good rows for a narrow task, 200
    preference pairs or labelled answers before they outweigh chance. The setting `min_rows` says another number. Data
    that is written in parts is always short in one of them, so this runs only when selected.

Options:
    min_rows=2

Bad:
    {"instruction": "Say hello", "output": "Hello"}

Good:
    {"instruction": "Say hello", "output": "Hello"}
    {"instruction": "Say goodbye", "output": "Goodbye"}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule

_ADVISED = {"SFT": 50, "preference": 200, "KTO": 200}


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    rows = len(facts)
    kind = "preference" if any(facts.preference) else "KTO" if facts.label.strip(b"\2") else "SFT"
    wanted = settings.min_rows or _ADVISED[kind]
    if 0 < rows < wanted:
        report(f"{rows:,} {'row' if rows == 1 else 'rows'} of {kind} data; {wanted:,} are wanted at least",
               help="write or generate more: dsforge augment")  # fmt: skip


RULE = DatasetRule("B402", "info", _check, default=False)
