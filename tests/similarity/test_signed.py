import random
from pathlib import Path

import numpy as np
import pytest
from datasketch import MinHash

from dsforge.engine.engine import Engine
from dsforge.similarity.collect import Collected, Reading
from dsforge.similarity.compared import PARTS, compared
from dsforge.similarity.key import key_of
from dsforge.similarity.lsh import Banding, band_keys, choose_banding, guards_of
from dsforge.similarity.minhash import PERMUTATIONS
from dsforge.similarity.shingle import CHARACTERS, Shingling, pack, shingle_hashes
from dsforge.similarity.signed import signed
from tests.dedup.rows import Row, alpaca, pair, write
from tests.similarity.brute import random_text

LOW = np.uint64(0xFFFFFFFF)


def rows() -> list[Row]:
    rng = random.Random(3)
    found = [alpaca(random_text(rng), random_text(rng) or "a", system=rng.choice(["", "x", "y"])) for _ in range(1200)]
    return [
        *found,
        pair("asked", "good answer", "bad answer"),
        alpaca("only asked", "b"),
        alpaca("长" * 300, "文 " * 90),
    ]


@pytest.mark.parametrize("shingling", [CHARACTERS, Shingling(words=True)], ids=str)
def test_signatures_are_those_of_datasketch(tmp_path: Path, shingling: Shingling) -> None:
    source = write(tmp_path / "rows.jsonl", rows())
    with Engine() as engine:
        collected = Collected(Reading(banding=choose_banding(0.8), shingling=shingling), tmp_path / "work", engine)
        collected.read([str(source)])
        first = np.flatnonzero(collected.are_first)
        checked = 0
        for batch in signed(collected, first):
            for at, document in enumerate(batch.documents.tolist()):
                example = compared(collected.example(int(collected.document_row[document])))
                assert batch.guards[at] == int.from_bytes(example.guard[:8], "little")
                assert batch.digests[at].tolist() == [int.from_bytes(key_of(part)[:4], "big") for part in example.parts]
                hashes, starts = shingle_hashes(pack([example.parts]), shingling)
                by_part = []
                for part in range(PARTS):
                    theirs = MinHash(PERMUTATIONS, seed=1, scheme="affine32", hashfunc=int)
                    theirs.update_batch((hashes[starts[part] : starts[part + 1]] & LOW).tolist())
                    by_part.append(theirs.hashvalues)
                assert np.array_equal(batch.signatures[at], np.min(by_part, axis=0))
                assert np.array_equal(batch.part_of[at], np.argmin(by_part, axis=0))
                checked += 1
        assert checked == len(first) > 800


@pytest.mark.parametrize("banding", [Banding(18, 7), Banding(128, 1), Banding(1, 128)], ids=str)
def test_guards_come_back_from_the_keys_of_a_band(banding: Banding) -> None:
    random_numbers = np.random.default_rng(5)
    signatures = random_numbers.integers(0, 2**32, (500, PERMUTATIONS), dtype=np.uint32)
    guards = random_numbers.integers(0, 2**64, 500, dtype=np.uint64)
    guards[:2] = [0, 2**64 - 1]
    assert np.array_equal(guards_of(band_keys(signatures, guards, banding)[:, 0], signatures, banding), guards)
