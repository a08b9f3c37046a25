"""How many new rows each category gets, and how they are shared among its seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from heapq import heapify, heapreplace

from dsforge.errors import UsageError
from dsforge.example import Example, at_path
from dsforge.io.jsonl import dumps
from dsforge.io.rows import Row


def category_of(by: str, row: Row, example: Example) -> str:
    """What a row says its category is, in the field `by` or where its format has it; "" where it says none."""
    names = (by or "meta.category").split(".")
    value = at_path(row.value, names)
    if value is None:  # where a format keeps it elsewhere than under meta
        value = at_path({"meta": example.meta}, names)
    if value is None:
        value = at_path(example.meta, names)
    return value if isinstance(value, str) else "" if value is None else dumps(value).decode()


def even(counts: Mapping[str, int], wanted: int | None = None) -> dict[str, int]:
    """The new rows of each category that make all as even as `wanted` rows can: always one more to the smallest.

    None wants as many as bring every category to the size of the largest.
    """
    most = max(counts.values(), default=0)
    if wanted is None:
        return {category: most - count for category, count in counts.items()}
    new = dict.fromkeys(counts, 0)
    smallest = [(count, category) for category, count in counts.items()]
    heapify(smallest)
    for _ in range(wanted if smallest else 0):
        count, category = smallest[0]
        new[category] += 1
        heapreplace(smallest, (count + 1, category))
    return new


class Quota:
    """Shares the new rows of each category evenly among its seeds, as they come by.

    `rows` counts the rows of each category, `seeds` those that can be seeds: a category without one cannot grow.
    """

    def __init__(self, rows: Mapping[str, int], seeds: Mapping[str, int], wanted: int | None) -> None:
        self.new = even({category: rows[category] for category in seeds}, wanted)
        self._seeds = seeds
        self._seen: Counter[str] = Counter()

    def take(self, category: str) -> int:
        """How many rows the next seed of `category` gives rise to."""
        if category not in self.new:
            return 0
        each, more = divmod(self.new[category], self._seeds[category])
        self._seen[category] += 1
        return each + (self._seen[category] <= more)


def check_categories(by: str, rows: Mapping[str, int]) -> None:
    """UsageError where no row has a category."""
    if not rows:
        where = f"--by {by}: no row has this field; check its name" if by else (
            "no row has a category: name the field that holds it, as --by meta.topic"
        )  # fmt: skip
        raise UsageError(where)
