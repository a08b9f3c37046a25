"""What in the arguments of a call does not fit the schema of the function's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dsforge.errors import did_you_mean
from dsforge.example import JSON

_MAX_DEPTH, _MAX_STEPS = 100, 5000


def misfits(value: JSON, schema: JSON) -> Iterator[str]:
    """Says of each value that the schema does not allow where it stands (`/place/city`) and what is wrong.

    Checks types, enum, const, required, properties, items, bounds of numbers and the combinations of schemas; passes
    over what it does not know (patterns and formats among them), so that what it reports is wrong by any validator.
    Schemas that lead to themselves are followed so far and no further.
    """
    yield from _misfits(value, schema, _Walk(schema), "")


class _Walk:
    """One check: `root` is what a `$ref` begins at, `steps` how many schemas were looked at."""

    def __init__(self, root: JSON) -> None:
        self.root = root
        self.steps = 0


def _misfits(value: JSON, schema: JSON, walk: _Walk, at: str, depth: int = 0) -> Iterator[str]:
    walk.steps += 1
    if walk.steps > _MAX_STEPS or depth > _MAX_DEPTH:
        return
    if schema is False:
        yield f"{_place(at)} is not allowed"
    if not isinstance(schema, dict):
        return
    if isinstance(reference := schema.get("$ref"), str):
        yield from _misfits(value, _referred(reference, walk.root), walk, at, depth + 1)
    if value is None and schema.get("nullable") is True:
        return
    if wrong := _wrong_type(value, schema.get("type")):
        yield f"{_place(at)} is {wrong}"
        return
    yield from _of_choices(value, schema, at)
    yield from _of_bounds(value, schema, at)
    if isinstance(value, dict):
        yield from _of_object(value, schema, walk, at, depth)
    if isinstance(value, list):
        yield from _of_array(value, schema, walk, at, depth)
    for one in _list(schema.get("allOf")):
        yield from _misfits(value, one, walk, at, depth + 1)
    for word in ("anyOf", "oneOf"):
        choices = _list(schema.get(word))
        firsts = [next(_misfits(value, one, walk, at, depth + 1), "") for one in choices]
        if firsts and all(firsts):
            yield firsts[0] if len(firsts) == 1 else f"{_place(at)} fits none of the {len(firsts)} schemas of {word}"


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _place(at: str) -> str:
    return at.removeprefix("/") if at.count("/") == 1 else at or "the whole of the arguments"


def _referred(reference: str, root: JSON) -> JSON:
    """The schema at `#/...`, True (anything fits) where it leads elsewhere."""
    if not reference.startswith("#"):
        return True
    schema = root
    for token in reference.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if not isinstance(schema, dict) or key not in schema:
            return True
        schema = schema[key]
    return schema


def _is_number(value: JSON) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_IS: dict[str, Callable[[JSON], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value == value // 1,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


def _wrong_type(value: JSON, kind: JSON) -> str:
    """`text; an integer is expected`, "" where the type fits or is none that is known."""
    kinds = [one for one in (kind if isinstance(kind, list) else [kind]) if isinstance(one, str)]
    if not kinds or any(one not in _IS or _IS[one](value) for one in kinds):
        return ""
    found = next(name for name in ("null", "boolean", "integer", "number", "string", "array", "object")
                 if _IS[name](value))  # fmt: skip
    return f"of type {found}; {' or '.join(kinds)} is expected"


def _of_choices(value: JSON, schema: dict[str, JSON], at: str) -> Iterator[str]:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices and not any(_equal(value, one) for one in choices):
        texts = [one for one in choices if isinstance(one, str)]
        near = did_you_mean(value, texts) if isinstance(value, str) and texts else ""
        yield f"{_place(at)} is {_short(value)}, which is not one of its {len(choices)} values{near}"
    if "const" in schema and not _equal(value, schema["const"]):
        yield f"{_place(at)} is {_short(value)}; {_short(schema['const'])} is expected"


def _equal(one: JSON, other: JSON) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _short(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _of_bounds(value: JSON, schema: dict[str, JSON], at: str) -> Iterator[str]:
    if not _is_number(value):
        return
    low, high = schema.get("minimum"), schema.get("maximum")
    if _is_number(low) and value < low:
        yield f"{_place(at)} is {_short(value)}, less than {_short(low)}"
    if _is_number(high) and value > high:
        yield f"{_place(at)} is {_short(value)}, more than {_short(high)}"


def _of_object(value: dict[str, JSON], schema: dict[str, JSON], walk: _Walk, at: str, depth: int) -> Iterator[str]:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    for name in _list(schema.get("required")):
        if isinstance(name, str) and name not in value:
            yield f"{_place(f'{at}/{name}')} is required and missing"
    for name, inner in value.items():
        if name in properties:
            yield from _misfits(inner, properties[name], walk, f"{at}/{name}", depth + 1)
        elif at and schema.get("additionalProperties") is False and "patternProperties" not in schema:
            yield f"{_place(f'{at}/{name}')} is not defined"  # on the first level another rule tells


def _of_array(value: list[JSON], schema: dict[str, JSON], walk: _Walk, at: str, depth: int) -> Iterator[str]:
    if isinstance(items := schema.get("items"), dict) and "prefixItems" not in schema:
        for index, inner in enumerate(value):
            yield from _misfits(inner, items, walk, f"{at}/{index}", depth + 1)
