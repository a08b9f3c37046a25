"""Rows of several formats in one dataset.

Why is this bad?
    Trainers and platforms read one format per file and drop or refuse the others. Often two sources were
    put together and one of them forgotten: `dsforge convert` makes them one.

Bad:
    {"instruction": "Say hello", "output": "Hello"}
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

Good:
    {"instruction": "Say hello", "output": "Hello"}
    {"instruction": "Say goodbye", "output": "Goodbye"}
"""

from collections import Counter

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    counts = Counter(facts.format)
    if len(counts) < 2:
        return
    usual = counts.most_common(1)[0][0]
    for name, count in counts.most_common()[1:]:
        first = facts.format.index(name)
        report(f"{count:,} of {len(facts):,} rows are {name}, the others {usual}; this is the first of them", first,
               f"make them one: dsforge convert FILE --to {usual} -o OUT.jsonl")  # fmt: skip


RULE = DatasetRule("S102", "error", _check)
