"""A count of names in bounded memory that comes out the same in whatever order rows and parts of a file are met."""

from __future__ import annotations

from zlib import crc32

import msgspec

CAPACITY = 1000
"""Names counted one by one. Fields with more different values are free text or ids, and no list of them helps."""

_LONGEST_NAME = 80


class Tally(msgspec.Struct):
    """Counts by name, and in `others` how many had a name beyond the `CAPACITY` that are kept.

    Kept are the names that come first by hash, not the largest: which those are depends on the order, and the first
    by hash do not. So every count in `counts` is exact. While `others` is 0, none is missing.
    """

    counts: dict[str, int] = {}
    others: int = 0
    last: tuple[int, str] | None = None  # the last by hash, once all places are taken

    def add(self, name: str, count: int = 1) -> None:
        """Count a name, cut at 80 characters."""
        if name in self.counts:
            self.counts[name] += count
            return
        if not name.isascii():
            name = name.encode("utf-8", "replace").decode()  # half a character could not be written out again
        self._admit(name[:_LONGEST_NAME], count)

    def _admit(self, name: str, count: int) -> None:
        if name in self.counts:
            self.counts[name] += count
            return
        if self.last is not None:
            if _order(name) > self.last:
                self.others += count
                return
            self.others += self.counts.pop(self.last[1])
        self.counts[name] = count
        if len(self.counts) == CAPACITY:
            self.last = max(map(_order, self.counts))

    def merge(self, other: Tally) -> None:
        """Add what another counted."""
        for name, count in other.counts.items():
            self.add(name, count)
        self.others += other.others

    def largest(self, number: int) -> list[tuple[str, int]]:
        """The names with the highest counts, the highest first; equal ones by name."""
        return sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))[:number]

    @property
    def total(self) -> int:
        """How many were counted in all."""
        return sum(self.counts.values()) + self.others


def _order(name: str) -> tuple[int, str]:
    return crc32(name.encode()), name
