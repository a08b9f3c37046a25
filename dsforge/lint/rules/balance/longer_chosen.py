"""The better answer of a pair is nearly always the longer one, or the shorter one.

Why is this bad?
    Length is the easiest thing that the pairs teach, so it is what the model learns: to say more (or less), not to
    say it better. Told of where more than 65% of 50 or more pairs lean to one side, and chance would do so in less
    than one of a hundred datasets. Pairs of equal length are left out.

Bad:
    {"prompt": "Question 0", "chosen": "Answer 0, at length", "rejected": "Answer"}
    {"prompt": "Question 1", "chosen": "Answer 1, at length", "rejected": "Answer"}
    {"prompt": "Question 2", "chosen": "Answer 2, at length", "rejected": "Answer"}
    {"prompt": "Question 3", "chosen": "Answer 3, at length", "rejected": "Answer"}
    {"prompt": "Question 4", "chosen": "Answer 4, at length", "rejected": "Answer"}
    {"prompt": "Question 5", "chosen": "Answer 5, at length", "rejected": "Answer"}
    {"prompt": "Question 6", "chosen": "Answer 6, at length", "rejected": "Answer"}
    {"prompt": "Question 7", "chosen": "Answer 7, at length", "rejected": "Answer"}
    {"prompt": "Question 8", "chosen": "Answer 8, at length", "rejected": "Answer"}
    {"prompt": "Question 9", "chosen": "Answer 9, at length", "rejected": "Answer"}
    {"prompt": "Question 10", "chosen": "Answer 10, at length", "rejected": "Answer"}
    {"prompt": "Question 11", "chosen": "Answer 11, at length", "rejected": "Answer"}
    {"prompt": "Question 12", "chosen": "Answer 12, at length", "rejected": "Answer"}
    {"prompt": "Question 13", "chosen": "Answer 13, at length", "rejected": "Answer"}
    {"prompt": "Question 14", "chosen": "Answer 14, at length", "rejected": "Answer"}
    {"prompt": "Question 15", "chosen": "Answer 15, at length", "rejected": "Answer"}
    {"prompt": "Question 16", "chosen": "Answer 16, at length", "rejected": "Answer"}
    {"prompt": "Question 17", "chosen": "Answer 17, at length", "rejected": "Answer"}
    {"prompt": "Question 18", "chosen": "Answer 18, at length", "rejected": "Answer"}
    {"prompt": "Question 19", "chosen": "Answer 19, at length", "rejected": "Answer"}
    {"prompt": "Question 20", "chosen": "Answer 20, at length", "rejected": "Answer"}
    {"prompt": "Question 21", "chosen": "Answer 21, at length", "rejected": "Answer"}
    {"prompt": "Question 22", "chosen": "Answer 22, at length", "rejected": "Answer"}
    {"prompt": "Question 23", "chosen": "Answer 23, at length", "rejected": "Answer"}
    {"prompt": "Question 24", "chosen": "Answer 24, at length", "rejected": "Answer"}
    {"prompt": "Question 25", "chosen": "Answer 25, at length", "rejected": "Answer"}
    {"prompt": "Question 26", "chosen": "Answer 26, at length", "rejected": "Answer"}
    {"prompt": "Question 27", "chosen": "Answer 27, at length", "rejected": "Answer"}
    {"prompt": "Question 28", "chosen": "Answer 28, at length", "rejected": "Answer"}
    {"prompt": "Question 29", "chosen": "Answer 29, at length", "rejected": "Answer"}
    {"prompt": "Question 30", "chosen": "Answer 30, at length", "rejected": "Answer"}
    {"prompt": "Question 31", "chosen": "Answer 31, at length", "rejected": "Answer"}
    {"prompt": "Question 32", "chosen": "Answer 32, at length", "rejected": "Answer"}
    {"prompt": "Question 33", "chosen": "Answer 33, at length", "rejected": "Answer"}
    {"prompt": "Question 34", "chosen": "Answer 34, at length", "rejected": "Answer"}
    {"prompt": "Question 35", "chosen": "Answer 35, at length", "rejected": "Answer"}
    {"prompt": "Question 36", "chosen": "Answer 36, at length", "rejected": "Answer"}
    {"prompt": "Question 37", "chosen": "Answer 37, at length", "rejected": "Answer"}
    {"prompt": "Question 38", "chosen": "Answer 38, at length", "rejected": "Answer"}
    {"prompt": "Question 39", "chosen": "Answer 39, at length", "rejected": "Answer"}
    {"prompt": "Question 40", "chosen": "Answer 40, at length", "rejected": "Answer"}
    {"prompt": "Question 41", "chosen": "Answer 41, at length", "rejected": "Answer"}
    {"prompt": "Question 42", "chosen": "Answer 42, at length", "rejected": "Answer"}
    {"prompt": "Question 43", "chosen": "Answer 43, at length", "rejected": "Answer"}
    {"prompt": "Question 44", "chosen": "Answer 44, at length", "rejected": "Answer"}
    {"prompt": "Question 45", "chosen": "Answer 45, at length", "rejected": "Answer"}
    {"prompt": "Question 46", "chosen": "Answer 46, at length", "rejected": "Answer"}
    {"prompt": "Question 47", "chosen": "Answer 47, at length", "rejected": "Answer"}
    {"prompt": "Question 48", "chosen": "Answer 48, at length", "rejected": "Answer"}
    {"prompt": "Question 49", "chosen": "Answer 49, at length", "rejected": "Answer"}

Good:
    {"prompt": "Question 0", "chosen": "Answer 0, at length", "rejected": "Answer"}
    {"prompt": "Question 1", "chosen": "Answer", "rejected": "Answer 1, at length"}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.rules.balance.statistics import binomial_p, in_words, median

_MIN_PAIRS = 50
_SHARE, _CHANCE = 0.65, 0.01


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    lengths = zip(facts.completion_characters, facts.rejected_characters, facts.preference, strict=True)
    pairs = [(chosen, rejected) for chosen, rejected, pair in lengths if pair and chosen != rejected]
    if len(pairs) < _MIN_PAIRS:
        return
    longer = sum(chosen > rejected for chosen, rejected in pairs)
    most, side = max((longer, "longer"), (len(pairs) - longer, "shorter"))
    p = binomial_p(most, len(pairs))
    if most > _SHARE * len(pairs) and p < _CHANCE:
        middles = [median([pair[one] for pair in pairs]) for one in (0, 1)]
        share = f"{most / len(pairs):.0%} of {len(pairs):,} pairs"
        report(f"the chosen answer is the {side} one in {share} ({in_words(p)}; median {middles[0]:,.0f} characters "
               f"against {middles[1]:,.0f})",
               help="add pairs that lean to the other side, or take out some of these")  # fmt: skip


RULE = DatasetRule("B409", "warning", _check, frozenset({"lengths"}))
