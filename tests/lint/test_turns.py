"""Rules of the turns family: what their case files cannot say."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
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


ARGUMENTS = "/messages/1/tool_calls/0/function/arguments"


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
        (ARGUMENTS, "the call of weather: place is required and missing"),
        (ARGUMENTS, "the call of weather: unit is 'celcius', which is not one of its 2 values; "
         "did you mean 'celsius'?"),
    ]  # fmt: skip
    assert _found(tmp_path, "T214", row) == [
        (ARGUMENTS, "the call of weather gives 'palce', which the tool does not define; did you mean "
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
        ("/messages/4/tool_call_id", "tool_call_id 'call_1' is of a call that has its result already")
    ]


def _calling(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    asked = {"role": "user", "content": "Hi"}
    return {"messages": [asked, {"role": "assistant", "content": None, "tool_calls": list(calls)}], **more}


def _call(name: str, arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
CALLS = "/messages/1/tool_calls"


@pytest.mark.parametrize(
    ("code", "row", "pointer"),
    [
        ("T206", _calling(_call("a"), _call("weather", "{city")), f"{CALLS}/1/function/arguments"),
        ("T207", _calling(_call("weather"), _call("time"), tools=TOOLS), f"{CALLS}/1/function/name"),
        ("T211", _calling(_call("a", id="1"), _call("b", id="1")), f"{CALLS}/1/id"),
        ("T212", _calling(_call("a", "[1]")), f"{CALLS}/0/function/arguments"),
        ("T214", _calling(_call("weather", '{"day": 1}'), tools=TOOLS), f"{CALLS}/0/function/arguments"),
        ("T212", {"messages": [{"role": "assistant", "function_call": {"name": "a", "arguments": "[1]"}}]},
         "/messages/0/function_call/arguments"),
        ("T212", {"messages": [{"role": "user", "content": "a"}], "chosen": {"role": "assistant", "content": "x",
                  "tool_calls": [_call("a", "[1]")]}, "rejected": {"role": "assistant", "content": "b"}},
         "/chosen/tool_calls/0/function/arguments"),
        ("T212", {"conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value":
                  '{"name": "a", "arguments": [1]}'}]}, "/conversations/1/value"),
    ],
)  # fmt: skip
def test_a_call_is_told_of_at_its_own_place(tmp_path: Path, code: str, row: dict[str, Any], pointer: str) -> None:
    assert [place for place, _ in _found(tmp_path, code, row)] == [pointer]


def test_two_calls_in_one_text_with_the_same_fault_are_told_of_once(tmp_path: Path) -> None:
    calls = json.dumps([{"name": "weather", "arguments": {"day": 1, "hour": 2}}] * 2)
    turns = [{"from": "human", "value": "Hi"}, {"from": "function_call", "value": calls}]
    row = {"conversations": turns, "tools": json.dumps(TOOLS)}
    assert [message.split("'")[1] for _, message in _found(tmp_path, "T214", row)] == ["day", "hour"]
    twice = _calling(*[_call("weather", '{"day": 1}')] * 2, tools=TOOLS)
    assert len(_found(tmp_path, "T214", twice)) == 2, "each has a place of its own"
