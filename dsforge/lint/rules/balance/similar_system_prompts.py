"""System prompts that differ in nothing but capitals, spaces and punctuation.

Why is this bad?
    They were meant to be one, and one of them is not the text that the model will be called with. Each way of writing
    it is learnt apart.

Bad:
    {"instruction": "Hi", "output": "Hello", "system": "You are kind."}
    {"instruction": "Bye", "output": "Goodbye", "system": "You are  kind"}

Good:
    {"instruction": "Hi", "output": "Hello", "system": "You are kind."}
    {"instruction": "Bye", "output": "Goodbye", "system": "You are brief."}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule

_TOLD = 10
"""Prompts that are told of."""


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    first: dict[int, int] = {}
    for index, key in enumerate(facts.system):
        first.setdefault(key, index)
    usual: dict[int, int] = {}
    told = 0
    for key, index in first.items():
        earlier = usual.setdefault(facts.system_look[index], index)
        if key and earlier != index and told < _TOLD:
            other = facts.where(earlier, index)
            report(f"the system prompt is that of {other} but for capitals, spaces or punctuation", index,
                   "write both in the same way")  # fmt: skip
            told += 1


RULE = DatasetRule("B406", "info", _check, frozenset({"systems"}))
