import numpy as np
import pytest

from dsforge.similarity.lsh import MISS, Banding, band_keys, buckets, choose_banding
from dsforge.similarity.minhash import PERMUTATIONS


@pytest.mark.parametrize(("threshold", "bands", "rows"), [(0.7, 25, 5), (0.8, 18, 7), (0.9, 11, 11), (1.0, 1, 128)])
def test_banding_of_a_threshold(threshold: float, bands: int, rows: int) -> None:
    assert choose_banding(threshold) == Banding(bands, rows)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.65, 0.75, 0.85, 0.95, 1.0])
def test_pairs_at_the_threshold_are_hardly_missed(threshold: float) -> None:
    banding = choose_banding(threshold)
    assert banding.bands * banding.rows <= PERMUTATIONS
    assert 1 - banding.probability(threshold) <= MISS


def test_a_split_misses_one_pair_in_a_million_at_most() -> None:
    assert choose_banding(0.8, 1e-6) == Banding(32, 4)


def test_the_formula_is_what_happens() -> None:
    rng = np.random.default_rng(3)
    pairs, similarity, banding = 4000, 0.7, Banding(18, 7)
    left = rng.integers(0, 2**32, (pairs, PERMUTATIONS), dtype=np.uint32)
    right = np.where(rng.random(left.shape) < similarity, left, left + np.uint32(1))
    guards = np.zeros(pairs, dtype=np.uint64)
    same = (band_keys(left, guards, banding) == band_keys(right, guards, banding)).any(axis=1)
    assert same.mean() == pytest.approx(banding.probability(similarity), abs=0.03)


def test_another_guard_or_band_shares_no_key() -> None:
    signatures = np.zeros((2, PERMUTATIONS), dtype=np.uint32)
    keys = band_keys(signatures, np.array([1, 2], dtype=np.uint64), Banding(18, 7))
    assert (keys[0] != keys[1]).all()
    assert len(np.unique(keys[0])) == 18


def test_buckets_hold_those_that_share_a_key() -> None:
    keys = np.array([[5, 1], [0, 2], [5, 3], [7, 2], [5, 2]], dtype=np.uint64)
    assert [bucket.tolist() for bucket in buckets(keys)] == [[0, 2, 4], [1, 3, 4]]
    assert list(buckets(np.empty((0, 18), dtype=np.uint64))) == []
    assert list(buckets(np.zeros((1, 2), dtype=np.uint64))) == []
