"""How the lengths of rows lie: quantiles, what padding and packing waste, what a limit costs."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.0, 0.5, 0.9, 0.99, 1.0)
PACKING_BATCH = 1000
"""Rows that TRL packs together: `datasets.map` hands them over in batches of this size (trl 1.16)."""

Lengths = NDArray[np.int64]


class Padding(msgspec.Struct, frozen=True):
    """What a batch of rows padded to its longest wastes: tokens computed for nothing, of all computed.

    `share` is the expected one over all ways to draw batches of `batch_size` rows.
    """

    batch_size: int
    share: float


class Packing(msgspec.Struct, frozen=True):
    """Rows packed by best fit, longest first, as TRL's `packing_strategy="bfd"` does.

    `blocks` of `block_tokens` each; `share` is what of them stays empty; `cut` the tokens of rows longer than a block,
    which are lost.
    """

    block_tokens: int
    blocks: int
    share: float
    cut: int


class Over(msgspec.Struct, frozen=True):
    """Rows longer than a limit, the tokens beyond it, and at most how many of these are trained.

    `dropped` are the tokens, and `dropped_trained` the trained ones, that are lost where such rows are dropped.
    """

    limit: int
    rows: int
    cut: int
    cut_trained: int
    dropped: int
    dropped_trained: int


class Shape(msgspec.Struct, frozen=True):
    """The lengths of the sequences of a dataset, in tokens; `quantiles` are those of `QUANTILES`."""

    sequences: int
    mean: float
    quantiles: list[int]
    padding: list[Padding]
    packing: Packing | None = None
    over: Over | None = None


def shape_of(
    lengths: Sequence[int], trained: Sequence[int], *, limit: int | None = None, batch_sizes: Sequence[int] = (2, 4, 8)
) -> Shape:
    """The shape of sequences of these lengths, of which so many tokens each are trained.

    With a `limit` they are cut there when they are padded and packed; without one a block is as long as the longest.
    """
    whole = np.array(lengths, dtype=np.int64)
    cut = np.minimum(whole, limit) if limit else whole
    block = limit or int(whole.max(initial=0))
    sizes = [size for size in batch_sizes if 1 < size <= len(whole)]
    return Shape(
        sequences=len(whole),
        mean=round(float(whole.mean()), 1) if len(whole) else 0.0,
        quantiles=[int(np.quantile(whole, share, method="inverted_cdf")) for share in QUANTILES] if len(whole) else [],
        padding=[Padding(size, padding_share(cut, size)) for size in sizes],
        packing=packing_of(whole, block) if block else None,
        over=over_limit(whole, np.array(trained, dtype=np.int64), limit) if limit else None,
    )


def padding_share(lengths: Lengths, batch_size: int) -> float:
    """The share of padding that is to be expected of random batches.

    The longest of a batch is the i-th shortest of all n with a probability of C(i-1, b-1) / C(n, b): all others of the
    batch are among the i-1 shorter ones. The last batch, which may be smaller, is taken for a whole one.
    """
    ordered = np.sort(lengths)
    count = len(ordered)
    at = np.arange(batch_size, count + 1, dtype=np.float64)  # i, from the first that can be the longest
    chances = np.ones(len(at))
    for step in range(1, batch_size):
        chances *= (at - step) / (count - step)
    chances *= batch_size / count
    longest = float((chances * ordered[batch_size - 1 :]).sum())
    return round(1 - float(ordered.mean()) / longest, 4) if longest else 0.0


def packing_of(lengths: Lengths, block_tokens: int) -> Packing:
    """The blocks that best fit, longest first, makes of sequences, a batch of `PACKING_BATCH` at a time."""
    cut = np.minimum(lengths, block_tokens)
    blocks = sum(
        _blocks(np.sort(cut[start : start + PACKING_BATCH])[::-1].tolist(), block_tokens)
        for start in range(0, len(cut), PACKING_BATCH)
    )
    room = blocks * block_tokens
    return Packing(
        block_tokens, blocks, round(1 - float(cut.sum()) / room, 4) if room else 0.0, int((lengths - cut).sum())
    )


def _blocks(lengths: Sequence[int], block_tokens: int) -> int:
    """Each sequence goes into the open block with the least room that has enough; the number of blocks in the end."""
    rooms: list[int] = []  # ascending
    blocks = 0
    for length in lengths:
        if not length:
            continue
        at = bisect_left(rooms, length)
        if at < len(rooms):
            room = rooms.pop(at)
        else:
            room = block_tokens
            blocks += 1
        if room > length:
            insort(rooms, room - length)
    return blocks


def over_limit(lengths: Lengths, trained: Lengths, limit: int) -> Over:
    """What sequences longer than a limit lose. What is trained is taken to stand last: the loss is the most it can be.

    So it is with one answer, which stands last; with several, some trained tokens may stand before the cut.
    """
    beyond = np.maximum(lengths - limit, 0)
    are_over = beyond > 0
    return Over(
        limit, int(are_over.sum()), int(beyond.sum()), int(np.minimum(beyond, trained).sum()),
        int(lengths[are_over].sum()), int(trained[are_over].sum()),
    )  # fmt: skip
