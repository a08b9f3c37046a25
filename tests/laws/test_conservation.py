"""rows_in = rows_out + rows_rejected, whatever stands in the file; rejected rows keep every byte."""

from __future__ import annotations

import base64
import json
import random
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from dsforge.convert import convert, convert_example
from dsforge.errors import InputError, RowError
from dsforge.example import JSON, Example, Message
from dsforge.formats.format import Format, all_formats, get_format
from dsforge.formats.read import decode_row
from dsforge.io.jsonl import dumps
from dsforge.io.locate import locate
from dsforge.io.rows import parse
from dsforge.lint.run import lint
from tests.laws.strategies import examples, examples_of_any_format, json_values

FORMATS = sorted(all_formats())
good_rows = examples().map(lambda example: orjson.dumps({"messages": [
    {"role": message.role, "content": message.text} for message in example.all_messages()]}))  # fmt: skip
odd_rows = json_values.map(lambda value: json.dumps(value).encode())
garbage = st.binary(min_size=1, max_size=30).map(lambda raw: raw.translate(None, b"\n\r\x00"))
lines = st.lists(st.one_of(good_rows, odd_rows, garbage), min_size=1, max_size=8)


def _raw(entry: dict[str, str]) -> bytes:
    return entry["raw"].encode() if "raw" in entry else base64.b64decode(entry["raw_base64"])


@given(rows=lines, to=st.sampled_from(FORMATS))
@settings(max_examples=120, deadline=None)
def test_convert_loses_no_line(tmp_path_factory: pytest.TempPathFactory, rows: list[bytes], to: str) -> None:
    folder = tmp_path_factory.mktemp("law")
    source, output = folder / "in.jsonl", folder / "out.jsonl"
    source.write_bytes(b'{"instruction": "first", "output": "so that it is rows"}\n' + b"\n".join(rows))
    try:
        result = convert([str(source)], output, to)
    except InputError:
        return  # the first bytes make the whole file something else (UTF-16, binary): refused as a whole
    assert result.rows_in == result.rows_out + result.rows_rejected
    assert len(output.read_bytes().splitlines()) == result.rows_out
    rejects = folder / "out.rejects.jsonl"
    entries = [orjson.loads(line) for line in rejects.read_bytes().splitlines()] if rejects.exists() else []
    assert len(entries) == result.rows_rejected == sum(reason.rows for reason in result.reasons)
    source_lines = [line.rstrip(b"\r\n") for line in source.read_bytes().split(b"\n")]
    for entry in entries:
        assert _raw(entry) == source_lines[entry["line"] - 1]
    assert not list(folder.glob(".*"))


@given(rows=lines)
@settings(max_examples=80, deadline=None)
def test_every_row_that_lint_cannot_read_has_a_finding(
    tmp_path_factory: pytest.TempPathFactory, rows: list[bytes]
) -> None:
    source = tmp_path_factory.mktemp("law") / "in.jsonl"
    source.write_bytes(b'{"instruction": "first", "output": "so that it is rows"}\n' + b"\n".join(rows))
    try:
        result = lint([source])
    except InputError:
        return
    assert result.rows_in == result.rows_out + result.rows_rejected
    source_lines = source.read_bytes().split(b"\n")
    for finding in result.findings:
        line = source_lines[finding.line - 1].decode("utf-8", "surrogateescape")
        assert 1 <= finding.column <= len(line) + 1
    with_error = {finding.row for finding in result.findings if finding.severity == "error"}
    assert len(with_error) >= result.rows_rejected


def _can_hold_one_turn(to: str) -> bool:
    try:
        convert_example(Example([Message("user", "ask"), Message("assistant", "answer")]), get_format(to))
    except RowError:
        return False
    return True


@pytest.mark.parametrize("to", FORMATS)
def test_workers_do_not_change_a_byte(tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsforge.engine.chunks.MIN_CHUNK", 2000)
    rows = [
        b'{"instruction": "ask %d", "input": "%s", "output": "answer"}' % (index, b"x" * (index % 97))
        if index % 7
        else b'{"instruction": "broken %d",}' % index
        for index in range(400)
    ]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(rows))
    results = []
    for workers in (1, 2):
        output = tmp_path / f"out{workers}.jsonl"
        rejects = tmp_path / f"rejects{workers}.jsonl"
        result = convert([str(source)], output, to, rejects=rejects, workers=workers)
        results.append((output.read_bytes(), rejects.read_bytes(), result))
        assert result.rows_in == 400
        assert result.rows_rejected == (58 if _can_hold_one_turn(to) else 400)
    assert results[0] == results[1]


def test_lint_workers_do_not_change_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsforge.engine.chunks.MIN_CHUNK", 2000)
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(b'{"instruction": "q %d", "output": "%s"}' % (i % 150, b"" if i % 50 == 0 else b"a")
                                  for i in range(400)))  # fmt: skip
    one, two = lint([source], workers=1), lint([source], workers=2)
    assert one == two
    assert one.counts["D701"] == 250
    assert one.counts["S104"] == 8


def _parts(value: JSON, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """The path of every value within."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in items for found in _parts(child, (*path, key)))]


def _replaced(value: JSON, path: tuple[object, ...], by: JSON) -> JSON:
    if not path:
        return by
    copy = value.copy()
    copy[path[0]] = _replaced(value[path[0]], path[1:], by)
    return copy


def _decoded(row: JSON, fmt: Format | None) -> Example | None:
    """The example, None where the row is refused with a place that leads somewhere."""
    try:
        found, example = decode_row(row, fmt)
    except RowError as error:
        locate(dumps(row), error.pointer)
        return None
    assert len(found.places(row, example)) == len(example.all_messages())
    return example


@given(example=examples_of_any_format(), values=st.lists(json_values, min_size=1, max_size=2), seed=st.integers(0, 999))
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_row_with_any_value_in_any_place_is_read_or_refused(example: Example, values: list[JSON], seed: int) -> None:
    """No value in the wrong place brings a format down: it is read, or refused with a reason and a place.

    The row of every format has one or two values replaced; it is read by that format and by the one that it is
    found to be in, and what comes of it is written in all.
    """
    chance = random.Random(seed)
    for fmt in all_formats().values():
        note(fmt.name)
        try:
            row = parse(convert_example(example, fmt)[0])[0]
        except RowError:
            continue
        for value in values:
            row = _replaced(row, chance.choice(_parts(row)), value)
        note(str(row))
        for read in (_decoded(row, fmt), _decoded(row, None)):
            for to in all_formats().values() if read is not None else ():
                with suppress(RowError):
                    convert_example(read, to)
