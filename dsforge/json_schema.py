"""JSON Schema (draft 2020-12) of types: structs, unions of them, lists, dicts, literals, annotated with msgspec.Meta.

`msgspec.json.schema` refuses a union of structs that no tag tells apart, and rows of the field are such unions. A field
of a struct may be left out where it has a default; of type UnsetType it must be left out. Other fields may stand beside
those of a struct unless it forbids unknown fields. The first paragraph of a docstring is the description.
"""

from __future__ import annotations

from inspect import cleandoc
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from dsforge.example import JSON

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}


def schema_of_type(kind: object) -> dict[str, JSON]:
    """The schema of a type, with the structs that it is made of under `$defs`.

    Raises:
        TypeError: a type that has no schema here, or two structs of one name.
    """
    writer = _Writer()
    schema = writer.schema(kind)
    if not writer.defs:
        return schema
    return {**schema, "$defs": {name: writer.defs[name] for name in sorted(writer.defs)}}


class _Writer:
    """Writes schemas; each struct once, under its name, so that structs may refer to themselves."""

    def __init__(self) -> None:
        self.defs: dict[str, dict[str, JSON]] = {}
        self._structs: dict[str, type] = {}

    def schema(self, kind: Any) -> dict[str, JSON]:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return _annotated(self.schema(arguments[0]), arguments[1:])
        if origin in (Union, UnionType):
            return self._union(arguments)
        if origin is Literal:
            return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
        if origin is list:
            return {"type": "array", "items": self.schema(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.schema(arguments[1])}
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._reference(kind)
        if kind in _SIMPLE:
            return {"type": _SIMPLE[kind]}
        if kind is Any:
            return {}
        raise TypeError(f"{kind} has no JSON Schema")

    def _union(self, kinds: tuple[Any, ...]) -> dict[str, JSON]:
        """The types without more to say as one list of names, the others beside them."""
        schemas = [self.schema(kind) for kind in kinds]
        names = [schema["type"] for schema in schemas if schema.keys() == {"type"}]
        others = [schema for schema in schemas if schema.keys() != {"type"}]
        if not others:
            return {"type": names}
        simple = [{"type": names[0] if len(names) == 1 else names}] if names else []
        return {"anyOf": [*others, *simple]}

    def _reference(self, struct: type[msgspec.Struct]) -> dict[str, JSON]:
        name = struct.__name__
        if self._structs.setdefault(name, struct) is not struct:
            raise TypeError(f"two structs are called {name}: {struct} and {self._structs[name]}")
        if name not in self.defs:
            self.defs[name] = {}  # the struct may refer to itself
            self.defs[name] = self._struct(struct)
        return {"$ref": f"#/$defs/{name}"}

    def _struct(self, struct: type[msgspec.Struct]) -> dict[str, JSON]:
        said = fields(struct)
        schema: dict[str, JSON] = {"type": "object"}
        if struct.__doc__:
            schema = {"description": " ".join(cleandoc(struct.__doc__).split("\n\n")[0].split()), **schema}
        schema["properties"] = {one.encode_name: self._field(one) for one in said}
        if required := [one.encode_name for one in said if one.required]:
            schema["required"] = required
        if struct.__struct_config__.forbid_unknown_fields:
            schema["additionalProperties"] = False
        return schema

    def _field(self, one: FieldInfo) -> JSON:
        return False if one.type is msgspec.UnsetType else self.schema(one.type)


def _annotated(schema: dict[str, JSON], notes: tuple[object, ...]) -> dict[str, JSON]:
    """A schema with what msgspec.Meta says of it: the words first, then the limits."""
    for note in notes:
        if not isinstance(note, msgspec.Meta):
            raise TypeError(f"{note!r} is no msgspec.Meta")
        length = "Items" if schema.get("type") == "array" else "Length"
        words = {"title": note.title, "description": note.description, "examples": note.examples}
        limits = {
            "pattern": note.pattern, "minimum": note.ge, "maximum": note.le,
            f"min{length}": note.min_length, f"max{length}": note.max_length,
        }  # fmt: skip
        schema = {**_given(words), **schema, **_given(limits), **(note.extra_json_schema or {})}
    return schema


def _given(values: dict[str, JSON]) -> dict[str, JSON]:
    return {key: value for key, value in values.items() if value is not None}
