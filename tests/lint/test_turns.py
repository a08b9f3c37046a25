"""Rules of the turns family: what their case files cannot say."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
from hypothesis import given
from hypothesis import strategies as st

from dsforge.lint.rules.turns.misfit import misfits
from dsforge.lint.run import lint

SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]},
    {"type": "object", "properties": {"a": {"enum": ["x", 1, True]}, "b": {"type": ["number", "null"]}}},
    {"properties": {"a": {"type": "array", "items": {"type": "integer", "minimum": 0}}, "b": {"const": "x"}}},
    {"properties": {"a": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/n"}]}}, "$defs": {"n": {"maximum": 3}}},
    {"properties": {"a": {"allOf": [{"type": "number"}, {"minimum": 1}]}, "b": False}},
    {"properties": {"a": {"properties": {"b": True}, "additionalProperties": False, "type": "object"}}},
    {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 5), st.floats(-2, 5), st.sampled_from(["x", "y", ""])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3), st.sampled_from(SCHEMAS))
def test_arguments_fit_where_a_validator_says_so(value: dict[str, Any], schema: dict[str, Any]) -> None:
    assert (next(misfits(value, schema), None) is None) == jsonschema_rs.is_valid(schema, value)


@given(VALUES, VALUES)
def test_no_schema_is_too_odd(value: Any, schema: Any) -> None:
    list(misfits(value, {"properties": {"a": schema}, "type": "object", "anyOf": [schema]}))


def test_schemas_that_lead_to_themselves_come_to_an_end() -> None:
    schema = {"anyOf": [{"$ref": "#"}] * 4, "allOf": [{"$ref": "#"}] * 4}
    begin = time.perf_counter()
    list(misfits({"a": 1}, schema))
    assert time.perf_counter() - begin < 2


def _found(tmp_path: Path, code: str, row: dict[str, Any]) -> list[tuple[str, str]]:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))
    return [(found.pointer, found.message) for found in lint([path], select=[code]).findings]


def test_misfits_are_told_of_with_what_was_meant(tmp_path: Path) -> None:
    parameters = {
        "type": "object",
        "properties": {"unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}, "place": {"type": "object"}},
        "required": ["place"],
    }
    call = {"type": "function", "function": {"name": "weather", "arguments": '{"unit": "celcius", "palce": {}}'}}
    row = {
        "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [call]}],
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": parameters}}],
    }
    assert _found(tmp_path, "T213", row) == [
        ("/messages/1/content", "the call of weather: place is required and missing"),
        ("/messages/1/content", "the call of weather: unit is 'celcius', which is not one of its 2 values; "
         "did you mean 'celsius'?"),
    ]  # fmt: skip
    assert _found(tmp_path, "T214", row) == [
        ("/messages/1/content", "the call of weather gives 'palce', which the tool does not define; did you mean "
         "'place'?"),
    ]  # fmt: skip


def test_a_result_of_a_call_that_has_one_already(tmp_path: Path) -> None:
    def call(number: int) -> dict[str, Any]:
        function = {"name": "weather", "arguments": "{}"}
        return {"role": "assistant", "content": None,
                "tool_calls": [{"id": f"call_{number}", "type": "function", "function": function}]}  # fmt: skip

    def result(number: int) -> dict[str, Any]:
        return {"role": "tool", "tool_call_id": f"call_{number}", "content": "sunny"}

    asked = {"role": "user", "content": "Hi"}
    again = {"messages": [asked, call(1), result(1), call(2), result(1), {"role": "assistant", "content": "Sunny"}]}
    assert _found(tmp_path, "T205", again) == [
        ("/messages/4/content", "tool_call_id 'call_1' is of a call that has its result already")
    ]
