"""Semantic duplicates: rows whose parts say the same in other words, by the cosine of their embeddings.

Two rows are semantic duplicates where their guards are equal and *each part* reaches the threshold, as for Jaccard
similarity; the similarity is the least over the parts. Every pair that could reach the threshold is compared, in
blocks, so memory holds the embeddings (1.5 kB a text with MiniLM) and no n x n matrix, but time grows with the square
of the rows under one guard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dsforge.errors import UsageError
from dsforge.similarity.cluster import Match
from dsforge.similarity.compared import PARTS
from dsforge.similarity.embed import F32, Embedder
from dsforge.similarity.key import key_of
from dsforge.similarity.shingle import I64

THRESHOLD = 0.8
"""For MiniLM, whose figures these are; other models spread their cosines otherwise, E5's give unrelated texts 0.7.

Of 40 English prompts written anew in other words (tests/similarity/semantic_pairs.jsonl) 25 reach it, 13 reach 0.85, 4
reach 0.9, and none 0.95; of their 1,560 pairs with other prompts the highest has 0.58. But of 20 prompts changed in one
detail that matters (a number, a name, on for off) 13 reach it, and 6 reach 0.95: **no threshold tells other words from
another detail**. Of 134 pairs found in the 2,017 rows of code_alpaca_2k, about two in three say the same by our
reading, of the 53 from 0.85 on three in four, of the 16 from 0.9 on 13. In the 985 of alpaca_en_demo 3 are found.

MiniLM is English. It knows few Chinese characters, and takes all others for one: prompts that differ in a detail have 1
and unrelated ones up to 0.96, so such texts are not compared (`dsforge.similarity.embed.UNKNOWN`), which is told.
"""

DECIMALS = 6
"""Of a cosine: what stands behind is noise of a model's float32."""

_TEXTS = 4096  # a call of the embedder
_ROWS = 1024  # a block
_KEPT = 4096  # kept rows that a block is compared with at a time: 16 MB of products


class Documents(Protocol):
    """The parts of each document by number, as text or as UTF-8: a list, or what reads them from elsewhere."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Sequence[str | bytes]: ...


def semantic_matches(
    parts: Documents,
    guards: Iterable[Hashable],
    embedder: Embedder,
    threshold: float = THRESHOLD,
    *,
    rank: Sequence[float] | None = None,
    known: int = 0,
) -> list[Match]:
    """What to remove, in order: each document that reaches the threshold with one before it that is kept.

    Order and `known` are as in `star_clusters`: the first `known` documents, then the others by `rank`, the least
    first, equal ones as they are numbered. Of several kept documents the most similar is named, then the earliest.
    `similarity` is the least cosine over the parts, to `DECIMALS`. A part that is empty in one document alone keeps
    the two apart; one that is empty in both does not count. The result does not depend on the size of blocks.

    Raises:
        UsageError: the threshold is out of range.
        ServiceError: a server did not give embeddings.
    """
    if not 0 < threshold <= 1:
        raise UsageError(
            f"--threshold {threshold} is out of range: a cosine of texts that are alike lies between 0 and 1"
        )
    number, vectors = _embedded(parts, embedder)
    count = len(number)
    order = list(range(count))
    if rank is not None:
        order.sort(key=lambda document: (document >= known, rank[document]))
    guard, filled = list(guards), number >= 0
    groups: defaultdict[tuple[Hashable, bytes], list[int]] = defaultdict(list)
    for document in order:
        groups[guard[document], filled[document].tobytes()].append(document)
    found = {}
    for documents in groups.values():
        group = _Group(vectors, number[documents][:, filled[documents[0]]])
        known_here = sum(document < known for document in documents)
        for removed, kept, cosine in group.stars(threshold, known_here):
            found[documents[removed]] = Match(documents[removed], documents[kept], cosine)
    return [found[document] for document in order if document in found]


def _embedded(parts: Documents, embedder: Embedder) -> tuple[I64, F32]:
    """`(number, vectors)`: part p of document d has the embedding `vectors[number[d, p]]`, none where that is -1.

    Each text is embedded once, however often it occurs.
    """
    number = np.full((len(parts), PARTS), -1, dtype=np.int64)
    numbers: dict[bytes, int] = {}
    vectors: list[F32] = []
    waiting: list[str] = []
    for document in range(len(parts)):
        for part, text in enumerate(parts[document]):
            if not text.strip():
                continue
            raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
            new = len(numbers)
            number[document, part] = numbers.setdefault(key_of(raw), new)
            if len(numbers) > new:
                waiting.append(raw.decode("utf-8", "replace"))  # neither tokenizers nor JSON take lone surrogates
        if len(waiting) >= _TEXTS:
            vectors.append(embedder.embed(waiting))
            waiting = []
    if waiting:
        vectors.append(embedder.embed(waiting))
    return number, np.concatenate(vectors) if vectors else np.zeros((0, 0), dtype=np.float32)


Found: TypeAlias = tuple[int, int, float]
"""Removed, kept, and their similarity."""


class _Group:
    """Documents that only their embeddings can tell apart, in the order in which they are kept.

    Document d has the embeddings `vectors[number[d]]`, as many as it has parts.
    """

    def __init__(self, vectors: F32, number: I64) -> None:
        self._vectors, self._number = vectors, number

    def stars(self, threshold: float, known: int) -> Iterator[Found]:
        """The stars among the documents, of which the first `known` are kept in any case."""
        size = len(self._number)
        kept = np.arange(size)  # the first `many` are set
        many = known
        for start in range(known, size, _ROWS):
            block = np.arange(start, min(start + _ROWS, size))
            best = self._best(block, kept[:many], threshold)
            within = self._near(block, block, threshold)
            stays = np.zeros(len(block), dtype=bool)
            for at, document in enumerate(block.tolist()):
                earlier = block[:at][within[at, :at] & stays[:at]]
                match = self._better(best.get(document), document, earlier, threshold)
                if match:
                    yield match
                else:
                    stays[at] = True
            staying = block[stays]
            kept[many : many + len(staying)] = staying
            many += len(staying)

    def _best(self, block: I64, kept: I64, threshold: float) -> dict[int, Found]:
        """For documents of the block, the most similar kept one, where it reaches the threshold."""
        best: dict[int, Found] = {}
        for start in range(0, len(kept), _KEPT):
            some = kept[start : start + _KEPT]
            near = self._near(block, some, threshold)
            for at in np.flatnonzero(near.any(axis=1)).tolist():
                document = int(block[at])
                match = self._better(best.get(document), document, some[near[at]], threshold)
                if match:
                    best[document] = match
        return best

    def _better(self, best: Found | None, document: int, others: I64, threshold: float) -> Found | None:
        """The match with the most similar of `others`, if it reaches the threshold and is better than `best`."""
        if len(others) == 0:
            return best
        cosines = self._cosines(document, others)
        at = int(cosines.argmax())
        cosine = float(cosines[at])
        if cosine >= threshold and (best is None or cosine > best[2]):
            return document, int(others[at]), cosine
        return best

    def _near(self, ours: I64, theirs: I64, threshold: float) -> NDArray[np.bool_]:
        """Which pairs may reach the threshold, shape (ours, theirs): all that do, and few others.

        The sum of d float32 products, in whatever order, is off by at most d * 2^-24 for rows of length 1, so nothing
        hangs on how the library that multiplies matrices orders them.
        """
        least = np.float32(threshold - self._vectors.shape[1] * 2.0**-23 - 10.0**-DECIMALS)
        near = np.ones((len(ours), len(theirs)), dtype=bool)
        rows = np.arange(len(ours))
        for our, their in zip(self._number[ours].T, self._number[theirs].T, strict=True):
            near[rows] &= self._vectors[our[rows]] @ self._vectors[their].T >= least
            rows = np.flatnonzero(near.any(axis=1))  # the other parts of most rows need not be compared
        return near

    def _cosines(self, document: int, others: I64) -> NDArray[np.float64]:
        """The similarity of a document to each of others: the least cosine over the parts, exact to `DECIMALS`."""
        least = np.ones(len(others))
        for ours, theirs in zip(self._number[document], self._number[others].T, strict=True):
            products = self._vectors[theirs] * self._vectors[ours].astype(np.float64)
            np.minimum(least, products.sum(axis=1).round(DECIMALS), out=least)
        return least
