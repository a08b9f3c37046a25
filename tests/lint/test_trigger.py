"""Asking only the rules whose triggers stand in a row finds what asking all of them finds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dsforge.example import Example, Message, ToolCall
from dsforge.finding import Finding
from dsforge.formats.read import decode_row
from dsforge.io.rows import Row, read_rows
from dsforge.lint.kinds import kinds_of
from dsforge.lint.linter import Decoded, Linter
from dsforge.lint.rule import ExampleRule, all_rules, documentation
from dsforge.lint.trigger import Triggers, searched_bytes, searched_text
from tests.shared_data import real_files, seed_files

ASKED = [rule for rule in all_rules().values() if isinstance(rule, ExampleRule) and (rule.triggers or rule.concerns)]
CASES = Path(__file__).parents[1] / "cases" / "lint"


def _findings(path: Path, rules: list[ExampleRule]) -> list[Finding]:
    linter = Linter(str(path), rules)
    rows = [row for row in read_rows(path) if isinstance(row, Row)]
    linter.examples([Decoded(row, *found) for row in rows if (found := _decoded(row))])
    return linter.findings


def _decoded(row: Row):  # type: ignore[no-untyped-def]
    from dsforge.errors import RowError

    try:
        return decode_row(row.value)
    except RowError:
        return None


def _same_without_triggers(path: Path) -> int:
    always = [dataclasses.replace(rule, triggers=(), concerns=()) for rule in ASKED]
    found = sorted(_findings(path, ASKED), key=repr)
    assert found == sorted(_findings(path, always), key=repr)
    return len(found)


@pytest.mark.parametrize("rule", ASKED, ids=lambda rule: rule.code)
def test_rows_of_documentation_and_cases(rule: ExampleRule, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    cases = CASES / f"{rule.name.replace('-', '_')}.yaml"
    rows = [*documentation(rule).bad.values()]
    if cases.exists():
        rows += [row.encode() for row in yaml.safe_load(cases.read_text("utf-8"))["bad"]]
    path.write_bytes(b"\n".join(row.strip() for row in rows))
    assert _same_without_triggers(path) >= 1


@pytest.mark.parametrize("path", [*real_files(), *seed_files()], ids=lambda path: path.name)
def test_real_rows(path: Path) -> None:
    _same_without_triggers(path)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _strings(child)


SOUGHT = ["abc", "b", "bc", "請求", "x1", "a", "ã", "\na", '{"', "\x00", "a/", "ｈ", "\u200b"]


@given(
    triggers=st.lists(st.sampled_from(SOUGHT), min_size=1, max_size=4),
    text=st.text('aAbcx1請求 (ãÃ\n"{\x00\\/hｈＨ\u200b😀'),
    ascii=st.booleans(),
    slashes=st.booleans(),
    parts=st.booleans(),
)
def test_every_trigger_is_seen(triggers: list[str], text: str, ascii: bool, slashes: bool, parts: bool) -> None:
    content = [{"type": "text", "text": text[:3]}, {"type": "text", "text": text[3:]}] if parts else text
    row = {"messages": [{"role": "user", "content": content}]}
    raw = json.dumps(row, ensure_ascii=ascii).replace("/", "\\/" if slashes else "/").encode()
    example = decode_row(orjson.loads(raw))[1]
    triggered = Triggers([(trigger,) for trigger in triggers])
    before, after = b'{"messages": []}', b'{"messages": ["b"]}'
    nothing = Example([])
    [_, text_of_row, _] = searched_bytes([before, raw, after], [nothing, example, nothing], [0, kinds_of(example), 0])
    alone = triggered.concerned([text_of_row]).get(0, [])
    assert set(alone) >= {index for index, trigger in enumerate(triggers) if trigger in text.lower()}
    assert triggered.concerned([before, text_of_row, after]).get(1, []) == alone


def test_capitals_and_digits_are_folded() -> None:
    triggers = Triggers([("0000",), ("x",), ("de00",), ("0.0",), ("000-0000",), ("sk-a",)])
    rows = [b"call 1234, X", b"", b"none", b"DE12", b"555-1234 555 1234", b"SK-abc", b"0\n.0"]
    assert triggers.concerned(rows) == {0: [0, 1], 3: [2], 4: [0, 4], 5: [5]}
    assert triggers.concerned([]) == {}


def test_all_that_is_said_is_searched() -> None:
    example = Example(
        [Message("user", "one"), Message("assistant", None, "two", [ToolCall("f", {"a": "three"}, None, "1")])],
        chosen=[Message("assistant", "four")], rejected=[Message("assistant", "five", tool_calls=[
            ToolCall("f", {"a": "s"}, json.dumps({"a": "six"}))])],
    )  # fmt: skip
    text = searched_text(example)
    assert all(word in text for word in ("one", "two", "three", "four", "five", "six"))
