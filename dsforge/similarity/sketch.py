"""Sketches: what is kept of each document so that near-duplicates can be found among many.

Texts arrive one at a time and are signed in batches, by a background thread where there is more than one
batch (the kernel holds no interpreter lock). A document costs its band keys in memory (144 bytes at
0.8) and its text in a file without a name; candidates are read back from there to be verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from dsforge.io.spill import Spill
from dsforge.similarity.compared import Compared
from dsforge.similarity.lsh import Banding, band_keys
from dsforge.similarity.minhash import sign_compiled, sign_numpy
from dsforge.similarity.shingle import U64, Texts, pack
from dsforge.similarity.verify import jaccard_compiled, jaccard_numpy

BATCH = 4_000_000
"""Code points a batch. What fits one batch is signed by numpy: about as fast as loading the kernel (0.4 s)."""

_WAITING = 2  # batches a worker may have in the queue, which bounds the memory


def _keys_of(documents: Sequence[Sequence[str]], guards: Sequence[bytes], banding: Banding, compiled: bool) -> U64:
    texts = pack(documents)
    signatures = sign_compiled(texts) if compiled else sign_numpy(texts)
    firsts = np.frombuffer(b"".join(guard[:8] for guard in guards), dtype="<u8").astype(np.uint64)
    return band_keys(signatures, firsts, banding)


class Sketches:
    """Collects documents, then answers for the exact similarity of any two. Close it, or use it in a `with`."""

    def __init__(self, banding: Banding, workers: int = 1) -> None:
        self._banding = banding
        self._documents: list[tuple[str, str, str]] = []
        self._guards: list[bytes] = []
        self._points = 0
        self._limit = workers * _WAITING
        self._pool = ThreadPoolExecutor(workers)
        self._batches: list[Future[U64]] = []
        self._compiled = False
        self._texts = Spill()
        self._lengths: list[tuple[int, int, int]] = []
        self._read = lru_cache(maxsize=4096)(self._read_document)

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
            self._sign()

    def _sign(self) -> None:
        if len(self._batches) >= self._limit:
            self._batches[-self._limit].result()
        batch = self._pool.submit(_keys_of, self._documents, self._guards, self._banding, self._compiled)
        self._batches.append(batch)
        self._documents, self._guards, self._points = [], [], 0

    def keys(self) -> U64:
        """The band keys of all documents, one row each."""
        if self._documents:
            self._sign()
        if not self._batches:
            return np.empty((0, self._banding.bands), dtype=np.uint64)
        return np.concatenate([batch.result() for batch in self._batches])

    def _read_document(self, number: int) -> Texts:
        text = self._texts[number].decode("utf-8", "surrogatepass")
        starts = np.zeros(4, dtype=np.int64)
        np.cumsum(self._lengths[number], out=starts[1:])
        return Texts(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32), starts)

    def similarity(self, left: int, right: int) -> float:
        """The exact similarity of two documents (the least over their parts)."""
        for ours, theirs in zip(self._lengths[left], self._lengths[right], strict=True):
            if (ours == 0) != (theirs == 0):
                return 0.0
        exact = jaccard_compiled if self._compiled else jaccard_numpy
        return exact(self._read(left), self._read(right))
