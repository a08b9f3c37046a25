"""Figures with their intervals: against scipy's where it has them, and what may be said of two models."""

from __future__ import annotations

import random

import pytest

from dsforge.train.figures import FEWEST, Metric, Scores, figure, metric, newcombe, wilson


@pytest.mark.parametrize(("hits", "rows"), [(0, 1), (0, 20), (7, 20), (20, 20), (163, 1000)])
def test_the_interval_of_a_share_is_wilson_s(hits: int, rows: int) -> None:
    from scipy.stats import binomtest

    theirs = binomtest(hits, rows).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(hits, rows) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert figure(Scores.of_rows([1.0] * hits + [0.0] * (rows - hits))).low == wilson(hits, rows)[0]


def test_the_interval_of_a_mean_is_a_bootstrap_over_rows() -> None:
    import numpy as np
    from scipy.stats import bootstrap

    drawn = random.Random(1)
    values = [drawn.gauss(3, 1) for _ in range(80)]
    theirs = bootstrap((np.array(values),), np.mean, method="percentile", n_resamples=5000, rng=1).confidence_interval
    ours = figure(Scores.of_rows(values))
    assert ours.value == pytest.approx(sum(values) / 80)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_the_interval_of_a_difference_of_shares_is_newcombe_s() -> None:
    """The example of his paper: 36 rows right by both, 12 by the first alone, 2 by the second alone."""
    first, second = [1.0] * 48 + [0.0] * 2, [1.0] * 36 + [0.0] * 12 + [1.0] * 2
    assert newcombe(first, second) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    low, high = newcombe([1.0] * 16, [0.0] * 16)
    assert low < 0.8
    assert high == 1


def test_a_loss_is_weighed_by_the_tokens_of_rows() -> None:
    nats, tokens = [10.0, 1.0, 4.0], [5.0, 1.0, 1.0]
    assert figure(Scores(nats, tokens)).value == pytest.approx(15 / 7)


def test_noise_is_no_progress_and_progress_is_seen() -> None:
    drawn = random.Random(2)
    base = Scores.of_rows([float(drawn.random() < 0.5) for _ in range(60)])
    noise = Scores.of_rows([float(drawn.random() < 0.5) for _ in range(60)])
    better = Scores.of_rows([1.0] * 60)
    assert metric("exact match", noise, base).verdict == "no clear difference"
    assert metric("exact match", better, base).verdict == "better"
    assert metric("exact match", base, better).verdict == "worse"
    assert metric("loss", better, base, lower_is_better=True).verdict == "worse"
    assert metric("exact match", better, None).verdict == ""


def test_rows_are_compared_one_by_one() -> None:
    """Two models that differ by the same little on every row differ surely, however far the rows lie apart."""
    base = [float(index) for index in range(40)]
    found = metric("loss", Scores.of_rows([value - 0.01 for value in base]), Scores.of_rows(base), lower_is_better=True)
    assert found.base is not None
    assert found.base.low < found.trained.value < found.base.high
    assert found.verdict == "better"


def test_few_rows_say_nothing() -> None:
    few = FEWEST - 1
    found = metric("exact match", Scores.of_rows([1.0] * few), Scores.of_rows([0.0] * few))
    assert isinstance(found, Metric)
    assert found.verdict == "too few rows to tell"
