"""What a review asks of lint, which it does not know: the command line hands one in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dsforge.finding import Finding


class Check(Protocol):
    """Findings of rows. It can be pickled, for rows are looked at in a process beside the page too."""

    def __call__(self, number: int, raw: bytes) -> Sequence[Finding]:
        """What is wrong with a row, by its number and its bytes."""

    def many(self, rows: Sequence[tuple[int, bytes]]) -> Sequence[Sequence[Finding]]:
        """The findings of each of many rows."""

    def mended(self, raw: bytes, code: str = "") -> tuple[bytes, list[str]]:
        """`(row, codes)`: the row with the fixes made that are offered (by one rule, or by all), and whose they are."""

    def whole(self, path: str) -> Sequence[Finding]:
        """What is wrong with rows among the others of the file."""
