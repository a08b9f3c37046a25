"""One category has far more rows than another.

Why is this bad?
    The model answers everything as though it belonged to the large category. Ten times as many rows is the
    line drawn here; datasets of fewer than twenty rows with a category are left alone. The category is the field of
    that name, or the one that the setting `category_field` names (`meta.topic` for a field within another).

Bad:
    {"instruction": "Question 0", "output": "Answer", "category": "billing"}
    {"instruction": "Question 1", "output": "Answer", "category": "billing"}
    {"instruction": "Question 2", "output": "Answer", "category": "billing"}
    {"instruction": "Question 3", "output": "Answer", "category": "billing"}
    {"instruction": "Question 4", "output": "Answer", "category": "billing"}
    {"instruction": "Question 5", "output": "Answer", "category": "billing"}
    {"instruction": "Question 6", "output": "Answer", "category": "billing"}
    {"instruction": "Question 7", "output": "Answer", "category": "billing"}
    {"instruction": "Question 8", "output": "Answer", "category": "billing"}
    {"instruction": "Question 9", "output": "Answer", "category": "billing"}
    {"instruction": "Question 10", "output": "Answer", "category": "billing"}
    {"instruction": "Question 11", "output": "Answer", "category": "billing"}
    {"instruction": "Question 12", "output": "Answer", "category": "billing"}
    {"instruction": "Question 13", "output": "Answer", "category": "billing"}
    {"instruction": "Question 14", "output": "Answer", "category": "billing"}
    {"instruction": "Question 15", "output": "Answer", "category": "billing"}
    {"instruction": "Question 16", "output": "Answer", "category": "billing"}
    {"instruction": "Question 17", "output": "Answer", "category": "billing"}
    {"instruction": "Question 18", "output": "Answer", "category": "billing"}
    {"instruction": "Question 19", "output": "Answer", "category": "billing"}
    {"instruction": "Question 20", "output": "Answer", "category": "billing"}
    {"instruction": "Other 0", "output": "Answer", "category": "returns"}

Good:
    {"instruction": "Question 0", "output": "Answer", "category": "billing"}
    {"instruction": "Question 1", "output": "Answer", "category": "returns"}
    {"instruction": "Question 2", "output": "Answer", "category": "billing"}
    {"instruction": "Question 3", "output": "Answer", "category": "returns"}
    {"instruction": "Question 4", "output": "Answer", "category": "billing"}
    {"instruction": "Question 5", "output": "Answer", "category": "returns"}
    {"instruction": "Question 6", "output": "Answer", "category": "billing"}
    {"instruction": "Question 7", "output": "Answer", "category": "returns"}
    {"instruction": "Question 8", "output": "Answer", "category": "billing"}
    {"instruction": "Question 9", "output": "Answer", "category": "returns"}
    {"instruction": "Question 10", "output": "Answer", "category": "billing"}
    {"instruction": "Question 11", "output": "Answer", "category": "returns"}
    {"instruction": "Question 12", "output": "Answer", "category": "billing"}
    {"instruction": "Question 13", "output": "Answer", "category": "returns"}
    {"instruction": "Question 14", "output": "Answer", "category": "billing"}
    {"instruction": "Question 15", "output": "Answer", "category": "returns"}
    {"instruction": "Question 16", "output": "Answer", "category": "billing"}
    {"instruction": "Question 17", "output": "Answer", "category": "returns"}
    {"instruction": "Question 18", "output": "Answer", "category": "billing"}
    {"instruction": "Question 19", "output": "Answer", "category": "returns"}
"""

from collections import Counter

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.report.evenness import effective_number

_RATIO = 10
_MIN_ROWS = 20


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    counts = Counter(category for category in facts.category if category is not None)
    if len(counts) < 2 or counts.total() < _MIN_ROWS:
        return
    (largest, most), (smallest, least) = counts.most_common()[0], counts.most_common()[-1]
    if most >= _RATIO * least:
        small = [name for name, count in counts.items() if most >= _RATIO * count]
        also = f" (and {len(small) - 1} more categories as small)" if len(small) > 1 else ""
        times = f"{most / least:.0f} times as many{also}"
        even = f"{effective_number(counts.values()):.1f} of the same size"
        report(f"category {largest!r} has {most:,} rows, {smallest!r} {least:,}: {times}; the {len(counts):,} "
               f"categories are as even as {even}",
               help="write or generate rows for the small categories, or take fewer of the large")  # fmt: skip


RULE = DatasetRule("B401", "warning", _check)
