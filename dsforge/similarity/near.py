"""Texts that are added one after another, each found again by one that is nearly the same: for rows as they are made.

A text is cleaned, cut, signed and banded as `dsforge dedup` does it with a document of one part, and a candidate is
verified, so that what is found is exactly so alike; of the pairs right at the threshold `MISS` may be overlooked.

Of each text that differs from those before 8 bytes a band are held in memory, and 24 more (168 in all for a threshold
of 0.8, for a moment twice as many while they are put in order); what verifies it (the text, and 128 bytes to estimate
by) lies in a file without a name. Of a copy nothing is held.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import NamedTuple

import numpy as np

from dsforge.io.spill import Spill
from dsforge.similarity.cluster import FEW, LIMIT, most_shared
from dsforge.similarity.key import Clean, key_of, normalised_bytes
from dsforge.similarity.lsh import Banding, band_keys, choose_banding
from dsforge.similarity.minhash import PERMUTATIONS, sign_compiled, sign_numpy
from dsforge.similarity.shingle import CHARACTERS, U8, U32, U64, Shingling, Texts, pack
from dsforge.similarity.sketch import BATCH, NOT_WORTH_IT, are_likely
from dsforge.similarity.verify import jaccard_compiled, jaccard_numpy

_CALL = 1000
"""Bytes that numpy signs in the time that a call for a short text takes (0.1 ms); a text counts for as many more."""
_RECENT = 1024  # texts that are looked through, as they are too few to be put in order
_FACTOR = 4  # a run of texts is joined with those before it that are no longer than so many times it
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


class Near(NamedTuple):
    """An earlier text, by its number from 0 in the order of adding, and how alike it is (the Jaccard similarity)."""

    number: int
    similarity: float


class NearTexts:
    """Texts to be found by others that reach `threshold`. Use it in a `with`, or close it.

    What is found depends on the texts alone and the order in which they were added, not on how many at a time.
    Numbers are below 2^32. The compiled kernel is loaded (0.5 s) once there is as much to do as that is worth.

    Raises:
        OutputError: the system's temporary folder (TMPDIR) is full.
    """

    def __init__(self, threshold: float, shingling: Shingling = CHARACTERS, clean: Clean = normalised_bytes) -> None:
        self._threshold, self._shingling, self._clean = threshold, shingling, clean
        self._banding = choose_banding(threshold)
        self._count = self._work = 0
        self._numbers = array("q")  # of each document, a text that differs from those before
        self._spill = Spill()
        self._runs: list[U64] = []  # a key and a document in each value, in order
        self._recent: U32 = np.empty((_RECENT, self._banding.bands + 1), dtype=np.uint32)
        self._recent_count = 0
        self._last: tuple[bytes, U64, U8] | None = None

    def __enter__(self) -> NearTexts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back to the system."""
        self._spill.close()

    def __len__(self) -> int:
        """How many texts were added, copies and all."""
        return self._count

    def find(self, text: str) -> Near | None:
        """The earlier text that this one reaches the threshold with, None where there is none.

        An equal one comes first, then the one that shares the most bands, then the earliest.
        """
        raw = self._clean(text)
        keys, low = self._sketch_of(raw)
        equal, *bands = self._met(keys)
        if (same := self._equal(raw, equal)) is not None:
            return Near(self._numbers[same], 1.0)
        ours = _alone([raw])
        for document in self._likely(low, most_shared(bands))[:LIMIT]:
            similarity = self._similarity(ours, self._text(document))
            if similarity >= self._threshold:
                return Near(self._numbers[document], similarity)
        return None

    def add(self, text: str) -> None:
        """Add a text, whatever it is like."""
        raw = self._clean(text)
        keys, low = self._sketch_of(raw)
        if self._equal(raw, self._met(keys[:1])[0]) is None:
            self._keep([raw], [self._count], keys[None], low[None])
        self._count += 1

    def add_many(self, texts: Iterable[str]) -> None:
        """Add texts: the same as to add each, in a fraction of the time."""
        batch: dict[bytes, int] = {}
        size = 0
        for text in texts:
            raw = self._clean(text)
            if raw not in batch:
                batch[raw] = self._count
                size += len(raw) + _CALL
            self._count += 1
            if size >= BATCH:
                self._add_batch(batch)
                batch, size = {}, 0
        self._add_batch(batch)

    def _add_batch(self, batch: dict[bytes, int]) -> None:
        """Add texts that differ, each with its number, but for those that are there."""
        self._put_in_order(np.empty(0, dtype=np.uint64))
        met = self._met_in_runs(np.array([_hash(raw) for raw in batch], dtype=np.uint64))
        new = [raw for raw, documents in zip(batch, met, strict=True) if self._equal(raw, documents) is None]
        if new:
            keys, low = self._signed(new)
            self._keep(new, [batch[raw] for raw in new], keys, low)

    def _keep(self, texts: Sequence[bytes], numbers: Sequence[int], keys: U64, low: U8) -> None:
        """Hold documents that are not there."""
        documents = np.arange(len(self._numbers), len(self._numbers) + len(texts), dtype=np.uint64)
        for raw, row in zip(texts, low, strict=True):
            self._spill.append(row.tobytes() + raw)
        self._numbers.extend(numbers)
        if self._recent_count + len(texts) > _RECENT:
            self._put_in_order((keys << _HALF | documents[:, None]).ravel())
        else:
            self._recent[self._recent_count : self._recent_count + len(texts)] = keys
            self._recent_count += len(texts)

    def _put_in_order(self, entries: U64) -> None:
        """Make a run of the recent documents and of entries behind them, and join it with others."""
        first = np.uint64(len(self._numbers) - self._recent_count - len(entries) // self._recent.shape[1])
        numbers = np.arange(self._recent_count, dtype=np.uint64) + first
        recent = self._recent[: self._recent_count].astype(np.uint64) << _HALF | numbers[:, None]
        joined = [recent.ravel(), entries]
        size = recent.size + entries.size
        if not size:
            return
        while self._runs and len(self._runs[-1]) <= _FACTOR * size:
            joined.append(self._runs.pop())
            size += len(joined[-1])
        run = np.concatenate(joined)
        joined.clear()
        run.sort()
        self._runs.append(run)
        self._recent_count = 0

    def _met_in_runs(self, keys: U64) -> list[list[int]]:
        """For each key the documents in the runs that have it, ascending; of each run `FEW` at most."""
        met: list[list[int]] = [[] for _ in range(len(keys))]
        lowest = keys << _HALF
        for run in self._runs:
            at = np.searchsorted(run, lowest)
            for place in np.flatnonzero(run[np.minimum(at, len(run) - 1)] >> _HALF == keys).tolist():
                entries = run[at[place] : at[place] + FEW]
                count = np.searchsorted(entries, lowest[place] | _LOW, side="right")
                met[place] += (entries[:count] & _LOW).tolist()
        return met

    def _met(self, keys: U64) -> list[list[int]]:
        """For each key of a sketch the documents that have it, ascending, `FEW` at most."""
        met = self._met_in_runs(keys)
        first = len(self._numbers) - self._recent_count
        recent = self._recent[: self._recent_count, : len(keys)]
        for entry in np.flatnonzero(recent == keys.astype(np.uint32)).tolist():
            document, place = divmod(entry, len(keys))
            met[place].append(first + document)
        return [documents[:FEW] for documents in met]

    def _equal(self, raw: bytes, documents: Iterable[int]) -> int | None:
        """The one of `documents` that has this text."""
        return next((document for document in documents if self._text(document) == raw), None)

    def _text(self, document: int) -> bytes:
        return self._spill[document][PERMUTATIONS:]

    def _likely(self, low: U8, documents: list[int]) -> list[int]:
        """Those of `documents` that are not ruled out by an estimate."""
        if len(documents) < NOT_WORTH_IT:
            return documents
        found = b"".join([self._spill[document][:PERMUTATIONS] for document in documents])
        likely = are_likely(low, np.frombuffer(found, dtype=np.uint8).reshape(-1, PERMUTATIONS), self._threshold)
        return [document for document, is_likely in zip(documents, likely.tolist(), strict=True) if is_likely]

    def _similarity(self, ours: Texts, other: bytes) -> float:
        exact = jaccard_compiled if self._is_much(len(ours.utf8) + len(other) + _CALL) else jaccard_numpy
        return exact(ours, _alone([other]), self._shingling)

    def _sketch_of(self, raw: bytes) -> tuple[U64, U8]:
        """`(keys, low)` of a text; those of the last one are at hand, as what was looked for is often added."""
        if self._last is None or self._last[0] != raw:
            self._work += _CALL
            keys, low = self._signed([raw])
            self._last = raw, keys[0], low[0]
        return self._last[1:]

    def _signed(self, texts: Sequence[bytes]) -> tuple[U64, U8]:
        """A row for each text: 32 bits of a hash of it and of its key in each band, and the low bytes of its values."""
        packed = _alone(texts)
        sign = sign_compiled if self._is_much(len(packed.utf8)) else sign_numpy
        signatures = sign(packed, self._shingling)
        bands, rows = self._banding.bands, self._banding.rows
        values = signatures[:, : bands * rows].reshape(-1, rows)
        of_bands = np.tile(np.arange(bands, dtype=np.uint64), len(texts))  # guards: so `band_keys` takes all at once
        keys = band_keys(values, of_bands, Banding(1, rows)).reshape(-1, bands) >> _HALF
        hashes = np.array([_hash(raw) for raw in texts], dtype=np.uint64)
        return np.concatenate([hashes[:, None], keys], axis=1), signatures.astype(np.uint8)

    def _is_much(self, size: int) -> bool:
        """Whether so many bytes more make it worth while to load the kernel."""
        self._work += size
        return self._work >= BATCH


def _alone(texts: Sequence[bytes]) -> Texts:
    """Documents of one part."""
    return pack([(raw, b"", b"") for raw in texts])


def _hash(raw: bytes) -> int:
    return int.from_bytes(key_of(raw)[:4], "big")
