"""Which format a row is in, told from its keys."""

from __future__ import annotations

from dsforge.example import JSON
from dsforge.formats.format import Format, all_formats


def detect_row(row: JSON) -> Format | None:
    """The format that is surest of `row`, or None where none knows it (or it is no object)."""
    if not isinstance(row, dict):
        return None
    best, best_score = None, 0
    for fmt in all_formats().values():
        score = fmt.detect(row)
        if score > best_score:
            best, best_score = fmt, score
    return best
