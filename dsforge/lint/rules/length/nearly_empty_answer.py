"""An answer of one or two characters where all others are long.

Why is this bad?
    It is what is left of an answer that was lost: a full stop, a bracket, an `N`. Told of where 19 of 20 answers have a
    hundred characters or more and one of twenty or fewer is so short, from 20 answers: in a classification, or among
    sums, short answers are right.

Bad:
    {"instruction": "Question 0", "output": "word word word word word word word word word word word word word word word word word word word word 0."}
    {"instruction": "Question 1", "output": "word word word word word word word word word word word word word word word word word word word word 1."}
    {"instruction": "Question 2", "output": "word word word word word word word word word word word word word word word word word word word word 2."}
    {"instruction": "Question 3", "output": "word word word word word word word word word word word word word word word word word word word word 3."}
    {"instruction": "Question 4", "output": "word word word word word word word word word word word word word word word word word word word word 4."}
    {"instruction": "Question 5", "output": "word word word word word word word word word word word word word word word word word word word word 5."}
    {"instruction": "Question 6", "output": "word word word word word word word word word word word word word word word word word word word word 6."}
    {"instruction": "Question 7", "output": "word word word word word word word word word word word word word word word word word word word word 7."}
    {"instruction": "Question 8", "output": "word word word word word word word word word word word word word word word word word word word word 8."}
    {"instruction": "Question 9", "output": "word word word word word word word word word word word word word word word word word word word word 9."}
    {"instruction": "Question 10", "output": "word word word word word word word word word word word word word word word word word word word word 10."}
    {"instruction": "Question 11", "output": "word word word word word word word word word word word word word word word word word word word word 11."}
    {"instruction": "Question 12", "output": "word word word word word word word word word word word word word word word word word word word word 12."}
    {"instruction": "Question 13", "output": "word word word word word word word word word word word word word word word word word word word word 13."}
    {"instruction": "Question 14", "output": "word word word word word word word word word word word word word word word word word word word word 14."}
    {"instruction": "Question 15", "output": "word word word word word word word word word word word word word word word word word word word word 15."}
    {"instruction": "Question 16", "output": "word word word word word word word word word word word word word word word word word word word word 16."}
    {"instruction": "Question 17", "output": "word word word word word word word word word word word word word word word word word word word word 17."}
    {"instruction": "Question 18", "output": "word word word word word word word word word word word word word word word word word word word word 18."}
    {"instruction": "Question 19", "output": "."}

Good:
    {"instruction": "Question 0", "output": "0"}
    {"instruction": "Question 1", "output": "1"}
    {"instruction": "Question 2", "output": "2"}
    {"instruction": "Question 3", "output": "3"}
    {"instruction": "Question 4", "output": "4"}
    {"instruction": "Question 5", "output": "5"}
    {"instruction": "Question 6", "output": "6"}
    {"instruction": "Question 7", "output": "7"}
    {"instruction": "Question 8", "output": "8"}
    {"instruction": "Question 9", "output": "9"}
    {"instruction": "Question 10", "output": "10"}
    {"instruction": "Question 11", "output": "11"}
    {"instruction": "Question 12", "output": "12"}
    {"instruction": "Question 13", "output": "13"}
    {"instruction": "Question 14", "output": "14"}
    {"instruction": "Question 15", "output": "15"}
    {"instruction": "Question 16", "output": "16"}
    {"instruction": "Question 17", "output": "17"}
    {"instruction": "Question 18", "output": "18"}
    {"instruction": "Question 19", "output": "."}
"""  # noqa: E501

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule

_MIN_ROWS = 20
_SHORT, _LONG = 2, 100
_SHARE = 0.05


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    sizes = facts.completion_characters
    if len(sizes) < _MIN_ROWS:
        return
    short = [index for index, size in enumerate(sizes) if 0 < size <= _SHORT and facts.label[index] != 0]
    if not short or len(short) > _SHARE * len(sizes) or sum(size < _LONG for size in sizes) > _SHARE * len(sizes):
        return
    for index in short:
        answer = facts.opening[index]
        report(f"the answer is {answer!r}, where nearly all others have {_LONG} characters or more", index,
               "write the answer or remove the row")  # fmt: skip


RULE = DatasetRule("L307", "warning", _check, frozenset({"lengths", "answers"}))
