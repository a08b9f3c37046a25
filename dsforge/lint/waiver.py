"""A row that asks to be spared from rules: `"_dsforge": {"ignore": ["Q501", "P"]}`."""

from __future__ import annotations

from functools import lru_cache

from dsforge.errors import UsageError
from dsforge.example import JSON
from dsforge.lint.select import matching_codes

KEY = "_dsforge"
_NOTHING: frozenset[str] = frozenset()


def take_waiver(value: JSON) -> frozenset[str]:
    """The codes that the row waives; the field is taken out of it, where it says what it should.

    What is no waiver, or names no rule, stays in the row as the unknown field that it is then.
    """
    if not isinstance(value, dict) or KEY not in value:
        return _NOTHING
    said = value[KEY]
    words = said.get("ignore") if isinstance(said, dict) and len(said) == 1 else None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return _NOTHING
    try:
        codes = _codes(tuple(words))
    except UsageError:
        return _NOTHING
    del value[KEY]
    return codes


@lru_cache(maxsize=1024)
def _codes(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(matching_codes(words))
