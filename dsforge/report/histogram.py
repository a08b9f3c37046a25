"""Counts by size in fixed bins: exact up to 7, then four to each doubling, so any size falls in one of 156.

A histogram is a plain list of counts, one to a bin; two of them are merged by adding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BINS = 156
"""Bins of every histogram; the last also takes whatever is larger (from 2**40)."""

_TABLED_BITS = 15


def bin_of(size: int) -> int:
    """The bin of a size that is not negative."""
    if size < 8:
        return size
    exponent = size.bit_length() - 1
    return min(8 + (exponent - 3) * 4 + ((size >> (exponent - 2)) & 3), BINS - 1)


def lower_edge(number: int) -> int:
    """The smallest size in a bin; that of `BINS` is where the last one would end."""
    if number < 8:
        return number
    octave, quarter = divmod(number - 8, 4)
    return (4 + quarter) << (octave + 1)


BIN_OF = b"".join(
    bytes([number]) * (lower_edge(number + 1) - lower_edge(number))
    for number in range(bin_of((1 << _TABLED_BITS) - 1) + 1)
)
"""`bin_of` as a table for sizes below its length, for loops where a call is dear."""


def empty() -> list[int]:
    """A histogram with nothing in it."""
    return [0] * BINS


def filled(bins: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """`(smallest size, end, count)` of each bin that holds something; `end` is the first size beyond it."""
    for number, count in enumerate(bins):
        if count:
            yield lower_edge(number), lower_edge(number + 1), count


def quantile(bins: Sequence[int], share: float) -> int | None:
    """A size that at least `share` of what was counted does not exceed, as closely as bins tell; None of nothing."""
    total = sum(bins)
    below = 0
    for _, end, count in filled(bins):
        below += count
        if below >= share * total:
            return end - 1
    return None
