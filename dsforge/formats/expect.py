"""Takes fields out of a parsed row, or says what was found where something else was expected."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from dsforge.errors import RowError
from dsforge.example import JSON
from dsforge.io.diagnose import escape_pointer
from dsforge.io.rows import parse

WRONG_TYPE = "S105"
MISSING_FIELD = "S106"
_KNOWN_FIELDS = frozenset({
    "messages", "role", "content", "conversations", "from", "value", "instruction", "input", "output", "prompt",
    "chosen", "rejected", "preferred_output", "non_preferred_output", "tools", "system", "name", "arguments",
    "function",
})  # fmt: skip
"""Fields that are what they are called, and no misspelling of another."""
META_KEYS = ("id", "category", "source", "provenance", "meta")


def kind_of(value: JSON) -> str:
    """The JSON type of a value in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "a number", float: "a number", list: "an array", dict: "an object"}
    return names[type(value)]


def wrong_type(value: JSON, expected: str, pointer: str) -> RowError:
    """The error for a value of another type than `expected`."""
    return RowError(f"{pointer or 'the row'} is {kind_of(value)}; {expected} is expected", pointer, WRONG_TYPE)


def need(row: dict[str, JSON], key: str, pointer: str = "") -> JSON:
    """`row[key]`; RowError with a near key where it is missing."""
    try:
        return row[key]
    except KeyError:
        others = [name for name in row if name not in _KNOWN_FIELDS]
        near = get_close_matches(key, others, n=1, cutoff=0.6)
        has = f"it has {near[0]!r}: write {key!r}" if near else f"it has: {', '.join(row)}" if row else "it is empty"
        raise RowError(f"{pointer or 'the row'} has no {key!r}; {has}", pointer, MISSING_FIELD) from None


def as_text(value: JSON, pointer: str) -> str:
    """`value` as text."""
    if isinstance(value, str):
        return value
    raise wrong_type(value, "text", pointer)


def optional_text(row: dict[str, JSON], key: str, pointer: str = "") -> str | None:
    """`row[key]` as text, None where it is missing or null."""
    value = row.get(key)
    if value is None or isinstance(value, str):
        return value
    raise wrong_type(value, "text", f"{pointer}/{escape_pointer(key)}")


def as_list(value: JSON, pointer: str) -> list[JSON]:
    """`value` as an array."""
    if isinstance(value, list):
        return value
    raise wrong_type(value, "an array", pointer)


def as_object(value: JSON, pointer: str) -> dict[str, JSON]:
    """`value` as an object."""
    if isinstance(value, dict):
        return value
    raise wrong_type(value, "an object", pointer)


def optional_bool(row: dict[str, JSON], keys: Iterable[str]) -> bool | None:
    """The first of `keys` that the row has, as true or false; None where it has none of them."""
    for key in keys:
        value = row.get(key)
        if value is not None:
            if not isinstance(value, bool):
                raise wrong_type(value, "true or false (not 0, 1 or text)", f"/{key}")
            return value
    return None


def parse_json_text(text: str, pointer: str, what: str) -> JSON:
    """The value that `text` holds as JSON."""
    value, problem = parse_text(text)
    if problem is not None:
        raise RowError(f"{pointer} should hold {what} as JSON text, but {problem}", pointer, WRONG_TYPE)
    return value


def from_json_text(value: JSON, pointer: str) -> JSON:
    """The array that `value` holds as JSON text, as in a cell of a table; any other value as it is."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        return parse_json_text(value, pointer, "an array")
    return value


def question_answer_pairs(value: JSON, pointer: str) -> list[tuple[str, str]]:
    """`[[question, answer], ...]`, also as JSON text."""
    pairs = []
    for index, turn in enumerate(as_list(from_json_text(value, pointer), pointer)):
        at = f"{pointer}/{index}"
        pair = as_list(turn, at)
        if len(pair) != 2:
            raise RowError(f"{at} has {len(pair)} texts; a question and an answer are expected", at, WRONG_TYPE)
        pairs.append((as_text(pair[0], f"{at}/0"), as_text(pair[1], f"{at}/1")))
    return pairs


def parse_text(text: str) -> tuple[JSON, str | None]:
    """`(value, None)` of JSON that is written as text, numbers exact; `(None, what is wrong)` where it is broken."""
    value, problems = parse(text.encode("utf-8", "surrogatepass"), strict=True)
    if not problems:
        return value, None
    return None, f"{problems[0].message} (character {problems[0].offset + 1})"


def split_known(
    row: dict[str, JSON], keys: frozenset[str], unread: Iterable[str] = ()
) -> tuple[dict[str, JSON], dict[str, JSON]]:
    """`(meta, extra)`: what stands in the row beside the format's own `keys`, and those of them that were not read."""
    if len(row) == 1:
        return {}, {}
    own = keys.difference(unread)
    meta = {key: row[key] for key in META_KEYS if key in row and key not in own}
    extra = {key: value for key, value in row.items() if key not in own and key not in meta}
    return meta, extra


def with_rest(
    row: dict[str, JSON], meta: dict[str, JSON], extra: dict[str, JSON], keys: frozenset[str]
) -> dict[str, JSON]:
    """`row` with metadata and unknown fields put beside it, but for those called as a field of the format."""
    for rest in (meta, extra):
        for key, value in rest.items():
            if key not in keys:
                row.setdefault(key, value)
    return row
