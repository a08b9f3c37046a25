"""Rows that the scanner reads are told, to the byte, as those that are parsed and decoded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from random import Random

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.engine.chunks import Chunk
from dsforge.formats.format import all_formats
from dsforge.io.rows import Row, read_rows
from dsforge.similarity import scan
from dsforge.similarity.collect import Read, Reading, read_chunk
from dsforge.similarity.compared import compared_turns
from dsforge.similarity.key import normalised_bytes
from dsforge.similarity.lsh import Banding
from dsforge.similarity.scan import ANSWERED, ASKED, COMPLEX, END, HEAD, Scanner, folds, shape_of
from tests.hostile.mutate import mutated
from tests.hostile.test_table import CASES
from tests.laws.test_short_way import lines
from tests.shared_data import real_files

READING = Reading(banding=Banding(18, 7))
COLUMNS = shape_of("prompt-completion", 2)
assert COLUMNS is not None


def _read(source: Path, name: str, much: int) -> tuple[Read, dict[str, bytes]]:
    """What is told of the rows of a file, with the scanner from so many bytes on."""
    output = source.with_name(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "MUCH", much)
        read = read_chunk(Chunk(str(source)), READING, None, output)
    return read, {path.name: path.read_bytes() for path in output.iterdir()}


def _agree(folder: Path, written: bytes) -> None:
    source = folder / "in.jsonl"
    source.write_bytes(written)
    assert _read(source, "scanned", 0) == _read(source, "parsed", 1 << 60)


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each call of the scanner took."""
    counts: list[int] = []
    scan_rows = Scanner.scan

    def counting(self: Scanner, block: bytes, at: int, shape: scan.Shape) -> scan.Scanned:
        found = scan_rows(self, block, at, shape)
        counts.append(len(found.rows))
        return found

    monkeypatch.setattr(Scanner, "scan", counting)
    return counts


def _clean(texts: Sequence[str], *, escaped: bool = False) -> list[bytes | None]:
    """The clean texts that the scanner makes of these, None where it leaves one to others."""
    found: list[bytes | None] = []
    rows = [json.dumps({"prompt": text, "completion": ""}, ensure_ascii=escaped).encode() + b"\n" for text in texts]
    block, at, scanner = b"".join(rows), 0, Scanner()
    while at < len(block):
        told = scanner.scan(block, at, COLUMNS)
        found += [told.texts[row[ASKED] : row[ANSWERED]] for row in told.rows]
        if len(found) < len(rows):
            found.append(None)
        at = sum(map(len, rows[: len(found)]))
    return found


def _known() -> list[str]:
    codes = folds().codes
    return [chr(code) for code in range(len(codes)) if codes[code] != COMPLEX]


def test_every_character_has_its_normal_form() -> None:
    known = [f"A{character}B" for character in _known()]
    assert len(known) > 60_000
    for escaped in (False, True):
        assert _clean(known, escaped=escaped) == [normalised_bytes(text) for text in known]


def test_a_text_has_the_normal_form_of_its_characters() -> None:
    pick = Random(5)
    known = _known()
    special = [character for character in known if normalised_bytes(f"|{character}|")[1:-1] != character.encode()]
    texts = ["=" + "".join(pick.choices(pick.choice((known, special)), k=30)) for _ in range(10_000)]
    assert _clean(texts) == [normalised_bytes(text) for text in texts]


@given(text=st.text(st.characters(codec="utf-8") | st.sampled_from("e\u0301\u1100\u1161한ｶﾞ\u200d\U0001f600 \u3000\n")))
@settings(max_examples=500)
def test_what_the_scanner_does_not_know_it_leaves(text: str) -> None:
    for escaped in (False, True):
        [found] = _clean([text], escaped=escaped)
        assert found in (None, normalised_bytes(text))


def test_the_key_is_that_of_the_turns() -> None:
    block = orjson.dumps({"prompt": " What?\tNow ", "completion": "Yes"})
    told = Scanner().scan(block, 0, COLUMNS)
    [row] = told.rows
    compares = compared_turns(("user", "assistant"), (b"what? now", b"yes"))
    assert told.texts[row[ASKED] : row[END]] == b"".join(compares.parts)
    assert told.texts[row[HEAD] : row[END]] == compares.guard + b"ua 9 3\nwhat? nowyes"


@given(written=st.lists(lines(), min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_rows_are_told_the_same(tmp_path_factory: pytest.TempPathFactory, written: list[bytes]) -> None:
    _agree(tmp_path_factory.mktemp("scan"), b"\n".join(written))


@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.name)
def test_real_rows_are_told_the_same(tmp_path: Path, path: Path) -> None:
    rows = [row.raw.replace(b"\n", b" ") for row in read_rows(path) if isinstance(row, Row)]
    _agree(tmp_path, b"\n".join(rows) + b"\n")


@pytest.mark.parametrize("name", sorted(all_formats()))
def test_rows_of_each_format_are_told_the_same(tmp_path: Path, name: str) -> None:
    cases = yaml.safe_load((Path(__file__).parents[1] / f"cases/formats/{name}.yaml").read_text(encoding="utf-8"))
    rows = [json.dumps(case["row"], ensure_ascii=False).encode() for case in cases if "row" in case]
    assert rows
    _agree(tmp_path, b"\n".join(rows * 3 + [*mutated(rows, 300, 7)]))


def test_hostile_rows_are_told_the_same(tmp_path: Path) -> None:
    good = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}'
    rows = [raw.replace(b"\n", b" ") for case in CASES for raw in (good, case.raw, good, good)]
    for ending in (b"\n", b"\r\n", b"\n\n"):
        _agree(tmp_path, ending.join(rows))


def test_rows_of_empty_texts_are_told_the_same(tmp_path: Path) -> None:
    """Some formats read them in a way of their own, and some refuse a turn without a text."""
    said = ("", " ", "a")
    rows: list[object] = [{"prompt": one, "completion": other} for one, other in product(said, said)]
    rows += [{"instruction": one, "output": other} for one, other in product(said, said)]
    rows += [{"instruction": one, "input": two, "output": three} for one, two, three in product(said, repeat=3)]
    for roles in product(("system", "user", "assistant", "developer"), repeat=3):
        for texts in product(said, repeat=3):
            rows.append(
                {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]}
            )
    for names in product(("human", "gpt"), repeat=2):
        for one, other in product(said, said):
            turns = [{"from": names[0], "value": one}, {"from": names[1], "value": other}]
            rows.append({"conversations": turns})
    _agree(tmp_path, b"\n".join(map(orjson.dumps, rows * 2)))


PLAIN = {
    "chatml": '{"messages": [{"role": "system", "content": "Be %d"}, {"role": "user", "content": "Wo?"}, '
    '{"role": "assistant", "content": "Hier \\u8bf7"}, {"role": "user", "content": "x"}]}',
    "sharegpt": '{"conversations":[{"from":"human","value":"%d"},{"from":"gpt","value":""}]}',
    "alpaca": '{"output":"\\"%d\\"", "instruction":"Ａdd","input":" 1\\n"}',
    "alpaca of two": '{"instruction" : "say", "output" : "%d"}',
    "columns": '{"prompt":"","completion":"%d"}',
}


HOSTILE = [
    b"<think>so</think>yes", rb"\u003cthink>so</think>yes", rb"<\u0074hink>so</think>yes", b"<table>",
    rb"\ud800", rb"\udc00\ud800", rb"\ud83d\ude00", rb"\ud83d\u0041", rb"\ud83d", rb"\u00", rb"\u12g4", rb"\x",
    rb"\u0000", rb"\/\b\f\"\\\n\r\t", b"\x01", b"\t", b"\x7f", b"\\", b"\\\\",
    b"\xed\xa0\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80",
    b"\x80", b"\xe4\xb8", b"\xe6\xb8", b"\xf0\x9f\x98", b"\xef\xbb\xbf",
    b'a","a":"b', b'a","a', b'a"', "e\u0301 \u1112\u1161\u11ab ｶﾞ ﬁ\u3000¨ …".encode(),
]  # fmt: skip
TWICE = [
    b'{"prompt":"a","prompt":"b"}', b'{"prompt":"a","completion":"b","prompt":"c"}',
    b'{"instruction":"a","output":"b","output":"c"}', b'{"instruction":"a","instruction":"c","output":"b"}',
    b'{"messages":[{"role":"user","content":"a"}],"messages":[{"role":"user","content":"b"}]}',
    b'{"messages":[{"role":"user","role":"assistant","content":"a"}]}', b'{"messages":[]}', b'{"messages":[{}]}',
    b'{"messages":[{"content":"a","role":"user"}]}', b'{"messages":[{"role":"user","content":"a"},]}',
    b'{"prompt":"a","completion":"b",}', b'{"prompt":"a","completion":"b"} {}', b'{"prompt":"a","completion":"b"}\t ',
    b' {"prompt":"a","completion":"b"}', b'{"prompt":"a","completion":null}', b'{"prompt":"a"}',
    b'{"pr\\u006fmpt":"a","completion":"b"}', b'{"prompt":"a","completion":"b"', b'{"prompt":"a","completion":"b',
]  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_hostile_texts_are_told_the_same(tmp_path: Path, name: str) -> None:
    before, after = PLAIN[name].encode().split(b"%d")
    rows = [before + text + after for text in (b"1", *HOSTILE, *(b"1" + text + b"1" for text in HOSTILE))]
    _agree(tmp_path, b"\n".join(row for hostile in rows for row in (rows[0], hostile)))


@pytest.mark.parametrize("name", PLAIN)
def test_keys_that_stand_twice_and_other_rows_are_told_the_same(tmp_path: Path, name: str) -> None:
    good = PLAIN[name].encode() % 1
    _agree(tmp_path, b"\n".join([good, *(row for other in TWICE for row in (good, other))]))
    for row in TWICE:  # at the end of the file
        _agree(tmp_path, good + b"\n" + row)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_rows_are_scanned(tmp_path: Path, scanned: list[int], name: str) -> None:
    """All but the first, from which the format is told."""
    _agree(tmp_path, b"\n".join(PLAIN[name].encode() % number for number in range(50)))
    assert scanned == [49]


def test_one_row_that_is_not_plain_takes_no_others_with_it(tmp_path: Path, scanned: list[int]) -> None:
    plain, other = PLAIN["columns"].encode() % 1, b'{"prompt":"","completion":"","label":true}'
    _agree(tmp_path, b"\n".join([plain] * 20 + [other] + [plain] * 20))
    assert scanned == [19, 20]
