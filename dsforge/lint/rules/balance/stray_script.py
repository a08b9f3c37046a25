"""A few questions are in another script than nearly all others.

Why is this bad?
    A handful of Russian rows among Chinese ones is mostly left over from another source, and too little to teach the
    language: the model learns to change it without being asked. Where nine of ten questions of twenty or more are in
    one script, the others are told of. A question is judged by its first line where code or a text that is asked about
    stands below; what is in letters of several scripts is not counted.

Bad:
    {"instruction": "Question 0", "output": "Answer 0"}
    {"instruction": "Question 1", "output": "Answer 1"}
    {"instruction": "Question 2", "output": "Answer 2"}
    {"instruction": "Question 3", "output": "Answer 3"}
    {"instruction": "Question 4", "output": "Answer 4"}
    {"instruction": "Question 5", "output": "Answer 5"}
    {"instruction": "Question 6", "output": "Answer 6"}
    {"instruction": "Question 7", "output": "Answer 7"}
    {"instruction": "Question 8", "output": "Answer 8"}
    {"instruction": "Question 9", "output": "Answer 9"}
    {"instruction": "Question 10", "output": "Answer 10"}
    {"instruction": "Question 11", "output": "Answer 11"}
    {"instruction": "Question 12", "output": "Answer 12"}
    {"instruction": "Question 13", "output": "Answer 13"}
    {"instruction": "Question 14", "output": "Answer 14"}
    {"instruction": "Question 15", "output": "Answer 15"}
    {"instruction": "Question 16", "output": "Answer 16"}
    {"instruction": "Question 17", "output": "Answer 17"}
    {"instruction": "Question 18", "output": "Answer 18"}
    {"instruction": "Вопрос 19", "output": "Ответ 19"}

Good:
    {"instruction": "Question 0", "output": "Answer 0"}
    {"instruction": "Вопрос 1", "output": "Ответ 1"}
"""

from collections import Counter

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.rules.balance.scripts import SCRIPTS

_MIN_ROWS = 20
_MOST = 0.9
_NAMED = 5
"""Rows that are named."""
_NO_SCRIPT = ("none", "mixed", "other")


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    counts = Counter({SCRIPTS[number]: count for number, count in Counter(facts.script).items()
                      if SCRIPTS[number] not in _NO_SCRIPT})  # fmt: skip
    total = counts.total()
    if total < _MIN_ROWS:
        return
    main, most = counts.most_common(1)[0]
    if most < _MOST * total:
        return
    for name, count in counts.most_common()[1:]:
        number = SCRIPTS.index(name)
        found = [index for index, script in enumerate(facts.script) if script == number][:_NAMED]
        rows = ", ".join(facts.where(index, found[0]) for index in found)
        more = " and others" if count > len(found) else ""
        shares = f"{count:,} of {total:,} questions are in {name}, {most / total:.1%} in {main}"
        report(f"{shares}: {rows}{more}", found[0], "take them out, or add more of their language")


RULE = DatasetRule("B404", "info", _check, frozenset({"answers"}))
