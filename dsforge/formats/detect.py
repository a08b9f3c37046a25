"""Which format a row is in, told from its keys."""

from __future__ import annotations

from dsforge.example import JSON
from dsforge.formats.format import Format, all_formats

_MANY, _FEW = 10_000, 100
_candidates: dict[tuple[str, ...], list[Format]] = {}


def detect_row(row: JSON) -> Format | None:
    """The format that is surest of `row`, or None where none knows it (or it is neither object nor array)."""
    if isinstance(row, dict):
        keys = tuple(row)
        formats = _candidates.get(keys) or _find_candidates(keys)
    elif isinstance(row, list):
        formats = [fmt for fmt in all_formats().values() if fmt.rows_are_arrays]
    else:
        return None
    best, best_score = None, 0
    for fmt in formats:
        score = fmt.detect(row)
        if score > best_score:
            best, best_score = fmt, score
    return best


def _find_candidates(keys: tuple[str, ...]) -> list[Format]:
    """The formats that have one of the keys: only such a format can know the row. Remembered, for files repeat them."""
    found = [fmt for fmt in all_formats().values() if not fmt.rows_are_arrays and not fmt.keys.isdisjoint(keys)]
    if len(_candidates) < _MANY and len(keys) <= _FEW:
        _candidates[keys] = found
    return found
