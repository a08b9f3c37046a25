"""Types and the JSON Schemas that are made of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field

from dsforge.json_schema import schema_of_type


class Leaf(Struct, forbid_unknown_fields=True):
    """A leaf,
    green.

    Not told.
    """

    from_: Annotated[str, Meta(description="Where it grew.", examples=["oak"], min_length=1)] = field(name="from")


class Tree(Struct):
    children: list[Tree | Leaf]
    height: float | int | None = None
    leaf: UnsetType = UNSET


def test_structs_refer_to_each_other() -> None:
    schema = schema_of_type(Tree | None)
    assert schema["anyOf"] == [{"$ref": "#/$defs/Tree"}, {"type": "null"}]
    assert schema["$defs"]["Tree"] == {
        "type": "object",
        "properties": {
            "children": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"$ref": "#/$defs/Leaf"}]}},
            "height": {"type": ["number", "integer", "null"]},
            "leaf": False,
        },
        "required": ["children"],
    }
    assert schema["$defs"]["Leaf"] == {
        "description": "A leaf, green.",
        "type": "object",
        "properties": {
            "from": {"description": "Where it grew.", "examples": ["oak"], "type": "string", "minLength": 1}
        },
        "required": ["from"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (Any, {}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Literal["a"], {"const": "a"}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Annotated[list[str], Meta(min_length=2)], {"type": "array", "items": {"type": "string"}, "minItems": 2}),
        (Annotated[float, Meta(ge=0, le=1)], {"type": "number", "minimum": 0, "maximum": 1}),
        (Annotated[str, Meta(pattern="^a", extra_json_schema={"x": 1})], {"type": "string", "pattern": "^a", "x": 1}),
        (Literal["a"] | None, {"anyOf": [{"const": "a"}, {"type": "null"}]}),
    ],
)
def test_types(kind: object, schema: dict[str, Any]) -> None:
    assert schema_of_type(kind) == schema


def test_what_has_no_schema() -> None:
    other = type("Leaf", (Struct,), {})
    with pytest.raises(TypeError, match="two structs are called Leaf"):
        schema_of_type(Leaf | other)
    with pytest.raises(TypeError, match="has no JSON Schema"):
        schema_of_type(set[str])
    with pytest.raises(TypeError, match=r"no msgspec\.Meta"):
        schema_of_type(Annotated[str, "words"])
