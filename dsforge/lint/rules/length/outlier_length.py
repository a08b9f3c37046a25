"""A row that is many times as long as the others.

Why is this bad?
    One row of a hundred times the usual length is mostly two that ran together, a dump or a log, and in training it
    takes the memory of the whole batch. Measured on the logarithms of the characters by median and median deviation,
    from 30 rows: ten times the median and five deviations is the line drawn here.

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
    {"instruction": "Question 19", "output": "Answer 19"}
    {"instruction": "Question 20", "output": "Answer 20"}
    {"instruction": "Question 21", "output": "Answer 21"}
    {"instruction": "Question 22", "output": "Answer 22"}
    {"instruction": "Question 23", "output": "Answer 23"}
    {"instruction": "Question 24", "output": "Answer 24"}
    {"instruction": "Question 25", "output": "Answer 25"}
    {"instruction": "Question 26", "output": "Answer 26"}
    {"instruction": "Question 27", "output": "Answer 27"}
    {"instruction": "Question 28", "output": "Answer 28"}
    {"instruction": "Question 29", "output": "word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word "}

Good:
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
    {"instruction": "Question 19", "output": "Answer 19"}
    {"instruction": "Question 20", "output": "Answer 20"}
    {"instruction": "Question 21", "output": "Answer 21"}
    {"instruction": "Question 22", "output": "Answer 22"}
    {"instruction": "Question 23", "output": "Answer 23"}
    {"instruction": "Question 24", "output": "Answer 24"}
    {"instruction": "Question 25", "output": "Answer 25"}
    {"instruction": "Question 26", "output": "Answer 26"}
    {"instruction": "Question 27", "output": "Answer 27"}
    {"instruction": "Question 28", "output": "Answer 28"}
    {"instruction": "Question 29", "output": "word word word word word word word word word word "}
"""  # noqa: E501

import math
from collections import Counter

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.rules.balance.statistics import median_of_counted

_MIN_ROWS = 30
_TIMES, _DEVIATIONS, _SHORTEST = 10, 5, 1000
_NORMAL = 1.4826
"""Turns a median deviation to a standard one."""
_LEAST_DEVIATION = 0.3
_SHARE = 0.01
"""More rows than this, and they are a kind of their own."""


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    if len(facts) < _MIN_ROWS:
        return
    for what, column in (("prompt", facts.prompt_characters), ("completion", facts.completion_characters)):
        sizes = Counter(column)  # a million rows have a few thousand lengths
        longest = max(sizes)
        middle = median_of_counted(sizes.items())
        if longest < _SHORTEST or longest < _TIMES * middle:
            continue
        logs = [(math.log(size + 1), count) for size, count in sizes.items()]
        centre = median_of_counted(logs)
        usual = median_of_counted([(abs(log - centre), count) for log, count in logs])
        deviation = max(_LEAST_DEVIATION, _NORMAL * usual)
        line = max(_SHORTEST, _TIMES * middle, math.exp(centre + _DEVIATIONS * deviation))
        found = [index for index, size in enumerate(column) if size >= line]
        for index in found if len(found) <= max(1, _SHARE * len(facts)) else ():
            report(f"the {what} has {column[index]:,} characters, the median is {middle:,.0f}", index,
                   "look whether it is one row; shorten or split it")  # fmt: skip


RULE = DatasetRule("L306", "info", _check, frozenset({"lengths"}))
