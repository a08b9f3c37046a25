"""The few statistics that the balance of a dataset is judged by."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

_EXACT = 10_000
"""Trials up to which binomial probabilities are summed; beyond them the normal distribution is as good."""


def binomial_p(successes: int, trials: int) -> float:
    """The two-sided probability that a fair coin gives a result as far from the half, or farther."""
    extreme = max(successes, trials - successes)
    if 2 * extreme == trials:
        return 1.0
    if trials > _EXACT:
        return math.erfc((2 * extreme - 1 - trials) / math.sqrt(2 * trials))
    logs = [_log_choose(trials, count) - trials * math.log(2) for count in range(extreme, trials + 1)]
    top = max(logs)
    return min(1.0, 2 * math.exp(top) * sum(math.exp(log - top) for log in logs))


def _log_choose(total: int, count: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)


def kolmogorov_smirnov(first: Sequence[int], second: Sequence[int]) -> tuple[float, float]:
    """`(distance, p)`: how far apart two samples are, and how probable that is where they are of one kind.

    The p is asymptotic, with Stephens' correction for small samples (Numerical Recipes, 14.3.3).
    """
    one, other = sorted(first), sorted(second)
    if not one or not other:
        return 0.0, 1.0
    distance = max(
        abs(bisect_right(one, value) / len(one) - bisect_right(other, value) / len(other)) for value in {*one, *other}
    )
    root = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    reach = (root + 0.12 + 0.11 / root) * distance
    if reach < 0.3:  # the series does not converge, and the sum is 1
        return distance, 1.0
    terms = [(-1) ** (step - 1) * math.exp(-2 * step * step * reach * reach) for step in range(1, 101)]
    return distance, min(1.0, max(0.0, 2 * sum(terms)))


def total_variation(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """Half the sum of the differences between the shares of each group: 0 for the same shares, 1 for none in common."""
    total, other_total = sum(first.values()), sum(second.values())
    if not total or not other_total:
        return 0.0
    names = {*first, *second}
    differences = sum(abs(first.get(name, 0) / total - second.get(name, 0) / other_total) for name in names)
    return min(1.0, differences / 2)  # 33/38 + 5/38 + ... may come to a little more


def chi_square_p(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """How probable counts so different are where both are of one kind (Wilson and Hilferty's approximation)."""
    total, other_total = sum(first.values()), sum(second.values())
    names = [name for name in {*first, *second} if first.get(name, 0) + second.get(name, 0)]
    if len(names) < 2 or not total or not other_total:
        return 1.0
    squares = 0.0
    for name in names:
        both = first.get(name, 0) + second.get(name, 0)
        for count, rows in ((first.get(name, 0), total), (second.get(name, 0), other_total)):
            expected = both * rows / (total + other_total)
            squares += (count - expected) ** 2 / expected
    freedom = len(names) - 1
    normal = ((squares / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))
    return math.erfc(normal / math.sqrt(2)) / 2


def median(values: Sequence[float]) -> float:
    """The middle of the values; of an even number the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def median_of_counted(counted: Iterable[tuple[float, int]]) -> float:
    """The median of values that are given once each, with how often they occur; of none it is 0."""
    ordered = sorted(counted)
    total = sum(count for _, count in ordered)
    ends = [*accumulate(count for _, count in ordered)]
    middle = [ordered[bisect_right(ends, place)][0] for place in {(total - 1) // 2, total // 2}] if total else [0.0]
    return sum(middle) / len(middle)


def in_words(p: float) -> str:
    """A probability for people: `p = 0.004`, `p < 1e-6`."""
    return "p < 1e-6" if p < 1e-6 else f"p = {p:.1g}"
