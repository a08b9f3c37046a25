"""Fewer rows than the target platform asks for.

Why is this bad?
    The platform refuses the file. Runs where a target is given with `--target`.

Options:
    target=openai

Bad:
    {"messages": [{"role": "user", "content": "What is 0 + 1?"}, {"role": "assistant", "content": "1"}]}

Good:
    {"messages": [{"role": "user", "content": "What is 0 + 1?"}, {"role": "assistant", "content": "1"}]}
    {"messages": [{"role": "user", "content": "What is 1 + 1?"}, {"role": "assistant", "content": "2"}]}
    {"messages": [{"role": "user", "content": "What is 2 + 1?"}, {"role": "assistant", "content": "3"}]}
    {"messages": [{"role": "user", "content": "What is 3 + 1?"}, {"role": "assistant", "content": "4"}]}
    {"messages": [{"role": "user", "content": "What is 4 + 1?"}, {"role": "assistant", "content": "5"}]}
    {"messages": [{"role": "user", "content": "What is 5 + 1?"}, {"role": "assistant", "content": "6"}]}
    {"messages": [{"role": "user", "content": "What is 6 + 1?"}, {"role": "assistant", "content": "7"}]}
    {"messages": [{"role": "user", "content": "What is 7 + 1?"}, {"role": "assistant", "content": "8"}]}
    {"messages": [{"role": "user", "content": "What is 8 + 1?"}, {"role": "assistant", "content": "9"}]}
    {"messages": [{"role": "user", "content": "What is 9 + 1?"}, {"role": "assistant", "content": "10"}]}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    target = settings.profile()
    if target is None:
        return
    if target.min_rows and len(facts) < target.min_rows:
        report(f"{len(facts):,} usable row{'' if len(facts) == 1 else 's'}; {target.title} wants at least "
               f"{target.min_rows:,}", help="write or generate more rows: dsforge augment")  # fmt: skip


RULE = DatasetRule("X802", "error", _check)
