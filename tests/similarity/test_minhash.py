import random
from itertools import pairwise

import numpy as np
import pytest
from datasketch import MinHash

from dsforge.similarity.compared import PARTS
from dsforge.similarity.minhash import (
    EMPTY,
    PERMUTATIONS,
    permutations,
    sign_compiled,
    sign_numpy,
    signatures_of_hashes,
)
from dsforge.similarity.shingle import I64, U32, U64, Shingling, Texts, shingle_hashes
from tests.similarity.brute import packed, random_text


@pytest.fixture(scope="module")
def texts() -> Texts:
    rng = random.Random(1)
    documents = [tuple(random_text(rng) for _ in range(PARTS)) for _ in range(2500)]
    return packed([("", "", ""), *documents, ("x" * 30_000 + "yz", "", ""), ("", "", "")])


def by_datasketch(hashes: U64, starts: I64) -> U32:
    rows = []
    for begin, end in pairwise(starts):
        sketch = MinHash(PERMUTATIONS, seed=1, scheme="affine32", hashfunc=lambda value: value)
        if end > begin:
            sketch.update_batch((hashes[begin:end] & np.uint64(0xFFFFFFFF)).tolist())
        rows.append(sketch.hashvalues)
    return np.array(rows)


def test_permutations_are_those_of_datasketch() -> None:
    theirs = MinHash(PERMUTATIONS, seed=1, scheme="affine32").permutations
    assert np.array_equal(np.array(permutations()), theirs)


@pytest.mark.parametrize("by", [Shingling(), Shingling(width=8), Shingling(words=True), Shingling(words=True, width=1)])
def test_both_ways_give_datasketch_its_bits(texts: Texts, by: Shingling) -> None:
    hashes, starts = shingle_hashes(texts, by)
    truth = by_datasketch(hashes, starts[::PARTS])
    assert truth.dtype == np.uint32
    assert np.array_equal(sign_numpy(texts, by), truth)
    assert np.array_equal(sign_compiled(texts, by), truth)


def test_any_shingle_hashes_give_datasketch_its_bits() -> None:
    random_numbers = np.random.default_rng(7)
    sizes = random_numbers.integers(0, 40, 1000)
    sizes[500] = 20_000  # longer than a block
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    hashes = random_numbers.integers(0, 2**64, starts[-1], dtype=np.uint64)
    hashes[:50] = [0, 2**64 - 1] * 25
    assert np.array_equal(signatures_of_hashes(hashes, starts), by_datasketch(hashes, starts))


def test_nothing_signs_as_nothing() -> None:
    assert (sign_numpy(packed([("", "", "")])) == EMPTY).all()
    assert sign_numpy(packed([])).shape == (0, PERMUTATIONS)
    assert sign_compiled(packed([])).shape == (0, PERMUTATIONS)


def test_a_signature_does_not_depend_on_its_neighbours(texts: Texts) -> None:
    alone = packed([("请问退款什么时候到账", "三到五个工作日", "")])
    among = packed([("a", "b", "c"), ("请问退款什么时候到账", "三到五个工作日", ""), ("", "", "z" * 9000)])
    assert np.array_equal(sign_numpy(among)[1], sign_numpy(alone)[0])
    assert np.array_equal(sign_compiled(among)[1], sign_compiled(alone)[0])
