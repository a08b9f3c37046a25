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


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    target = settings.profile()
    if target is None:
        return
    accepted = target.formats
    wrong = [index for index, name in enumerate(facts.format) if name not in accepted]
    if wrong:
        report(f"{len(wrong):,} of {len(facts):,} rows are {facts.format[wrong[0]]}; {target.title} takes "
               f"{' or '.join(accepted)}; this is the first of them", wrong[0],
               f"dsforge convert FILE --to {accepted[0]} -o OUT.jsonl")  # fmt: skip


RULE = DatasetRule("X801", "error", _check)
