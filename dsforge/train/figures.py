"""Figures over held-out rows with their 95% confidence intervals, so that nobody reads noise as progress.

A share of rows (exact match, choices, preferences) has Wilson's interval, the difference of two shares over the same
rows that of Newcombe (Improved confidence intervals for the difference between binomial proportions based on paired
data, 1998, method 10): both hold for few rows, and where all rows agree. Any other mean, and the difference of two, has
that of a bootstrap: percentiles of the figure over rows drawn again with replacement, as many as there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 2000
SEED = 0
FEWEST = 10
"""Rows below which no verdict is given: a bootstrap over so few says little."""

_Z = 1.959963984540054  # of a normal distribution, 95% lie within so many deviations


class Figure(msgspec.Struct, frozen=True):
    """A figure over `rows` rows, and the ends of its 95% confidence interval."""

    value: float
    low: float
    high: float
    rows: int

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.low > 0 or self.high < 0


class Metric(msgspec.Struct, frozen=True):
    """One measure of the base model and of the trained one over the same rows.

    `difference` is trained - base, with an interval of its own: rows are compared one by one, so it is narrower than
    the two beside each other suggest. Both are None where the base model was not measured. `lower_is_better` is so of
    a loss.
    """

    name: str
    trained: Figure
    base: Figure | None = None
    difference: Figure | None = None
    lower_is_better: bool = False

    @property
    def verdict(self) -> str:
        """`better` or `worse` than the base, or why that cannot be told; "" where the base was not measured."""
        if self.difference is None:
            return ""
        if self.difference.rows < FEWEST:
            return "too few rows to tell"
        if not self.difference.excludes_zero:
            return "no clear difference"
        return "better" if (self.difference.value > 0) != self.lower_is_better else "worse"


class Scores(msgspec.Struct, frozen=True):
    """What each row has of a measure: `parts[i]` of `wholes[i]` (so many nats over so many tokens, 1 of 1)."""

    parts: Sequence[float]
    wholes: Sequence[float]

    @classmethod
    def of_rows(cls, values: Sequence[float]) -> Scores:
        """A value for each row, all of the same weight."""
        return cls(values, [1.0] * len(values))

    @property
    def is_share(self) -> bool:
        """Whether each row either has it or not."""
        return all(whole == 1 for whole in self.wholes) and all(part in (0, 1) for part in self.parts)


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """The ends of Wilson's 95% interval of a share."""
    share, square = hits / rows, _Z * _Z
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    reach = _Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows * rows)) / (1 + square / rows)
    return (middle - reach if hits else 0.0), (middle + reach if hits < rows else 1.0)  # exactly, not by rounding


def newcombe(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """The ends of Newcombe's 95% interval of the difference of two shares, each row 1 or 0 in both."""
    rows = len(first)
    both = sum(one == other == 1 for one, other in zip(first, second, strict=True))
    neither = sum(one == other == 0 for one, other in zip(first, second, strict=True))
    only_first, only_second = round(sum(first)) - both, round(sum(second)) - both
    product = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    agreement: float = both * neither - only_first * only_second
    if agreement > 0:
        agreement = max(agreement - rows / 2, 0)
    correlation = agreement / math.sqrt(product) if product else 0.0
    (low, high), (other_low, other_high) = wilson(both + only_first, rows), wilson(both + only_second, rows)
    share, other = (both + only_first) / rows, (both + only_second) / rows
    below = _together(share - low, other_high - other, correlation)
    above = _together(high - share, other - other_low, correlation)
    return share - other - below, share - other + above


def _together(one: float, other: float, correlation: float) -> float:
    return math.sqrt(one * one - 2 * correlation * one * other + other * other)


def figure(scores: Scores) -> Figure:
    """The figure of a model; there must be a row."""
    rows = len(scores.parts)
    value = sum(scores.parts) / sum(scores.wholes)
    if scores.is_share:
        return Figure(value, *wilson(round(sum(scores.parts)), rows), rows)
    return Figure(value, *_percentiles(_resampled(scores)), rows)


def metric(name: str, trained: Scores, base: Scores | None, *, lower_is_better: bool = False) -> Metric:
    """A measure of both models; rows of `base` are those of `trained`, in the same order."""
    if base is None:
        return Metric(name, figure(trained), lower_is_better=lower_is_better)
    left, right = figure(base), figure(trained)
    if trained.is_share and base.is_share:
        ends = newcombe(trained.parts, base.parts)
    else:
        ends = _percentiles(_resampled(trained) - _resampled(base))
    difference = Figure(right.value - left.value, *ends, right.rows)
    return Metric(name, right, left, difference, lower_is_better)


def _resampled(scores: Scores) -> NDArray[np.float64]:
    """The figure over rows drawn again; the same rows are drawn of every set of the same size."""
    import numpy as np

    rows = len(scores.parts)
    drawn = np.random.default_rng(SEED).integers(0, rows, (DRAWS, rows))
    parts, wholes = np.asarray(scores.parts, dtype=np.float64), np.asarray(scores.wholes, dtype=np.float64)
    figures: NDArray[np.float64] = parts[drawn].sum(axis=1) / wholes[drawn].sum(axis=1)
    return figures


def _percentiles(figures: NDArray[np.float64]) -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(figures, (0.025, 0.975)).tolist()
    return float(low), float(high)
