"""Sketches: what is kept of each document so that near-duplicates can be found among many.

Texts arrive one at a time and are signed in batches, by a background thread where there is more than one
batch (the kernel holds no interpreter lock). A document costs its band keys in memory (144 bytes at
0.8), 128 bytes to estimate by, and its text in a file without a name, from which candidates are read back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from dsforge.io.spill import Spill
from dsforge.similarity.compared import Compared
from dsforge.similarity.lsh import Banding, band_keys
from dsforge.similarity.minhash import PERMUTATIONS, sign_compiled, sign_numpy
from dsforge.similarity.shingle import U8, U64, Texts, pack
from dsforge.similarity.verify import jaccard_compiled, jaccard_numpy

BATCH = 4_000_000
"""Code points a batch. What fits one batch is signed by numpy: about as fast as loading the kernel (0.4 s)."""

_BY_NUMPY = 1000  # comparisons (0.3 ms each) after which the kernel (0.02 ms) is worth loading
_NOT_WORTH_IT = 8  # candidates so few that verifying them is as fast as estimating
_LONG = 20_000  # code points of a document that is read anew each time
_WAITING = 2  # batches a worker may have in the queue, which bounds the memory


Signed: TypeAlias = "tuple[U64, U8]"
"""Band keys, and the low byte of each value of the signatures."""

DEVIATIONS = 4
"""Standard deviations below the threshold at which an estimate rules a pair out: wrong for 1 in 10,000 pairs right at
the threshold, for 7 in 1,000,000 pairs 0.02 above it."""


def _sign(documents: Sequence[Sequence[str]], guards: Sequence[bytes], banding: Banding, compiled: bool) -> Signed:
    texts = pack(documents)
    signatures = sign_compiled(texts) if compiled else sign_numpy(texts)
    firsts = np.frombuffer(b"".join(guard[:8] for guard in guards), dtype="<u8").astype(np.uint64)
    return band_keys(signatures, firsts, banding), signatures.astype(np.uint8)


class Sketches:
    """Collects documents, then answers for the exact similarity of any two. Close it, or use it in a `with`."""

    def __init__(self, banding: Banding, workers: int = 1) -> None:
        self._banding = banding
        self._documents: list[tuple[str, str, str]] = []
        self._guards: list[bytes] = []
        self._points = 0
        self._limit = workers * _WAITING
        self._pool = ThreadPoolExecutor(workers)
        self._batches: list[Future[Signed]] = []
        self._keys: U64 = np.empty((0, banding.bands), dtype=np.uint64)
        self._low: U8 = np.empty((0, PERMUTATIONS), dtype=np.uint8)
        self._compiled = False
        self._verified = 0
        self._texts = Spill()
        self._lengths: list[tuple[int, int, int]] = []
        self._remembered = lru_cache(maxsize=4096)(self._read_document)

    def __enter__(self) -> Sketches:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._lengths)

    def close(self) -> None:
        """Free the thread and the file."""
        self._pool.shutdown(cancel_futures=True)
        self._texts.close()

    def add(self, document: Compared) -> None:
        """Add a document; it is number `len(self)` before the call."""
        self._lengths.append((len(document.parts[0]), len(document.parts[1]), len(document.parts[2])))
        self._texts.append("".join(document.parts).encode("utf-8", "surrogatepass"))
        self._documents.append(document.parts)
        self._guards.append(document.guard)
        self._points += sum(self._lengths[-1])
        if self._points >= BATCH:
            self._compiled = True
            self._submit()

    def _submit(self) -> None:
        if len(self._batches) >= self._limit:
            self._batches[-self._limit].result()
        batch = self._pool.submit(_sign, self._documents, self._guards, self._banding, self._compiled)
        self._batches.append(batch)
        self._documents, self._guards, self._points = [], [], 0

    def keys(self) -> U64:
        """The band keys of all documents, one row each."""
        if self._documents:
            self._submit()
        signed = [batch.result() for batch in self._batches]
        self._low = np.concatenate([self._low, *(low for _, low in signed)])
        self._batches = []
        self._keys = np.concatenate([self._keys, *(keys for keys, _ in signed)])
        return self._keys

    def likely(self, document: int, others: list[int], threshold: float) -> list[int]:
        """Those of `others` that share enough values of the signature to reach `threshold`; after `keys`."""
        if len(others) < _NOT_WORTH_IT:
            return others
        deviation = math.sqrt(threshold * (1 - threshold) / PERMUTATIONS)
        shared = (self._low[others] == self._low[document]).sum(axis=1)
        ruled_in = shared >= PERMUTATIONS * (threshold - DEVIATIONS * deviation)
        return [other for other, likely in zip(others, ruled_in.tolist(), strict=True) if likely]

    def _read_document(self, number: int) -> Texts:
        text = self._texts[number].decode("utf-8", "surrogatepass")
        starts = np.zeros(4, dtype=np.int64)
        np.cumsum(self._lengths[number], out=starts[1:])
        return Texts(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32), starts)

    def _read(self, number: int) -> Texts:
        """The texts of a document; long ones are not remembered, for thousands of them would fill the memory."""
        return self._read_document(number) if sum(self._lengths[number]) > _LONG else self._remembered(number)

    def similarity(self, left: int, right: int) -> float:
        """The exact similarity of two documents (the least over their parts)."""
        for ours, theirs in zip(self._lengths[left], self._lengths[right], strict=True):
            if (ours == 0) != (theirs == 0):
                return 0.0
        self._verified += 1
        exact = jaccard_compiled if self._compiled or self._verified > _BY_NUMPY else jaccard_numpy
        return exact(self._read(left), self._read(right))
