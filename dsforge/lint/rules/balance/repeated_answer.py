"""The same answer to many different questions.

Why is this bad?
    The model learns it as the answer to everything, most of all where it is a refusal. Answers of fewer than 40
    characters are left alone: in a classification they are the labels. So are those that end a conversation ("You're
    welcome!"), and those labelled false.

Bad:
    {"instruction": "Question 0", "output": "I am sorry, but I cannot answer this question."}
    {"instruction": "Question 1", "output": "I am sorry, but I cannot answer this question."}
    {"instruction": "Question 2", "output": "I am sorry, but I cannot answer this question."}
    {"instruction": "Question 3", "output": "I am sorry, but I cannot answer this question."}
    {"instruction": "Question 4", "output": "I am sorry, but I cannot answer this question."}

Good:
    {"instruction": "Question 0", "output": "positive"}
    {"instruction": "Question 1", "output": "positive"}
    {"instruction": "Question 2", "output": "positive"}
    {"instruction": "Question 3", "output": "positive"}
    {"instruction": "Question 4", "output": "positive"}
"""

from collections import Counter

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.rules.balance.pleasantry import PLEASANTRIES

_SHORTEST = 40
_TIMES, _SHARE = 5, 0.001
_TOLD = 5
"""Answers that are told of."""


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    least = max(_TIMES, _SHARE * len(facts))
    often = {key for key, count in Counter(facts.answer_key).items() if count >= least}
    if not often:
        return
    rows: dict[int, dict[int, int]] = {}
    for index, key in enumerate(facts.answer_key):
        if key not in often or facts.completion_characters[index] < _SHORTEST or facts.label[index] == 0:
            continue
        if not facts.opening[index].startswith(PLEASANTRIES):
            rows.setdefault(key, {}).setdefault(facts.prompt_key[index], index)
    found = sorted((asked for asked in rows.values() if len(asked) >= least), key=len, reverse=True)
    for asked in found[:_TOLD]:
        first = min(asked.values())
        report(f"{len(asked):,} different questions have this same answer ({facts.opening[first]!r}...); this is the "
               "first of them", first, "answer each for itself, or keep one of them")  # fmt: skip


RULE = DatasetRule("B408", "info", _check, frozenset({"answers", "keys", "lengths"}))
