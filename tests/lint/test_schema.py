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

from dsforge.lint.facts import Settings
from dsforge.lint.rules.schema.image_bytes import is_cut_off, read_base64, type_of
from dsforge.lint.rules.schema.tool_functions import parameter_problems
from dsforge.lint.run import lint
from dsforge.lint.target import for_target

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


def _places(folder: Path, code: str, row: Any) -> list[str]:
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(row))
    return [found.pointer for found in lint([path], select=[code]).findings]


@pytest.mark.parametrize(
    ("content", "more", "pointer"),
    [
        ([{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": "None"}}], {},
         "/messages/0/content/1/image_url/url"),
        ([{"type": "image", "image": "None"}], {}, "/messages/0/content/0/image"),
        ("<image>and<image>", {"images": ["a.png", "None"]}, "/images/1"),
    ],
)  # fmt: skip
def test_a_file_is_told_of_at_its_own_place(tmp_path: Path, content: Any, more: Any, pointer: str) -> None:
    row = {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "A cat"}], **more}
    assert _places(tmp_path, "S114", row) == [pointer]


def test_an_image_that_is_cut_off_is_told_of_at_its_url(tmp_path: Path) -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,iVBORw0KGgo="}}]
    row = {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "A cat"}]}
    assert _places(tmp_path, "S115", row) == ["/messages/0/content/0/image_url/url"]


def test_a_tool_is_told_of_wherever_it_stands(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    wrong = {"name": "weather", "parameters": {"type": "object", "properties": {"a": {"type": "str"}}}}
    within = "/parameters/properties/a/type"
    assert _places(tmp_path, "S120", {"messages": messages, "tools": [wrong]}) == [f"/tools/0{within}"]
    assert _places(tmp_path, "S120", {"messages": messages, "functions": [wrong]}) == [f"/functions/0{within}"]
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    assert _places(tmp_path, "S120", {"conversations": turns, "tools": json.dumps([wrong])}) == ["/tools"]


def test_a_waiver_says_which_of_its_words_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"instruction": "Say hello", "output": "Hello", "_dsforge": {"ignore": ["Q501", "Q5x", 7]}}
    path.write_text(json.dumps(row))
    found = lint([path], select=["S112"]).findings
    assert [one.pointer for one in found] == ["/_dsforge/ignore/1", "/_dsforge/ignore/2"]
    assert "'Q5x'" in found[0].message


def test_a_misspelt_field_is_named_with_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"messages": [{"rol": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}')
    (found,) = lint([path], select=["S106"]).findings
    assert found.message == "/messages/0 has no 'role'; it has 'rol': write 'role'"


def _mixed(folder: Path, target: str) -> list[str]:
    """What S102, X801 and X822 say is to be written, of a JSON array that is Alpaca's but for one row."""
    path = folder / "rows.json"
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    path.write_text(json.dumps([{"instruction": "Hi", "output": "Hello"}] * 3 + [{"messages": messages}]))
    settings = for_target(Settings(), target) if target else Settings()
    found = lint([path], select=["S102", "X801", "X822"], settings=settings).findings
    return [one.help.partition("--to ")[2].split()[0] for one in found]


def test_mends_do_not_contradict_each_other(tmp_path: Path) -> None:
    assert _mixed(tmp_path, "") == ["alpaca"]
    assert _mixed(tmp_path, "zhipu") == ["chatml"] * 3
    assert _mixed(tmp_path, "vertex") == ["gemini"] * 4


def test_pairs_are_to_be_written_as_the_target_reads_pairs(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    pair = {"prompt": "Hi", "chosen": "Hello", "rejected": "What?"}
    path.write_text(json.dumps(pair) + "\n")
    (found,) = lint([path], select=["X801"], settings=for_target(Settings(), "zhipu")).findings
    assert found.message == "1 of 1 rows is prompt-completion; Zhipu BigModel takes chatml or dpo"
    assert found.help == "dsforge convert FILE --to dpo -o OUT.jsonl"
