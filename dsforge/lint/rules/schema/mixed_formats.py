"""Rows of several formats in one dataset.

Why is this bad?
    Trainers and platforms read one format per file and drop or refuse the others. Often two sources were
    put together and one of them forgotten: `dsforge convert` makes them one. Each format is told once, at the first of
    its rows: every one but the most frequent, with `--target` every one but the target's own.

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
from dsforge.lint.target import own_format


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    counts = Counter(facts.format)
    if len(counts) < 2:
        return
    usual = wanted = counts.most_common(1)[0][0]
    alike: set[str] = set()
    if target := settings.profile():
        usual = next((name for name in target.formats if name in counts), usual)
        wanted = own_format(target, facts)
        alike = {name for group in target.alike if usual in group for name in group}
    for name, count in counts.most_common():
        if name != usual and name not in alike:
            rows = [index for index, one in enumerate(facts.format) if one == name]
            report(f"{count:,} of {len(facts):,} rows {'is' if count == 1 else 'are'} {name}, beside {counts[usual]:,} "
                   f"of {usual}", rows[0], f"make them one: dsforge convert FILE --to {wanted} -o OUT.jsonl",
                   rows=rows)  # fmt: skip


RULE = DatasetRule("S102", "error", _check)
