import random
from itertools import combinations
from statistics import mean

import numpy as np
import pytest

from dsforge.cost.shape import Over, packing_of, padding_share, shape_of


def test_quantiles_are_lengths_of_rows() -> None:
    shape = shape_of([*range(1, 101)], [0] * 100)
    assert (shape.sequences, shape.mean) == (100, 50.5)
    assert shape.quantiles == [1, 50, 90, 99, 100]
    assert shape_of([], []).quantiles == []


@pytest.mark.parametrize("size", [2, 3, 5])
def test_padding_is_the_mean_over_all_batches(size: int) -> None:
    lengths = [3, 5, 5, 8, 13, 40, 41]
    batches = [*combinations(lengths, size)]
    computed = mean(max(batch) * size for batch in batches)
    used = mean(sum(batch) for batch in batches)
    assert padding_share(np.array(lengths), size) == pytest.approx(1 - used / computed, abs=1e-4)


def test_equal_rows_waste_nothing() -> None:
    shape = shape_of([7] * 40, [3] * 40)
    assert [each.share for each in shape.padding] == [0.0] * 3
    assert shape.packing is not None
    assert (shape.packing.blocks, shape.packing.share) == (40, 0.0)


@pytest.mark.parametrize("limit", [64, 200, 1000])
def test_blocks_are_those_of_trl(limit: int) -> None:
    datasets = pytest.importorskip("datasets", reason="the train extra is not installed")
    from trl import pack_dataset

    rng = random.Random(limit)
    lengths = [rng.choice([rng.randint(0, 80), rng.randint(1, 300)]) for _ in range(2500)]
    rows = datasets.Dataset.from_dict({"input_ids": [[0] * length for length in lengths]})
    packed = pack_dataset(rows, limit, "bfd")["input_ids"]
    ours = packing_of(np.array(lengths), limit)
    assert ours.blocks == len(packed)
    assert ours.cut == sum(lengths) - sum(map(len, packed))
    assert ours.share == pytest.approx(1 - sum(map(len, packed)) / (limit * len(packed)), abs=1e-4)


def test_what_a_limit_costs() -> None:
    """Of 10, 20 and 30 tokens 5, 5 and 25 are trained; cut at 12, 8 and 18 go, of which 5 and 18 are trained."""
    assert shape_of([10, 20, 30], [5, 5, 25], limit=12).over == Over(12, 2, 26, 23, 50, 30)
    assert shape_of([10, 20, 30], [5, 5, 25]).over is None
    shape = shape_of([10, 20, 30], [5, 5, 25], limit=12)
    assert shape.packing is not None
    assert (shape.packing.block_tokens, shape.packing.blocks, shape.packing.cut) == (12, 3, 26)


def test_no_rows_have_no_shape() -> None:
    shape = shape_of([], [], limit=10)
    assert shape.padding == []
    assert shape.packing is not None
    assert (shape.packing.blocks, shape.packing.share) == (0, 0.0)
    assert shape_of([], []).packing is None
