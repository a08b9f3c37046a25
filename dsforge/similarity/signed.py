"""Signatures computed anew from the texts that sketches hold, for those who want all of them and not the bands alone.

Each part of a document is signed by itself. The least of the three values is that of the whole document, and which of
them it is says in which part the shingle stands: so a similarity that is estimated can be told apart by parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dsforge.similarity.collect import Collected
from dsforge.similarity.compared import PARTS
from dsforge.similarity.key import key_of
from dsforge.similarity.lsh import guards_of
from dsforge.similarity.minhash import PERMUTATIONS, sign_compiled, sign_numpy
from dsforge.similarity.shingle import I64, U8, U32, U64, Texts
from dsforge.similarity.sketch import Sketched

_DOCUMENTS = 1000  # a batch
_MANY = 5000  # documents among which loading the kernel (0.4 s) is worth its while


@dataclass(frozen=True)
class Signed:
    """Some documents: their numbers, signatures (one row each), and guards (64 bits).

    `part_of[d, v]` is the part in which the shingle behind value v stands, `digests[d, p]` 32 bits of a hash of part p.
    """

    documents: I64
    signatures: U32
    part_of: U8
    guards: U64
    digests: U32


def signed(rows: Collected, documents: I64) -> Iterator[Signed]:
    """The documents of these numbers, in batches.

    Raises:
        AssertionError: the rows were read without sketches.
    """
    sketched, banding = rows.sketched, rows.sketched.banding
    first_band = np.concatenate([np.empty(0, dtype=np.uint64), *(keys for _, keys in sketched.band(0))])
    sign = sign_compiled if len(sketched) > _MANY else sign_numpy
    for start in range(0, len(documents), _DOCUMENTS):
        numbers = documents[start : start + _DOCUMENTS]
        texts = _texts(sketched, numbers)
        by_part = sign(_parts_alone(texts), rows.reading.shingling).reshape(-1, PARTS, PERMUTATIONS)
        signatures = by_part.min(axis=1)
        guards = guards_of(first_band[numbers], signatures, banding)
        yield Signed(numbers, signatures, by_part.argmin(axis=1).astype(np.uint8), guards, _digests(texts))


def _texts(sketched: Sketched, documents: I64) -> Texts:
    """The parts of some documents, one after another."""
    found = [sketched.texts(number) for number in documents.tolist()]
    lengths = np.concatenate([np.diff(texts.starts) for texts in found])
    utf8 = np.concatenate([texts.utf8 for texts in found])
    return Texts(utf8, np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)]))


def _parts_alone(texts: Texts) -> Texts:
    """Each part as a document whose other parts are empty; it stays in its place, as the place is hashed too."""
    begins = texts.starts[:-1].reshape(-1, PARTS)
    return Texts(texts.utf8, np.append(begins[:, [0, 1, 1, 1, 1, 2, 2, 2, 2]], texts.starts[-1]))


def _digests(texts: Texts) -> U32:
    raw, starts = texts.utf8.tobytes(), texts.starts.tolist()
    parts = [key_of(raw[begin:end])[:4] for begin, end in pairwise(starts)]
    return np.frombuffer(b"".join(parts), dtype=">u4").astype(np.uint32).reshape(-1, PARTS)
