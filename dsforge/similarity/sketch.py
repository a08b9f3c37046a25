"""Sketches: what is kept of each document so that near-duplicates can be found among many.

They lie in folders of arrays (`dsforge.io.arrays`), each written by one task and looked at by others, so that none has
to hold them all in memory:

- `text`: the parts of all documents, one after another, in UTF-8, from which candidates are verified;
- `lengths`: the bytes of the three parts of each document (uint32);
- `low`: the low byte of each of the 128 values of its signature, to estimate by;
- `band_0` and so on: the key of the document in each band (uint64);
- `signature`: all of the signature (uint32), where it is asked for.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from dsforge.io.arrays import ArrayFolder, mapped, temporary_folder
from dsforge.similarity.compared import PARTS, Compared
from dsforge.similarity.lsh import Banding, band_keys
from dsforge.similarity.minhash import PERMUTATIONS, sign_compiled, sign_numpy
from dsforge.similarity.shingle import CHARACTERS, I64, U8, U64, Shingling, Texts, pack
from dsforge.similarity.verify import jaccard_compiled, jaccard_numpy

BATCH = 4_000_000
"""Bytes of text a batch. What fits one batch is signed by numpy: about as fast as loading the kernel (0.4 s)."""

_BY_NUMPY = 1000  # comparisons (0.3 ms each) after which the kernel (0.02 ms) is worth loading
NOT_WORTH_IT = 8  # candidates so few that verifying them is as fast as estimating

DEVIATIONS = 4
"""Standard deviations below the threshold at which an estimate rules a pair out: wrong for 1 in 10,000 pairs right at
the threshold, for 7 in 1,000,000 pairs 0.02 above it."""


_signed = 0


def _is_much(size: int) -> bool:
    """Whether this process signs so many bytes, counting these, that loading the kernel is worth its while."""
    global _signed
    _signed += size
    return _signed >= BATCH


def is_prepared() -> bool:
    """Whether this process has loaded the kernel, and works on much."""
    return _signed >= BATCH


def prepare() -> None:
    """Load the kernel, so that processes forked from this one have it."""
    _is_much(BATCH)
    sign_compiled(pack([(b"", b"", b"")]))
    jaccard_compiled(pack([(b"", b"", b"")]), pack([(b"", b"", b"")]))


def are_likely(low: U8, others: U8, threshold: float) -> NDArray[np.bool_]:
    """Whether each of `others`, low bytes of signatures, shares enough of them with `low` to reach `threshold`."""
    deviation = math.sqrt(threshold * (1 - threshold) / PERMUTATIONS)
    enough: NDArray[np.bool_] = (others == low).sum(axis=1) >= PERMUTATIONS * (threshold - DEVIATIONS * deviation)
    return enough


class SketchWriter:
    """Signs documents and writes their sketches to a folder. The caller closes the folder after `end`."""

    def __init__(
        self, folder: ArrayFolder, banding: Banding, shingling: Shingling = CHARACTERS, signatures: bool = False
    ) -> None:
        self._folder, self._banding, self._shingling = folder, banding, shingling
        self._whole = signatures
        self._texts: list[bytes] = []
        self._lengths: list[int] = []
        self._guards: list[bytes] = []
        self._bytes = 0
        self._sign(pack([]))

    def add(self, document: Compared) -> None:
        """Add a document; it is number n after n others."""
        self.add_text(b"".join(document.parts), [*map(len, document.parts)], document.guard)

    def add_text(self, text: bytes, lengths: Sequence[int], guard: bytes) -> None:
        """Add a document by its parts, one after another, and their lengths."""
        self._texts.append(text)
        self._lengths += lengths
        self._guards.append(guard)
        self._bytes += len(text)
        if self._bytes >= BATCH:
            self.end()

    def end(self) -> None:
        """Sign and write what waits to be."""
        if self._texts:
            starts = np.array(self._lengths, dtype=np.int64).cumsum()
            utf8 = np.frombuffer(b"".join(self._texts), dtype=np.uint8)
            self._sign(Texts(utf8, np.concatenate([np.zeros(1, dtype=np.int64), starts])))
        self._texts, self._lengths, self._guards, self._bytes = [], [], [], 0

    def _sign(self, texts: Texts) -> None:
        sign = sign_compiled if _is_much(len(texts.utf8)) else sign_numpy
        signatures = sign(texts, self._shingling)
        guards = np.frombuffer(b"".join(guard[:8] for guard in self._guards), dtype="<u8").astype(np.uint64)
        folder = self._folder
        folder.append("text", texts.utf8)
        folder.append("lengths", np.diff(texts.starts).astype(np.uint32))
        folder.append("low", signatures.astype(np.uint8))
        if self._whole:
            folder.append("signature", signatures)
        for band, keys in enumerate(band_keys(signatures, guards, self._banding).T):
            folder.append(f"band_{band}", np.ascontiguousarray(keys))


class _Folder:
    """The sketches of one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lengths = mapped(path / "lengths", np.uint32)
        self.count = len(lengths) // PARTS
        self.starts: I64 = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])
        self.text: U8 = mapped(path / "text", np.uint8)
        self.low: U8 = mapped(path / "low", np.uint8, PERMUTATIONS)

    def texts(self, at: int) -> Texts:
        """The parts of a document."""
        starts = self.starts[at * PARTS : (at + 1) * PARTS + 1]
        first = starts[0]
        return Texts(self.text[first : starts[-1]], starts - first)


class Sketched:
    """The sketches of several folders, numbered one after another; answers for the similarity of any two."""

    def __init__(self, folders: Sequence[Path], banding: Banding, shingling: Shingling = CHARACTERS) -> None:
        self.banding = banding
        self._shingling = shingling
        self._folders = [_Folder(folder) for folder in folders]
        self._firsts = [0, *accumulate(folder.count for folder in self._folders)]
        self._verified = 0

    def __len__(self) -> int:
        return self._firsts[-1]

    def first(self, place: int) -> int:
        """The number of the first document of a folder."""
        return self._firsts[place]

    def band(self, band: int, since: int = 0) -> Iterator[tuple[int, U64]]:
        """`(number of the first document, keys in this band)` of each folder from this one on."""
        for first, folder in zip(self._firsts[since:], self._folders[since:]):  # noqa: B905 - one more is the end
            yield first, mapped(folder.path / f"band_{band}", np.uint64)

    def keys(self) -> U64:
        """The band keys of all documents, one row each."""
        bands = [np.concatenate([keys for _, keys in self.band(band)]) for band in range(self.banding.bands)]
        return np.stack(bands, axis=1)

    def likely(self, document: int, others: list[int], threshold: float) -> list[int]:
        """Those of `others` that share enough values of the signature to reach `threshold`."""
        if len(others) < NOT_WORTH_IT:
            return others
        ruled_in = are_likely(self._low([document]), self._low(others), threshold)
        return [other for other, likely in zip(others, ruled_in.tolist(), strict=True) if likely]

    def _low(self, documents: list[int]) -> U8:
        numbers = np.array(documents)
        places = np.searchsorted(self._firsts, numbers, side="right") - 1
        low = np.empty((len(documents), PERMUTATIONS), dtype=np.uint8)
        for place in np.unique(places).tolist():
            there = places == place
            low[there] = self._folders[place].low[numbers[there] - self._firsts[place]]
        return low

    def texts(self, number: int) -> Texts:
        """The parts of a document."""
        place = bisect_right(self._firsts, number) - 1
        return self._folders[place].texts(number - self._firsts[place])

    def similarity(self, left: int, right: int) -> float:
        """The exact similarity of two documents (the least over their parts)."""
        ours, theirs = self.texts(left), self.texts(right)
        self._verified += 1
        exact = jaccard_compiled if self._verified > _BY_NUMPY or _signed >= BATCH else jaccard_numpy
        return exact(ours, theirs, self._shingling)


class Sketches:
    """Sketches in a folder without a name, for one process. Use it in a `with`: `add`, then `sketched`."""

    def __init__(self, banding: Banding, shingling: Shingling = CHARACTERS) -> None:
        self._banding, self._shingling = banding, shingling
        self._stack = ExitStack()
        self._path = self._stack.enter_context(temporary_folder())
        self._arrays = ArrayFolder(self._path)
        self._writer = SketchWriter(self._arrays, banding, shingling)

    def __enter__(self) -> Sketches:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._arrays.close()
        self._stack.close()

    def add(self, document: Compared) -> None:
        """Add a document; it is number n after n others."""
        self._writer.add(document)

    def sketched(self) -> Sketched:
        """The sketches of all documents added, to be looked at while the folder is there."""
        self._writer.end()
        self._arrays.close()
        return Sketched([self._path], self._banding, self._shingling)
