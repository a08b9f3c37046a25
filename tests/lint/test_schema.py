"""Rules of the schema family: what their case files cannot say."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.lint.rules.schema.image_bytes import is_cut_off, read_base64, type_of
from dsforge.lint.rules.schema.tool_functions import parameter_problems
from dsforge.lint.run import lint

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}


def _row(*tools: Any) -> str:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    return json.dumps({"messages": messages, "tools": list(tools)})


def _function(**fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": fields}


def test_a_tool_is_told_of_at_its_place_with_what_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    wrong = {"type": "object", "properties": {"days": {"type": "int"}}}
    path.write_text(_row(_function(name="weather", parameters=CITY), _function(name="forecast", parameters=wrong)))
    (found,) = lint([path], select=["S120"]).findings
    assert found.pointer == "/tools/1/function/parameters/properties/days/type"
    assert found.message == "forecast: /properties/days is of type 'int', which JSON Schema does not know"
    assert found.help == "did you mean 'integer'?"


WORDS = st.sampled_from(["string", "integer", "str", "a", "", "object"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 5), WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "properties", "items", "required", "enum", "anyOf", "minimum", "maxLength", "not",
                             "additionalProperties", "description", "x"]), inner, max_size=4),
    ),
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_what_is_no_schema_is_told_of_and_a_schema_is_not(properties: Any) -> None:
    """Beside the meta-schema of 2020-12; only what it says of names that must differ, or be there, is left to it."""
    schema = {"type": "object", "properties": {"x": properties}}
    if not parameter_problems(schema):
        return
    assert not jsonschema_rs.meta.is_valid({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"})


@pytest.mark.parametrize("parameters", [[], "x", 1, None, {"type": []}, {"$ref": 7}, {"properties": {"a": 10**30}}])
def test_odd_parameters_are_no_crash(parameters: Any) -> None:
    parameter_problems(parameters)


def test_cut_anywhere_a_picture_has_no_end() -> None:
    whole = b"\xff\xd8\xff\xe0" + random.Random(1).randbytes(500).replace(b"\xff\xd9", b"\0\0") + b"\xff\xd9"
    assert type_of(whole) == "image/jpeg"
    assert not is_cut_off(whole, "image/jpeg")
    assert all(is_cut_off(whole[:size], "image/jpeg") for size in range(64, len(whole) - 1))


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "it is empty"),
        ("YWJj\nZGVm", ""),
        ("YWJjZA", "padding"),
        ("YWJjZ", "cut off"),
        ("YW-_", "the kind for URLs"),
        ("YW!!", "base64"),
    ],
)
def test_what_is_wrong_with_base64(written: str, problem: str) -> None:
    said = read_base64(written)[1]
    assert problem in said
    assert bool(said) == bool(problem)
