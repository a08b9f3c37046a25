"""Each format reads and writes its cases, and says what is wrong with rows that it cannot read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from dsforge.errors import RowError, UsageError
from dsforge.feature import used_features
from dsforge.formats.detect import detect_row
from dsforge.formats.format import get_format
from dsforge.formats.read import decode_row

FOLDER = Path(__file__).parents[1] / "cases" / "formats"
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_case(name: str, case: dict[str, Any]) -> None:
    fmt = get_format(name)
    assert detect_row(case["row"]) is get_format(case.get("detected", name))
    example = fmt.decode(case["row"])
    assert [[message.role, message.text] for message in example.all_messages()] == case["says"]
    assert {feature.value for feature in used_features(example)} == set(case.get("uses", []))
    assert fmt.encode(example) == case.get("writes", case["row"])
    assert fmt.decode(orjson.loads(orjson.dumps(fmt.encode(example)))) == example
    places = fmt.places(case["row"], example)
    for message, place in zip(example.all_messages(), places, strict=True):
        value = _at(case["row"], place)
        assert not isinstance(value, str) or message.text in value or value in message.text


def _at(value: Any, pointer: str) -> Any:
    """The value at a JSON Pointer; the last step may lead to a field that the row leaves out."""
    *steps, last = pointer.split("/")[1:]
    for step in steps:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value[int(last)] if isinstance(value, list) else value.get(last)


def test_places_lead_to_the_text() -> None:
    row = {"conversations": [{"from": "human", "value": "Hi"}], "chosen": {"from": "gpt", "value": "A"},
           "rejected": {"from": "gpt", "value": "B"}, "system": "S"}  # fmt: skip
    fmt, example = decode_row(row)
    assert fmt.places(row, example) == ["/system", "/conversations/0/value", "/chosen/value", "/rejected/value"]


# row, code, pointer, part of the reason
BROKEN = [
    ("[1, 2]", "S101", "", "not an array"),
    ('{"question": "a"}', "S101", "", "no known format"),
    ('{"messages": [{"role": "human", "content": "Hi"}]}', "S103", "/messages/0/role", "write 'user'"),
    ('{"messages": [{"role": "asistant", "content": "Hi"}]}', "S103", "/messages/0/role", "did you mean 'assistant'"),
    ('{"messages": [{"content": "Hi"}]}', "S106", "/messages/0", "no 'role'"),
    ('{"messages": [{"role": "user", "content": 5}]}', "S105", "/messages/0/content", "a number"),
    ('{"messages": ["Hi"]}', "S105", "/messages/0", "text"),
    ('{"messages": [{"role": "user", "content": [{"type": "pic"}]}]}', "S107", "/messages/0/content/0/type", "'pic'"),
    ('{"messages": [], "label": 1}', "S105", "/label", "not 0, 1"),
    ('{"instruction": "a", "outptu": "b"}', "S106", "", "'output'"),
    ('{"instruction": "a", "output": 4}', "S105", "/output", "a number"),
    ('{"instruction": "a", "output": "b", "history": [["q"]]}', "S105", "/history/0", "question and an answer"),
    ('{"instruction": "a", "output": "b", "images": ["x.png"]}', "S108", "/images", "marks"),
    ('{"conversations": [{"from": "alien", "value": "a"}]}', "S103", "/conversations/0/from", "'alien'"),
    ('{"conversations": [{"from": "function_call", "value": "go"}]}', "T206", "/conversations/0/value", "'go'"),
    ('{"prompt": "a", "chosen": "b", "rejected": 3}', "S105", "/rejected", "a number"),
    ('{"chosen": [{"role": "user", "content": "a"}], "rejected": [{"role": "user", "content": "b"}]}', "S106", "",
     "no prompt"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "code", "pointer", "reason"), BROKEN, ids=[case[0] for case in BROKEN])
def test_broken_rows_are_refused_with_place_and_reason(row: str, code: str, pointer: str, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        decode_row(orjson.loads(row))
    assert caught.value.code == code
    assert caught.value.pointer == pointer
    assert reason in caught.value.reason


def test_unknown_format_suggests_a_near_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'alpaca'"):
        get_format("alpacca")
