"""The rows for the score are of another kind than the rows for training.

Why is this bad?
    A score over longer answers, or other categories, says how well the model does something that it was not trained to
    do. Lengths are compared by the test of Kolmogorov and Smirnov, categories by the share that differs; told of where
    a quarter or more differs, and chance would do so in less than one of a thousand splits. Files are told by their
    names: train, and val, valid, validation, dev, eval or test.

Bad in train.jsonl:
    {"instruction": "Question a", "output": "Short a"}
    {"instruction": "Question b", "output": "Short b"}
    {"instruction": "Question c", "output": "Short c"}
    {"instruction": "Question d", "output": "Short d"}
    {"instruction": "Question e", "output": "Short e"}
    {"instruction": "Question f", "output": "Short f"}
    {"instruction": "Question g", "output": "Short g"}
    {"instruction": "Question h", "output": "Short h"}
    {"instruction": "Question i", "output": "Short i"}
    {"instruction": "Question j", "output": "Short j"}
    {"instruction": "Question k", "output": "Short k"}
    {"instruction": "Question l", "output": "Short l"}

Bad in valid.jsonl:
    {"instruction": "Question m", "output": "A longer answer m"}
    {"instruction": "Question n", "output": "A longer answer n"}
    {"instruction": "Question o", "output": "A longer answer o"}
    {"instruction": "Question p", "output": "A longer answer p"}
    {"instruction": "Question q", "output": "A longer answer q"}
    {"instruction": "Question r", "output": "A longer answer r"}
    {"instruction": "Question s", "output": "A longer answer s"}
    {"instruction": "Question t", "output": "A longer answer t"}
    {"instruction": "Question u", "output": "A longer answer u"}
    {"instruction": "Question v", "output": "A longer answer v"}
    {"instruction": "Question w", "output": "A longer answer w"}
    {"instruction": "Question x", "output": "A longer answer x"}

Good in train.jsonl:
    {"instruction": "Question a", "output": "Short a"}
    {"instruction": "Question b", "output": "Short b"}
    {"instruction": "Question c", "output": "Short c"}
    {"instruction": "Question d", "output": "Short d"}
    {"instruction": "Question e", "output": "Short e"}
    {"instruction": "Question f", "output": "Short f"}
    {"instruction": "Question g", "output": "Short g"}
    {"instruction": "Question h", "output": "Short h"}
    {"instruction": "Question i", "output": "Short i"}
    {"instruction": "Question j", "output": "Short j"}
    {"instruction": "Question k", "output": "Short k"}
    {"instruction": "Question l", "output": "Short l"}

Good in valid.jsonl:
    {"instruction": "Question m", "output": "Short m"}
    {"instruction": "Question n", "output": "Short n"}
    {"instruction": "Question o", "output": "Short o"}
    {"instruction": "Question p", "output": "Short p"}
    {"instruction": "Question q", "output": "Short q"}
    {"instruction": "Question r", "output": "Short r"}
    {"instruction": "Question s", "output": "Short s"}
    {"instruction": "Question t", "output": "Short t"}
    {"instruction": "Question u", "output": "Short u"}
    {"instruction": "Question v", "output": "Short v"}
    {"instruction": "Question w", "output": "Short w"}
    {"instruction": "Question x", "output": "Short x"}
"""

from collections import Counter
from collections.abc import Sequence

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.rules.balance.statistics import (
    chi_square_p,
    in_words,
    kolmogorov_smirnov,
    median,
    total_variation,
)
from dsforge.lint.splits import split_of

_DISTANCE, _CHANCE = 0.25, 0.001
_MOST_CATEGORIES = 50
_HELP = "split the rows by chance, and within each category: dsforge split"


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    splits = [split_of(path) for path in facts.path]
    trained = [index for index, split in enumerate(splits) if split == "train"]
    if not trained:
        return
    for name in ("validation", "test"):
        held = [index for index, split in enumerate(splits) if split == name]
        if held:
            _compare_lengths(facts, trained, held, name, report)
            _compare_categories(facts, trained, held, name, report)


def _compare_lengths(
    facts: Facts, trained: Sequence[int], held: Sequence[int], name: str, report: DatasetReport
) -> None:
    for what, column in (("prompts", facts.prompt_characters), ("completions", facts.completion_characters)):
        ours, theirs = ([column[index] for index in rows] for rows in (trained, held))
        distance, p = kolmogorov_smirnov(ours, theirs)
        if distance >= _DISTANCE and p < _CHANCE:
            lengths = f"{median(theirs):,.0f} characters, those for training {median(ours):,.0f}"
            numbers = f"Kolmogorov-Smirnov D = {distance:.2f}, {in_words(p)}"
            report(f"the {what} for {name} have a median of {lengths} ({numbers})", held[0], _HELP)


def _compare_categories(
    facts: Facts, trained: Sequence[int], held: Sequence[int], name: str, report: DatasetReport
) -> None:
    ours, theirs = (
        Counter(category for index in rows if (category := facts.category[index]) is not None)
        for rows in (trained, held)
    )
    if not ours or not theirs or len({*ours, *theirs}) > _MOST_CATEGORIES:
        return
    distance, p = total_variation(ours, theirs), chi_square_p(ours, theirs)
    if distance >= _DISTANCE and p < _CHANCE:
        shares = {
            one: theirs[one] / theirs.total() - ours[one] / ours.total() for one in {*ours, *theirs}
        }  # fmt: skip
        most = max(shares, key=lambda one: abs(shares[one]))
        report(f"{distance:.0%} of the rows for {name} would need another category to be like those for training "
               f"({in_words(p)}): {most!r} has {theirs[most] / theirs.total():.0%} of them, and "
               f"{ours[most] / ours.total():.0%} of those for training", held[0], _HELP)  # fmt: skip


RULE = DatasetRule("B413", "warning", _check, frozenset({"lengths"}))
