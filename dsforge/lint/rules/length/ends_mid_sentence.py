"""An answer that stops in the middle of a sentence.

Why is this bad?
    It ran into the token limit of the model that wrote it. The model learns to stop there, and the end-of-turn token
    that follows is trained in the wrong place. Answers of 80 characters and more are looked at, whose last line is
    prose: they end with a comma, or with a word as "the" or "and"; where 19 of 20 other answers end with their
    sentence (of a hundred or more) also those that end with another word.

Bad:
    {"instruction": "Why is the sky blue?", "output": "Sunlight is scattered by the air. Blue light is scattered more than red light, because of the"}

Good:
    {"instruction": "Why is the sky blue?", "output": "Sunlight is scattered by the air. Blue light is scattered more than red light, because of the air."}
"""  # noqa: E501

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.rules.length.endings import BROKEN, CLOSED, OPEN

_MIN_ROWS = 100
_FEW = 0.05


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    closed, open_ = facts.ending.count(CLOSED), facts.ending.count(OPEN)
    suspicious = {BROKEN}
    if closed >= _MIN_ROWS and open_ <= _FEW * (closed + open_):
        suspicious.add(OPEN)
    if not any(facts.ending.count(one) for one in suspicious):
        return
    for index, ending in enumerate(facts.ending):
        if ending in suspicious and facts.label[index] != 0:  # a bad answer may be cut off
            begins = facts.opening[index].strip()
            report(f"the answer ({begins!r}...) stops in the middle of a sentence", index,
                   "complete the answer or remove the row")  # fmt: skip


RULE = DatasetRule("L305", "warning", _check, frozenset({"answers"}))
