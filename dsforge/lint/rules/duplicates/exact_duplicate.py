"""A row that says the same as an earlier one.

Why is this bad?
    It is paid for and trained twice, weighs double, and with one copy in the validation set the score
    is too good. Case, width and white space do not make a difference. `dsforge dedup` removes the copies.

Bad:
    {"instruction": "Say hello", "output": "Hello"}
    {"instruction": "Say  hello", "output": "hello"}

Good:
    {"instruction": "Say hello", "output": "Hello"}
    {"instruction": "Say goodbye", "output": "Goodbye"}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    first: dict[int, int] = {}
    for index, key in facts.repeated(facts.key):
        earlier = first.setdefault(key, index)
        if earlier != index:
            report(f"says the same as {facts.where(earlier, index)}", index,
                   f"take it out: dsforge dedup {facts.path[index]} -o OUT", remove=True)  # fmt: skip


RULE = DatasetRule("D701", "warning", _check, frozenset({"keys"}), fix="unsafe")
