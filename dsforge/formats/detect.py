"""Which format a row is in, told from its keys."""

from __future__ import annotations

from dsforge.example import JSON
from dsforge.formats.format import Format, all_formats


def detect_row(row: JSON) -> Format | None:
    """The format that is surest of `row`, or None where none knows it (or it is neither object nor array)."""
    if not isinstance(row, (dict, list)):
        return None
    best, best_score = None, 0
    for fmt in all_formats().values():
        score = fmt.detect(row) if fmt.rows_are_arrays == isinstance(row, list) else 0
        if score > best_score:
            best, best_score = fmt, score
    return best
