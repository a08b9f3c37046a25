"""Rows that go the short way are written, counted and refused exactly as on the long one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsforge.convert.chunk
from dsforge.convert.chunk import convert_chunk
from dsforge.convert.job import Job
from dsforge.convert.result import ConvertResult
from dsforge.engine.chunks import Chunk
from dsforge.errors import RowError
from dsforge.example import JSON, Example
from dsforge.formats.format import Format, all_formats, get_format
from dsforge.formats.plain import ShortWay
from dsforge.formats.read import RowDecoder, decode_row
from dsforge.io.rows import Row, parse, read_rows
from tests.shared_data import real_files

FORMATS = sorted(name for name, fmt in all_formats().items() if fmt.plain)
CHATML = get_format("chatml")

texts = st.text(st.sampled_from('ab"\\:<>\n{}请é\u0022') | st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["<think>\nso\n</think>\n\nanswer", "<image>", "<tool_call>{}</tool_call>", "\u005c", '":']
)
roles = st.sampled_from(["system", "user", "assistant", "developer", "tool", "bot"])
messages = st.lists(st.fixed_dictionaries({"role": roles, "content": texts | st.none()}), max_size=4)
names = st.sampled_from(["human", "gpt", "system", "user", "observation", "function_call", "alien"])
turns = st.lists(st.fixed_dictionaries({"from": names, "value": texts}), max_size=4)
alpaca = st.fixed_dictionaries(
    {"instruction": texts, "output": texts | st.integers()},
    optional={"input": texts | st.none(), "system": texts, "id": texts},
)
rows = st.one_of(
    st.fixed_dictionaries({"messages": messages}, optional={"id": texts}),
    st.fixed_dictionaries({"conversations": turns}, optional={"system": texts}),
    alpaca,
    st.fixed_dictionaries({"prompt": texts, "completion": texts | st.none()}, optional={"id": texts}),
    st.fixed_dictionaries({"conversation": st.lists(st.fixed_dictionaries({"human": texts, "assistant": texts}))}),
)
separators = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), (",", ":\t")])


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A row, written in one of many ways, at times with a key twice."""
    written = json.dumps(draw(rows), ensure_ascii=draw(st.booleans()), separators=draw(separators))
    if draw(st.integers(0, 4)) == 0:
        member = json.dumps(draw(st.sampled_from(["output", "instruction", "messages", "role"])))
        written = f"{{{member}: {json.dumps(draw(texts))}, {written[1:]}"
    return written.encode()


def _convert(source: Path, to: str, output: Path) -> tuple[ConvertResult, bytes, bytes]:
    result = convert_chunk(Chunk(str(source)), Job(to), b"\n", "", True, output)
    return result, output.read_bytes(), output.with_name(f"{output.name}.rejects").read_bytes()


def _both_ways(source: Path, to: str) -> tuple[tuple[ConvertResult, bytes, bytes], tuple[ConvertResult, bytes, bytes]]:
    short = _convert(source, to, source.with_suffix(".short"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dsforge.convert.chunk, "ShortWay", _NoShortWay)
        return short, _convert(source, to, source.with_suffix(".long"))


class _NoShortWay(ShortWay):
    def convert_block(self, block: bytes, separator: bytes) -> tuple[bytes, int] | None:
        return None

    def convert(
        self, block: bytes, lines: list[bytes], first_line: int, separator: bytes = b"\n"
    ) -> tuple[list[bytes | None], bytes | None]:
        return [None] * len(lines), None


def _short(lines: list[bytes], short_way: ShortWay) -> list[bytes | None]:
    return short_way.convert(b"\n".join(lines), lines, 1)[0]


@pytest.mark.parametrize("to", FORMATS)
@given(written=st.lists(lines(), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_both_ways_do_the_same(tmp_path_factory: pytest.TempPathFactory, to: str, written: list[bytes]) -> None:
    source = tmp_path_factory.mktemp("ways") / "in.jsonl"
    source.write_bytes(b"\n".join(written))
    short, long = _both_ways(source, to)
    assert short == long


@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.name)
@pytest.mark.parametrize("to", FORMATS)
def test_both_ways_do_the_same_with_real_rows(tmp_path: Path, to: str, path: Path) -> None:
    source = tmp_path / "in.jsonl"
    rows = [row.raw.replace(b"\n", b" ") for row in read_rows(path) if isinstance(row, Row)]
    source.write_bytes(b"\n".join(rows[:: len(rows) // 100 + 1]))
    short, long = _both_ways(source, to)
    assert short == long


def test_plain_rows_do_go_the_short_way() -> None:
    short_way = ShortWay(None, CHATML)
    row = json.dumps({"instruction": 'say "hi"', "input": "请", "output": "hi"}, ensure_ascii=False).encode()
    assert _short([row], short_way) == ['{"messages":[{"role":"user","content":"say \\"hi\\"\\n请"},' \
        '{"role":"assistant","content":"hi"}]}'.encode()]  # fmt: skip
    assert short_way.formats == {"alpaca": 1}
    assert short_way.losses == {"boundary of instruction and input": 1}


def test_what_the_long_way_refuses_does_not_go_the_short_one() -> None:
    """A conversation without a question is none for Cohere, however plain it is."""
    row = b'{"messages":[{"role":"system","content":"Be brief."}]}'
    assert _short([row, row], ShortWay(None, get_format("cohere"))) == [None, None]


@given(values=st.lists(rows, min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_plain_rows_are_decoded_as_others(values: list[dict[str, object]]) -> None:
    decode = RowDecoder()
    for value in values * 2:
        assert _decoded(decode, value) == _decoded(decode_row, value)


def _decoded(decode: Callable[[JSON], tuple[Format, Example]], value: JSON) -> tuple[str, Example | str]:
    try:
        fmt, example = decode(value)
    except RowError as error:
        return "", str(error)
    return fmt.name, example


@given(written=st.lists(lines(), min_size=1, max_size=30))
@settings(max_examples=300, deadline=None)
def test_no_repeated_key_is_overlooked(written: list[bytes]) -> None:
    """Whatever stands beside it in a batch, a row with a key twice is left to the long way, which refuses it."""
    short_way = ShortWay(None, CHATML)
    for raw, encoded in zip(written, _short(written, short_way), strict=True):
        assert encoded is None or not parse(raw, strict=True)[1]


_ROW = b'{"instruction":"a","input":"b","output":"c"}'
_ROWS = _ROW + b"\n" + _ROW.replace(b'"b"', b'""') + b"\n"


@pytest.mark.parametrize(
    "block",
    [
        _ROW + _ROW + b"\n\n",
        _ROW + b" " + _ROW + b"\n\n",
        b"\n" + _ROW + _ROW + b"\n",
        _ROW.replace(b",", b",\n") + b"\n" + _ROW + _ROW,
        _ROW + b"\n" + _ROW.replace(b"{", b'{"output":"d",') + b"\n",
        _ROW + b"\n" + _ROW.replace(b"{", rb'{"outp\u0022ut":"d",') + b"\n",
        _ROW + b"\n" + _ROW.replace(b'"c"', b"3") + b"\n",
        _ROW + b"\n" + _ROW.replace(b'"c"', b'"\xff"') + b"\n",
        _ROW + b"\n" + _ROW.replace(b'"c"', rb'"\ud800"') + b"\n",
        _ROW + b"\n" + _ROW.replace(b'"a"', b'""') + b"\n",
        _ROW + b"\n" + _ROW.replace(b'"c"', b'"<think>x</think>"') + b"\n",
        _ROW + b"\r\n" + _ROW + b"\r\n",
        _ROW + b"\n\n",
        b"\n" + _ROW + b"\n",
        _ROW + b"\n\n" + _ROW + b"\n",
        _ROW.replace(b"}", b"\n}") + _ROW + b"\n",
        _ROW.replace(b",", b",\n", 1) + _ROW + b"\n",
        _ROW.replace(b",", b", ") + b"\n",
        _ROW.replace(b"{", b'{"output":"d"\n,') + b"\n",
        _ROW.replace(b'"c"', rb'"\u0063"') + b"\n",
    ],
)
def test_a_block_with_a_row_that_needs_care_is_not_converted_at_once(block: bytes) -> None:
    short_way = ShortWay(None, CHATML)
    short_way.convert(_ROWS, _ROWS.splitlines(), 1)
    short_way.convert(_ROWS, _ROWS.splitlines(), 1)
    assert short_way.convert_block(block, b"\n") is None
    assert short_way.formats == {"alpaca": 4}


def test_a_block_of_rows_as_before_is_converted_at_once() -> None:
    short_way = ShortWay(None, CHATML)
    expected = short_way.convert(_ROWS, _ROWS.splitlines(), 1)[1]
    assert short_way.convert_block(_ROWS, b"\n") == (expected, 2)
    assert short_way.convert_block(_ROWS.removesuffix(b"\n"), b"\n") == (expected, 2)
    assert short_way.formats == {"alpaca": 6}


def test_blocks_are_not_read_twice_for_ever() -> None:
    """Where each block has a row that needs care, reading it by type first is given up."""
    short_way = ShortWay(None, CHATML)
    short_way.convert(_ROWS, _ROWS.splitlines(), 1)
    assert short_way.convert_block(_ROWS, b"\n")
    with_thinking = _ROWS + _ROW.replace(b'"c"', b'"<think>x</think>"') + b"\n"
    for _ in range(9):
        assert short_way.convert_block(with_thinking, b"\n") is None
    assert short_way.convert_block(_ROWS, b"\n") is None
    assert short_way.convert(_ROWS, _ROWS.splitlines(), 1)[1]
