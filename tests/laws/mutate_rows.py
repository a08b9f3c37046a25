"""Rows with one value changed: left out, of another type, or with an unknown field beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from dsforge.example import JSON

Path: TypeAlias = "tuple[str | int, ...]"
_GONE = object()
_OTHERS: tuple[JSON, ...] = (None, True, 5, "other", ["other"], {"x": "other"})


def paths(value: JSON, path: Path = ()) -> Iterator[Path]:
    """The path of every value within."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from paths(child, (*path, key))


def _at(value: JSON, path: Path) -> JSON:
    for step in path:
        value = value[step]
    return value


def _put(value: JSON, path: Path, new: JSON) -> JSON:
    if not path:
        return new
    copy = value.copy()
    if len(path) == 1 and new is _GONE:
        del copy[path[0]]
    else:
        copy[path[0]] = _put(value[path[0]], path[1:], new)
    return copy


def mutants_at(row: JSON, path: Path) -> Iterator[JSON]:
    """The row with the value at `path` changed; the row itself stays an object or an array."""
    value = _at(row, path)
    if isinstance(value, dict):
        yield _put(row, path, {**value, "unknown": 1})
    if path:
        yield _put(row, path, _GONE)
        yield from (_put(row, path, other) for other in _OTHERS if type(other) is not type(value) or other != value)


def mutants(row: JSON) -> Iterator[JSON]:
    """The row with each of its values changed, one at a time."""
    for path in paths(row):
        yield from mutants_at(row, path)
