"""Rows in a format that the target platform does not take.

Why is this bad?
    The upload is refused, or the job fails after it was queued. Runs where a target is given with `--target`.

Options:
    target=openai

Bad:
    {"instruction": "Say hello", "output": "Hello"}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.target import either, own_format


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    target = settings.profile()
    if target is None:
        return
    wrong: dict[str, list[int]] = {}
    for index, name in enumerate(facts.format):
        if name not in target.formats:
            wrong.setdefault(name, []).append(index)
    for name, rows in wrong.items():
        report(f"{len(rows):,} of {len(facts):,} rows {'is' if len(rows) == 1 else 'are'} {name}; {target.title} takes "
               f"{either(target.formats)}", rows[0],
               f"dsforge convert FILE --to {own_format(target, facts)} -o OUT.jsonl", rows=rows)  # fmt: skip


RULE = DatasetRule("X801", "error", _check)
