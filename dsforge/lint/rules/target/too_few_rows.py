"""Fewer rows than the target platform asks for.

Why is this bad?
    The platform refuses the file. Runs where a target is given with `--target`.

Options:
    target=somewhere target_min_rows=2

Bad:
    {"instruction": "Say hello", "output": "Hello"}

Good:
    {"instruction": "Say hello", "output": "Hello"}
    {"instruction": "Say goodbye", "output": "Goodbye"}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    if len(facts) < settings.target_min_rows:
        report(f"{len(facts):,} usable rows; {settings.target} wants at least {settings.target_min_rows:,}",
               help="write or generate more rows: dsforge augment")  # fmt: skip


RULE = DatasetRule("X802", "error", _check)
