"""The fast path and the slow path read the same; the slow one names every mistake at its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.io.diagnose import diagnose
from dsforge.io.locate import locate
from dsforge.io.rows import parse
from tests.laws.strategies import json_values


@given(json_values, st.booleans(), st.sampled_from([None, 1]))
@settings(max_examples=300, deadline=None)
def test_slow_path_reads_what_the_fast_one_reads(value: object, ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    fast, problems = parse(raw)
    slow = diagnose(raw)
    assert problems == slow.problems == []
    assert fast == slow.value == value


@given(st.binary(max_size=40) | json_values.map(lambda v: json.dumps(v).encode()).map(lambda raw: raw[:-1]))
@settings(max_examples=400, deadline=None)
def test_slow_path_refuses_what_a_strict_parser_refuses(raw: bytes) -> None:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(raw.decode(), parse_constant=refuse)
        valid = True
    except (ValueError, RecursionError):
        valid = False
    if not valid:
        assert diagnose(raw).problems
        assert parse(raw)[1]


# row, (line, column, part of the message, part of the help) of every mistake
MISTAKES = [
    ('{"a": 1,}', [(1, 8, "trailing comma", "remove")]),
    ('{"a": 1 "b": 2}', [(1, 8, "missing comma", "after this `1`")]),
    ("{'a': 1}", [(1, 2, "single quotes", "double quotes")]),
    ('{"a": True}', [(1, 7, "True", "write true")]),
    ('{"a": NaN}', [(1, 7, "NaN", "write null")]),
    ('{"a": "x', [(1, 7, "never closed", "cut off"), (1, 1, "never closed", "missing `}`")]),
    ('{"a": 1} {"a": 2}', [(1, 10, "second value", "line break")]),
    ('{"a": 1} // why', [(1, 10, "comment", "remove")]),
    ("{a: 1}", [(1, 2, "no quotes", '"a"')]),
    ('{"a" 1}', [(1, 6, "missing `:`", "write")]),
    ('{"a": 1, "a": 2}', [(1, 10, "occurs twice", "keep one")]),
    ('{"a": "tab\there"}', [(1, 11, "raw tab", "\\t")]),
    ('{"a": "\\x41"}', [(1, 8, "not a JSON escape", "backslash")]),
    ('{"a": "\\ud83d"}', [(1, 8, "surrogate", "both halves")]),
    ('{\n "a": [1,\n 2,]}', [(3, 3, "trailing comma", "remove")]),
    ('{"你好": "世界",}', [(1, 12, "trailing comma", "remove")]),
    ("[1, 2}", [(1, 6, "`}` where `]`", "write `]`")]),
]


@pytest.mark.parametrize(("row", "expected"), MISTAKES, ids=[row for row, _ in MISTAKES])
def test_every_mistake_is_named_at_its_place(row: str, expected: list[tuple[int, int, str, str]]) -> None:
    problems = diagnose(row.encode()).problems
    places = sorted((problem.line, problem.column) for problem in problems)
    assert places == sorted((line, column) for line, column, _, _ in expected)
    for line, column, message, help in expected:
        problem = next(found for found in problems if (found.line, found.column) == (line, column))
        assert message in problem.message
        assert help in problem.help


def test_bytes_that_are_not_utf8_are_reported_once_with_a_guess() -> None:
    (one,) = diagnose(b'{"a": "caf\xe9"}').problems
    assert (one.kind, one.column, one.message) == ("encoding", 11, "byte 0xe9 is not valid UTF-8")
    assert "Latin-1" in one.help
    (many,) = diagnose('{"a": "请帮我改地址"}'.encode("gb18030")).problems
    assert many.message.endswith("bytes are not valid UTF-8")
    assert "GB18030: 请帮我改地址" in many.help


def test_large_integers_are_kept_exact() -> None:
    value, problems = parse(b'{"id": 123456789012345678901234567890, "x": 1}')
    assert not problems
    assert value == {"id": 123456789012345678901234567890, "x": 1}


def test_duplicate_keys_are_refused_where_asked() -> None:
    raw = b'{"a": 1, "b": {"c": 1, "c": 2}}'
    assert parse(raw)[1] == []
    assert [problem.pointer for problem in parse(raw, strict=True)[1]] == ["/b/c"]


pairs = st.lists(st.tuples(st.sampled_from(["a", "b", 'c":', ":"]), json_values), max_size=4)


@given(pairs, st.sampled_from([":", ": ", " : ", "\n:"]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_duplicate_keys_are_never_overlooked(pairs: list[tuple[str, object]], colon: str, ascii_only: bool) -> None:
    members = [f"{json.dumps(key)}{colon}{json.dumps(value, ensure_ascii=ascii_only)}" for key, value in pairs]
    problems = parse(("{" + ",".join(members) + "}").encode("utf-8"), strict=True)[1]
    repeated = len({key for key, _ in pairs}) != len(pairs)
    assert any(problem.kind == "duplicate key" for problem in problems) == repeated


def test_deep_nesting_ends_without_a_crash() -> None:
    raw = b"[" * 100_000
    assert [problem.kind for problem in parse(raw)[1]] == ["depth"]


@given(json_values.filter(lambda value: isinstance(value, dict | list)), st.sampled_from([None, 2]))
@settings(max_examples=200, deadline=None)
def test_locate_finds_each_value(value: object, indent: int | None) -> None:
    """The text at the place that `locate` names begins with the value itself."""
    raw = json.dumps(value, ensure_ascii=False, indent=indent)
    stack: list[tuple[str, object]] = [("", value)]
    while stack:
        pointer, part = stack.pop()
        line, column = locate(raw.encode(), pointer)
        rest = "\n".join(raw.split("\n")[line - 1 :])[column - 1 :]
        assert json.JSONDecoder().raw_decode(rest)[0] == part
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, child in items:
            stack.append((f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", child))


def test_locate_of_a_missing_field_is_the_object_around_it() -> None:
    assert locate(b'{"a": {"b": 1}}', "/a/c") == (1, 7)
