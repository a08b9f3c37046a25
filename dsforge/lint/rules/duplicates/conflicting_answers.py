"""The same question as an earlier row, with another answer.

Why is this bad?
    The model cannot learn both; it learns an average, or to contradict itself. Sometimes variety is meant:
    `--ignore D703` then. Answers labelled false, and rows that ask nothing, are left out.

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
    first: dict[int, int] = {}
    seen: set[int] = set()
    for index, prompt in facts.repeated(facts.prompt_key):
        key = facts.key[index]
        if facts.preference[index] or facts.label[index] == 0 or not facts.prompt_characters[index]:
            continue  # several pairs of one prompt are usual, and so is a bad answer beside a good one
        earlier = first.setdefault(prompt, index)
        if key not in seen and earlier != index:
            here, there = (facts.opening[one].strip() for one in (index, earlier))
            answers = f" (here {here!r}, there {there!r})" if here != there else ""
            report(f"asks the same as {facts.where(earlier, index)} and answers differently{answers}", index,
                   "keep one of them, or --ignore D703 if variety is meant")  # fmt: skip
        seen.add(key)


RULE = DatasetRule("D703", "info", _check, frozenset({"keys", "answers", "lengths"}))
