"""The functions that a row defines, and whether their parameters are a JSON Schema that says what it means."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import orjson

from dsforge.errors import did_you_mean
from dsforge.example import JSON, Example
from dsforge.io.diagnose import escape_pointer
from dsforge.io.jsonl import dumps

_MAX_DEPTH = 50


class Function(NamedTuple):
    """A function as it is defined; `place` counts the row's tools."""

    place: int
    fields: dict[str, JSON]

    @property
    def name(self) -> str:
        """Its name, "" where it has none."""
        name = self.fields.get("name")
        return name if isinstance(name, str) else ""

    @property
    def parameters(self) -> dict[str, JSON] | None:
        """The schema of its parameters, None where it has none or something else in its place."""
        schema = self.fields.get("parameters")
        return schema if isinstance(schema, dict) else None


def functions_of(example: Example) -> list[Function]:
    """The functions of a row; tools of other kinds (`web_search`, of which a platform knows what they do) are left out.

    A definition that holds no object is one without fields.
    """
    found = []
    for index, tool in enumerate(example.tools):
        function = tool.get("function")
        fields = function if isinstance(function, dict) else {}
        if "name" not in fields and fields.get("type", "function") not in ("function", "object"):
            continue  # {"type": "web_search", ...}, read as though it were a function
        found.append(Function(index, fields))
    return found


def tool_places(function: Function, within: str = "") -> tuple[str, ...]:
    """Where a function's definition, or what is `within` it, may stand: for `beside` of a report."""
    every = [f"/{name}/{function.place}" for name in ("tools", "input/tools", "functions")]
    exact = [f"{whole}{wrapped}{within}" for wrapped in ("/function", "") for whole in every]  # some write it bare
    return (*exact, *every, "/tools")


class Problem(NamedTuple):
    """What is wrong with a schema, and the JSON Pointer to it from the schema's beginning."""

    pointer: str
    message: str
    help: str


_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_MEANT = {
    "str": "string", "text": "string", "char": "string", "date": "string", "datetime": "string", "enum": "string",
    "int": "integer", "long": "integer", "float": "number", "double": "number", "decimal": "number",
    "numeric": "number", "bool": "boolean", "dict": "object", "map": "object", "json": "object",
    "list": "array", "tuple": "array", "set": "array", "none": "null", "nonetype": "null",
}  # fmt: skip
_SCHEMA = ("additionalProperties", "additionalItems", "contains", "not", "propertyNames", "if", "then", "else")
_SCHEMAS = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions")
_NUMBERS = ("minimum", "maximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_TEXTS = ("title", "description", "pattern", "format", "$ref")


def parameter_problems(parameters: JSON) -> tuple[Problem, ...]:
    """What makes the parameters of a function no JSON Schema of an object; equal ones are checked once.

    The keywords of drafts 4 to 2020-12 that say what a value may be are checked, and unknown ones passed over.
    """
    try:
        return _problems_of(dumps(parameters))
    except (RecursionError, orjson.JSONDecodeError):  # integers beyond 64 bits are read by no platform either
        return ()


@lru_cache(maxsize=4096)
def _problems_of(written: bytes) -> tuple[Problem, ...]:
    schema = orjson.loads(written)
    if not isinstance(schema, dict):
        return (Problem("", "the parameters are no JSON Schema, but " + _kind(schema), _WRAP),)
    kind = schema.get("type")
    if kind is None and schema and "properties" not in schema and not _SAYS.intersection(schema):
        return (Problem("", 'the parameters stand without {"type": "object", "properties": ...} around them', _WRAP),)
    if kind is None and schema and not _SAYS.intersection(schema):
        return (Problem("", 'the parameters have no "type"', 'write "type": "object"'),)
    if isinstance(kind, str) and kind != "object":
        hint = 'write "type": "object"'
        return (Problem("/type", f"the parameters are of type {kind!r}; arguments are an object", hint),)
    return tuple(_problems(schema, "", 0))


_SAYS = frozenset({"$ref", "allOf", "anyOf", "oneOf"})
_WRAP = 'write {"type": "object", "properties": {NAME: SCHEMA, ...}, "required": [NAME, ...]}'


def _kind(value: JSON) -> str:
    kinds = {dict: "an object", list: "an array", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _problems(schema: JSON, at: str, depth: int) -> Iterator[Problem]:
    if isinstance(schema, bool) or depth > _MAX_DEPTH:
        return
    if not isinstance(schema, dict):
        yield Problem(at, f"{_place(at)} is {_kind(schema)}; a schema is an object", 'write {"type": ...}')
        return
    if "type" in schema:
        yield from _type_problems(schema["type"], at)
    yield from _word_problems(schema, at)
    for key, inner in _inner(schema):
        where = f"{at}/{key}"
        if key in _NAMED_SCHEMAS and isinstance(inner, dict):
            for name, one in inner.items():
                yield from _problems(one, f"{where}/{escape_pointer(name)}", depth + 1)
        elif key in _NAMED_SCHEMAS:
            yield Problem(where, f"{_place(where)} is {_kind(inner)}; an object from names to schemas is expected", "")
        elif isinstance(inner, list) and (key in _SCHEMAS or key == "items"):
            for index, one in enumerate(inner):
                yield from _problems(one, f"{where}/{index}", depth + 1)
        elif key in _SCHEMAS:
            yield Problem(where, f"{_place(where)} is {_kind(inner)}; an array of schemas is expected", "")
        else:
            yield from _problems(inner, where, depth + 1)


def _inner(schema: dict[str, JSON]) -> list[tuple[str, JSON]]:
    keys = (*_NAMED_SCHEMAS, *_SCHEMAS, *_SCHEMA, "items")
    return [(key, schema[key]) for key in keys if key in schema]


def _place(at: str) -> str:
    return at or "the schema"


def _type_problems(kind: JSON, at: str) -> Iterator[Problem]:
    kinds = kind if isinstance(kind, list) and kind else [kind]
    for one in kinds:
        if not isinstance(one, str):
            yield Problem(f"{at}/type", f"{_place(at)} has {_kind(one)} as its type; a name is expected", "")
        elif one not in _TYPES:
            meant = _MEANT.get(one.lower().partition("[")[0].strip()) or next(
                (name for name in _TYPES if name == one.strip().lower()), None
            )
            hint = f"did you mean {meant!r}?" if meant else did_you_mean(one, _TYPES).removeprefix("; ")
            yield Problem(f"{at}/type", f"{_place(at)} is of type {one!r}, which JSON Schema does not know", hint)


def _word_problems(schema: dict[str, JSON], at: str) -> Iterator[Problem]:
    required = schema.get("required", [])
    if isinstance(required, bool):  # of draft 3, beside the property itself
        yield Problem(f"{at}/required", f"{_place(at)} says required: {str(required).lower()}; a list of names is "
                      "expected, beside the properties", 'write "required": [NAME, ...]')  # fmt: skip
    elif not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        yield Problem(f"{at}/required", f"{_place(at)} has a required that is no list of names",
                      'write "required": [NAME, ...]')  # fmt: skip
    if "enum" in schema and not isinstance(schema["enum"], list):
        yield Problem(f"{at}/enum", f"{_place(at)} has {_kind(schema['enum'])} as enum; an array is expected", "")
    for words, fits, expected in (
        (_NUMBERS, _is_number, "a number"),
        (_COUNTS, _is_count, "a whole number from 0"),
        (_TEXTS, lambda value: isinstance(value, str), "text"),
    ):
        for word in words:
            if word in schema and not fits(schema[word]):
                yield Problem(f"{at}/{word}", f"{_place(at)} has {_kind(schema[word])} as {word}; {expected} is "
                              "expected", "")  # fmt: skip


def _is_number(value: JSON) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: JSON) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)
