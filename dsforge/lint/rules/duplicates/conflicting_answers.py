"""The same question as an earlier row, with another answer.

Why is this bad?
    The model cannot learn both; it learns an average, or to contradict itself. Sometimes variety is meant:
    `--ignore D703` then.

Bad:
    {"instruction": "How long is the warranty?", "output": "Two years."}
    {"instruction": "How long is the warranty?", "output": "Twelve months."}

Good:
    {"instruction": "How long is the warranty?", "output": "Two years."}
    {"instruction": "How long is delivery?", "output": "Three days."}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    first: dict[bytes, int] = {}
    seen: set[bytes] = set()
    for index, (prompt, key) in enumerate(zip(facts.prompt_key, facts.key, strict=True)):
        if facts.preference[index]:
            continue  # several pairs of one prompt are usual
        earlier = first.setdefault(prompt, index)
        if key not in seen and earlier != index:
            report(f"asks the same as {facts.where(earlier, index)} and answers differently", index,
                   "keep the right answer")  # fmt: skip
        seen.add(key)


RULE = DatasetRule("D703", "info", _check, frozenset({"keys"}))
