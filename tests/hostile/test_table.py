"""What JSON parsers trip over, case by case: one verdict on the fast and the slow path, a finding with its place, and
a conversion that keeps every value or rejects the row byte for byte.

The rows stand in `tests/cases/hostile.yaml`; whole files and rows too large to be written down stand here.
"""

from __future__ import annotations

import base64
import json
import math
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsforge.convert import convert
from dsforge.errors import InputError
from dsforge.io.diagnose import MAX_DEPTH, MAX_PROBLEMS, diagnose, number_problem
from dsforge.io.jsonl import dumps
from dsforge.io.rows import parse
from dsforge.lint.run import lint

TABLE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "hostile.yaml").read_text(encoding="utf-8"))
GOOD = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}'
BEFORE = [GOOD] * 60
"""More than the first bytes that tell what kind of file it is: a NUL among those makes it a binary one."""
LINE = len(BEFORE) + 1
HOLDERS = {
    "value": ('{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"x":', "}"),
    "text": ('{"messages":[{"role":"user","content":"', '"},{"role":"assistant","content":"b"}]}'),
    "row": ("", ""),
    "latin1": ("", ""),
}


@dataclass(frozen=True)
class Case:
    """A row, the code and column of its first finding, and the bytes that convert makes of it where there is none.

    `warns` is the code of a finding about a row that is kept all the same.
    """

    name: str
    raw: bytes
    finds: tuple[str, int] | None
    written: bytes
    warns: str | None = None


def _case(entry: dict[str, Any]) -> Case:
    kind = next(kind for kind in HOLDERS if kind in entry)
    before, after = HOLDERS[kind]
    encoding = "latin-1" if kind == "latin1" else "utf-8"
    raw = (before + entry[kind] + after).encode(encoding)
    written = (before + entry.get("writes", entry[kind]) + after).encode(encoding)
    finds = (entry["finds"][0], entry["finds"][1] + len(before)) if "finds" in entry else None
    return Case(entry["name"], raw, finds, written, entry.get("warns"))


CASES = [_case(entry) for entry in TABLE]


def _file(folder: Path, *rows: bytes) -> Path:
    source = folder / "in.jsonl"
    source.write_bytes(b"\n".join(rows) + b"\n")
    return source


def _found(source: Path) -> list[tuple[str, int, int]]:
    """`(code, line, column)` of the findings about bytes and about what is no row at all."""
    result = lint([source])
    assert result.rows_in == result.rows_out + result.rows_rejected
    return [
        (finding.code, finding.line, finding.column)
        for finding in result.findings
        if finding.code.startswith("J") or finding.code == "S101"
    ]


def _converted(source: Path) -> tuple[list[bytes], list[dict[str, Any]]]:
    """Rows written as chatml, and the rejects."""
    output = source.with_name("out.jsonl")
    result = convert([str(source)], output, "chatml")
    rejects = source.with_name("out.rejects.jsonl")
    entries = [orjson.loads(line) for line in rejects.read_bytes().splitlines()] if rejects.exists() else []
    rows = output.read_bytes().splitlines()
    assert (result.rows_out, result.rows_rejected) == (len(rows), len(entries))
    assert result.rows_in == result.rows_out + result.rows_rejected
    return rows, entries


def _raw(entry: dict[str, Any]) -> bytes:
    return entry["raw"].encode() if "raw" in entry else base64.b64decode(entry["raw_base64"])


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_both_paths_give_one_verdict(case: Case) -> None:
    value, problems = parse(case.raw, strict=True)
    slow = diagnose(case.raw)
    assert problems == slow.problems
    if not problems:
        assert repr(value) == repr(slow.value)
        exact = json.loads(case.raw, parse_float=Decimal)
        assert json.loads(dumps(value), parse_float=Decimal) == exact or _only_17_digits(exact)


def _only_17_digits(value: Any) -> bool:
    """Whether the row's number is one that a program wrote with as many digits as it could."""
    return len(value["x"].as_tuple().digits) == 17 and float(value["x"]) == 0.1


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_lint_names_it_at_its_place(case: Case, tmp_path: Path) -> None:
    found = _found(_file(tmp_path, *BEFORE, case.raw, GOOD))
    if case.finds is None:
        assert [code for code, _, _ in found] == [case.warns] * bool(case.warns)
    else:
        code, column = case.finds
        assert found[0] == (code, LINE, column)
        assert all(line == LINE for _, line, _ in found)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_convert_keeps_it_or_rejects_it_whole(case: Case, tmp_path: Path) -> None:
    rows, rejects = _converted(_file(tmp_path, *BEFORE, case.raw, GOOD))
    if case.finds is None:
        assert rows[-2] == case.written
        assert not rejects
        return
    (reject,) = rejects
    assert (reject["line"], reject["code"]) == (LINE, case.finds[0])
    assert _raw(reject) == case.raw
    assert len(rows) == LINE


# -- numbers, all of them

digits = st.text("0123456789", min_size=1, max_size=24)
spelt = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    st.sampled_from(["0", "1", "9", "9007199254740993", "17976931348623157"]) | digits.map(lambda d: str(int(d))),
    st.just("") | digits.map(".{}".format),
    st.just("")
    | st.builds("{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), st.integers(0, 400)),
)
floats = st.floats(allow_nan=False, allow_infinity=False)


@given(spelt | floats.map(repr) | floats.map("{:.17g}".format) | floats.map("{:.16e}".format))
@example("0.1e1")
@example("9007199254740993e-0")
@example("0.100000000000000001")
@example("-0.00012345678901234567")
@settings(max_examples=1500, deadline=None)
def test_no_number_changes_in_silence(number: str) -> None:
    """Written back it is the number it was, or the float that its 17 digits stand for; else it is refused by both."""
    raw = f'{{"x": [{number}]}}'.encode()
    value, problems = parse(raw, strict=True)
    assert problems == diagnose(raw).problems
    if problems:
        assert [problem.kind for problem in problems] == ["number"]
        assert number_problem(number) is not None
        return
    before, after = Decimal(number), Decimal(dumps(value["x"][0]).decode())
    few = len(number.lower().split("e")[0].lstrip("-0.").replace(".", "")) <= 17
    assert before == after or (few and abs(after) < 2**53 and float(number) == float(after) != 0)


@given(floats)
@settings(max_examples=500, deadline=None)
def test_no_float_that_a_program_wrote_is_refused(value: float) -> None:
    assert number_problem(repr(value)) is None
    if abs(value) < 2.0**53 and (value == 0 or abs(value) >= 2.0**-1022):
        assert number_problem(f"{value:.17g}") is None
        assert number_problem(f"{value:.16e}") is None


def test_an_integer_of_5000_digits_is_refused_at_its_place(tmp_path: Path) -> None:
    row = GOOD[:-1] + b', "x": ' + b"7" * 5000 + b"}"
    source = _file(tmp_path, GOOD, row)
    assert _found(source) == [("J004", 2, len(GOOD) + 7)]
    _, (reject,) = _converted(source)
    assert _raw(reject) == row


def test_an_integer_of_4000_digits_is_kept(tmp_path: Path) -> None:
    number = b"7" * 4000
    rows, rejects = _converted(_file(tmp_path, GOOD, GOOD[:-1] + b', "x": ' + number + b"}"))
    assert not rejects
    assert rows[1].endswith(b'"x":' + number + b"}")


# -- depth


def _nested(depth: int, kind: str) -> bytes:
    """A row whose innermost value stands `depth` levels deep."""
    opening, closing = {"arrays": (b"[", b"]"), "objects": (b'{"a":', b"}")}[kind]
    inner = depth - 1  # the row itself is a level
    return GOOD[:-1] + b', "x": ' + opening * inner + b"1" + closing * inner + b"}"


@pytest.mark.parametrize("kind", ["arrays", "objects"])
@pytest.mark.parametrize("depth", [100, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 254, 255, 1024, 1025, 1100, 100_000])
def test_depth_is_kept_or_refused_by_both_paths(depth: int, kind: str, tmp_path: Path) -> None:
    raw = _nested(depth, kind)
    value, problems = parse(raw, strict=True)
    slow = diagnose(raw)
    assert problems == slow.problems
    source = _file(tmp_path, GOOD, raw, GOOD)
    rows, rejects = _converted(source)
    if depth <= MAX_DEPTH:
        assert value == slow.value
        assert not rejects
        assert not _found(source)
        assert parse(rows[1])[0]["x"] == value["x"]
        return
    assert [problem.kind for problem in problems] == ["depth"]
    ((code, line, column),) = _found(source)
    assert (code, line) == ("J005", 2)
    assert 1 <= column <= len(raw)
    assert [_raw(reject) for reject in rejects] == [raw]


# -- size


def test_a_row_of_nothing_but_mistakes_is_named_and_left(tmp_path: Path) -> None:
    row = b'{"messages": "' + b"\t" * 1_000_000 + b'"}'
    source = _file(tmp_path, GOOD, row)
    assert len(diagnose(row).problems) == MAX_PROBLEMS
    found = _found(source)
    assert found[0] == ("J001", 2, 15)
    assert len(found) == MAX_PROBLEMS
    assert _raw(_converted(source)[1][0]) == row


PEAK = """
import re, resource, sys
from pathlib import Path
from dsforge.convert import convert
result = convert([sys.argv[1]], sys.argv[2], "sharegpt")
status = Path("/proc/self/status")  # what getrusage says begins with the peak of the process that started this one
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if status.exists():
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1])
print(result.rows_out, result.rows_rejected, peak // 1024)
"""


@pytest.mark.parametrize("case", ["good", "many fields", "no UTF-8"])
def test_a_line_of_64_mb_is_read_or_refused_in_bounded_memory(case: str, tmp_path: Path) -> None:
    """Read or refused like any other, within ten times its size (measured: seven to eight and a half)."""
    size = 64 << 20
    text = b"please check my order " * (size // 22)
    rows = {
        "good": GOOD.replace(b'"a"', b'"' + text + b'"'),
        "many fields": GOOD.replace(b'"a"', b'"' + text + b'"')[:-1] + b', "id": 1}',
        "no UTF-8": GOOD.replace(b'"a"', b'"' + text + b'\xff"'),
    }
    source, output = _file(tmp_path, GOOD, rows[case], GOOD), tmp_path / "out.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(source), str(output)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows_out, rejected, megabytes = map(int, done.stdout.split())
    assert (rows_out, rejected) == ((2, 1) if case == "no UTF-8" else (3, 0))
    assert megabytes < 10 * 64
    if rejected:
        assert _raw(orjson.loads((tmp_path / "out.rejects.jsonl").read_bytes())) == rows[case]
    else:
        assert text in output.read_bytes()


# -- whole files


def test_a_bom_is_named_and_kept_out_of_the_first_row(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\xef\xbb\xbf" + GOOD + b"\n")
    assert [place[1:] for place in _found(source)] == [(1, 1)]
    rows, rejects = _converted(source)
    assert (rows, rejects) == ([GOOD.replace(b": ", b":").replace(b", ", b",")], [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_and_32_never_pass_for_something_else(encoding: str, tmp_path: Path) -> None:
    """Read as what it is, or refused in one line; never read as rows of other characters."""
    source = tmp_path / "in.jsonl"
    source.write_bytes((GOOD.decode() + "\n").encode(encoding))
    try:
        rows, rejects = _converted(source)
    except InputError as error:
        said = str(error)
    else:
        assert (rows, rejects) == ([GOOD.replace(b": ", b":").replace(b", ", b",")], [])
        return
    assert "UTF-" in said or "binary" in said
    assert "\n" not in said


def test_a_last_line_that_is_cut_off_is_rejected(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(GOOD + b"\n" + GOOD[:50])
    (first, *_) = _found(source)
    assert first[:2] == ("J001", 2)
    rows, (reject,) = _converted(source)
    assert len(rows) == 1
    assert (reject["line"], _raw(reject)) == (2, GOOD[:50])


def test_a_last_line_without_its_line_break_is_a_row(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(GOOD + b"\n" + GOOD)
    assert not _found(source)
    assert len(_converted(source)[0]) == 2


@pytest.mark.parametrize("blank", [b"", b"  ", b"\t", b"\x0c"], ids=["nothing", "spaces", "tab", "form feed"])
def test_blank_lines_are_named_and_counted_in_the_line_numbers(blank: bytes, tmp_path: Path) -> None:
    source = _file(tmp_path, GOOD, blank, b"{oops", GOOD)
    found = _found(source)
    assert {place[1] for place in found} == {2, 3}
    rows, (reject,) = _converted(source)
    assert (len(rows), reject["line"], reject["row"]) == (2, 3, 2)


def test_line_breaks_of_every_system_part_the_same_rows(tmp_path: Path) -> None:
    """CRLF and LF mixed; U+2028 and NEL are characters of a text, whatever splitlines says."""
    source = tmp_path / "in.jsonl"
    odd = GOOD.replace(b'"a"', '"a\u2028b\x85c"'.encode())
    source.write_bytes(GOOD + b"\r\n" + odd + b"\n" + GOOD + b"\r\n")
    assert not _found(source)
    output = tmp_path / "out.jsonl"
    assert convert([str(source)], output, "chatml").rows_out == 3
    assert "a\u2028b\x85c".encode() in output.read_bytes()


def test_a_line_break_within_a_text_breaks_two_rows_and_no_more(tmp_path: Path) -> None:
    source = _file(tmp_path, GOOD, GOOD[:45], GOOD[45:], GOOD)
    assert {place[1] for place in _found(source)} == {2, 3}
    rows, rejects = _converted(source)
    assert len(rows) == 2
    assert [_raw(reject) for reject in rejects] == [GOOD[:45], GOOD[45:]]


def test_infinity_never_gets_out(tmp_path: Path) -> None:
    """No writer may turn what is no number into null."""
    for value in (math.inf, -math.inf, math.nan):
        assert parse(json.dumps({"x": value}).encode())[1]
