"""Many answers begin with the same words.

Why is this bad?
    "Sure! Here is", "As an AI language model": the model learns the phrase before all else, and says it to everything.
    A tenth of the answers, and twenty of them, is the line drawn here. How a conversation ends ("You're welcome!"), and
    answers labelled false, are not counted.

Bad:
    {"instruction": "What is 0 + 1?", "output": "Sure! Here you are: 1"}
    {"instruction": "What is 1 + 1?", "output": "Sure! Here you are: 2"}
    {"instruction": "What is 2 + 1?", "output": "Sure! Here you are: 3"}
    {"instruction": "What is 3 + 1?", "output": "Sure! Here you are: 4"}
    {"instruction": "What is 4 + 1?", "output": "Sure! Here you are: 5"}
    {"instruction": "What is 5 + 1?", "output": "Sure! Here you are: 6"}
    {"instruction": "What is 6 + 1?", "output": "Sure! Here you are: 7"}
    {"instruction": "What is 7 + 1?", "output": "Sure! Here you are: 8"}
    {"instruction": "What is 8 + 1?", "output": "Sure! Here you are: 9"}
    {"instruction": "What is 9 + 1?", "output": "Sure! Here you are: 10"}
    {"instruction": "What is 10 + 1?", "output": "Sure! Here you are: 11"}
    {"instruction": "What is 11 + 1?", "output": "Sure! Here you are: 12"}
    {"instruction": "What is 12 + 1?", "output": "Sure! Here you are: 13"}
    {"instruction": "What is 13 + 1?", "output": "Sure! Here you are: 14"}
    {"instruction": "What is 14 + 1?", "output": "Sure! Here you are: 15"}
    {"instruction": "What is 15 + 1?", "output": "Sure! Here you are: 16"}
    {"instruction": "What is 16 + 1?", "output": "Sure! Here you are: 17"}
    {"instruction": "What is 17 + 1?", "output": "Sure! Here you are: 18"}
    {"instruction": "What is 18 + 1?", "output": "Sure! Here you are: 19"}
    {"instruction": "What is 19 + 1?", "output": "Sure! Here you are: 20"}

Good:
    {"instruction": "What is 1 + 1?", "output": "Sure! Here you are: 2"}
    {"instruction": "What is 2 + 1?", "output": "It is 3."}
"""

from collections import Counter

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.rules.balance.pleasantry import PLEASANTRIES

_MIN_ROWS = 20
_SHARE = 0.1
_WORDS, _CHARACTERS = 4, 8
_COMMON = 6
"""Characters that answers share before their words are looked at."""
_NO_WORDS = ("```", "{", "[", "<", "|", "#", "import ", "def ", "SELECT", "select")


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    least = max(_MIN_ROWS, _SHARE * len(facts))
    begins = Counter([opening[:_COMMON] for opening in facts.opening])
    often = {begin for begin, count in begins.items() if count >= least and begin.strip()}
    if not often:
        return
    rows: dict[str, list[int]] = {}
    for index, opening in enumerate(facts.opening):
        if opening[:_COMMON] in often and facts.label[index] != 0 and (words := _first_words(opening)):
            rows.setdefault(words, []).append(index)
    for words, found in sorted(rows.items(), key=lambda item: -len(item[1])):
        if len(found) >= least and len({facts.answer_key[index] for index in found}) > len(found) / 2:
            share = f"{len(found):,} of {len(facts):,} answers ({len(found) / len(facts):.0%})"
            report(f"{share} begin with {words!r}; this is the first of them", found[0],
                   "rewrite some of them: dsforge augment")  # fmt: skip


def _first_words(opening: str) -> str:
    """The words by which an answer begins, "" where it begins with code, or with fewer words."""
    if opening.startswith((*_NO_WORDS, *PLEASANTRIES)):
        return ""
    if not opening[:_COMMON].isascii():
        return opening[:_CHARACTERS] if len(opening) > _CHARACTERS else ""
    words = opening.split()
    return " ".join(words[:_WORDS]) if len(words) > _WORDS else ""


RULE = DatasetRule("B407", "info", _check, frozenset({"answers"}))
