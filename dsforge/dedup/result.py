"""What a deduplication did, row by row."""

from __future__ import annotations

import msgspec


class Removed(msgspec.Struct, frozen=True):
    """A removed row, the row that is kept in its place, and how alike they are (1.0 for an exact copy).

    Rows and lines count from 1 within their file. `similarity` is the exact Jaccard similarity of the
    shingle sets, the least over the compared parts.
    """

    path: str
    row: int
    line: int
    kept_path: str
    kept_row: int
    kept_line: int
    similarity: float
    exact: bool


class DedupResult(msgspec.Struct):
    """Counts and verdicts. Conservation: rows_in = rows_out + rows_rejected + exact_duplicates + near_duplicates."""

    rows_in: int
    rows_out: int
    rows_rejected: int
    threshold: float
    removed: list[Removed] = []
    first_reject: str = ""
    notices: list[str] = []

    @property
    def exact_duplicates(self) -> int:
        """Rows removed because an earlier row is the same but for case, width and white space."""
        return sum(1 for removed in self.removed if removed.exact)

    @property
    def near_duplicates(self) -> int:
        """Rows removed because they reach the threshold with a kept row."""
        return len(self.removed) - self.exact_duplicates

    @property
    def clusters(self) -> int:
        """Kept rows in whose place at least one other was removed."""
        return len({(removed.kept_path, removed.kept_row) for removed in self.removed})
