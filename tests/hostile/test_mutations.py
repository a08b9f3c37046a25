"""10,000 rows of each format that went wrong: read, decoded, encoded and linted without a traceback or a lost row."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from dsforge.convert import ConvertResult, convert
from dsforge.formats.format import all_formats
from dsforge.lint.run import lint
from tests.hostile.mutate import mutated

FORMATS = sorted(all_formats())
CASES = Path(__file__).parents[1] / "cases" / "formats"
ROWS = 10_000
HEAD = 1 << 13
"""More good bytes than decide what kind of file it is."""


def _seeds(name: str) -> list[bytes]:
    """The format's example row, and the rows of its cases."""
    path = CASES / f"{name}.yaml"
    cases = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
    rows = [json.dumps(case["row"], ensure_ascii=False).encode() for case in cases]
    return [all_formats()[name].example.encode(), *rows]


@dataclass(frozen=True)
class Broken:
    """Rows of a format that went wrong; `good` ones stand before them, so that a file of them is one of rows."""

    name: str
    good: list[bytes]
    bad: list[bytes]
    folder: Path

    def write(self, name: str, part: slice) -> tuple[Path, list[bytes]]:
        """A file of some of them, and its lines."""
        lines = self.good + self.bad[part]
        path = self.folder / name
        path.write_bytes(b"\n".join(lines) + b"\n")
        return path, lines


@pytest.fixture(scope="module", params=FORMATS)
def broken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Broken:
    seeds = _seeds(request.param)
    good = seeds * (HEAD // sum(map(len, seeds)) + 1)
    bad = list(mutated(seeds, ROWS, zlib.crc32(request.param.encode())))
    return Broken(request.param, good, bad, tmp_path_factory.mktemp(request.param))


def _run(work: Callable[[Path], Any], source: Path, lines: list[bytes]) -> Any:
    """The result; where it ends in a traceback, that with the shortest file found that does the same."""
    try:
        return work(source)
    except Exception as error:
        raise AssertionError(f"{error!r} at {_shortest(work, source, lines, type(error))[:3]}") from error


def _shortest(work: Callable[[Path], Any], source: Path, lines: list[bytes], kind: type[Exception]) -> list[bytes]:
    """Halved as long as one of the halves ends in the same error."""
    culprit = source.with_name("culprit.jsonl")

    def fails(part: list[bytes]) -> bool:
        culprit.write_bytes(b"\n".join(part) + b"\n")
        try:
            work(culprit)
        except kind:
            return True
        return False

    while len(lines) > 1:
        half = len(lines) // 2
        smaller = next(filter(fails, (lines[:half], lines[half:])), None)
        if smaller is None:
            break
        lines = smaller
    return lines


def _check_conservation(output: Path, result: Any, lines: list[bytes]) -> None:
    rejects = output.with_name(f"{output.stem}.rejects.jsonl")
    entries = [orjson.loads(line) for line in rejects.read_bytes().splitlines()] if rejects.exists() else []
    assert result.rows_in == sum(not line.isspace() for line in lines) == result.rows_out + result.rows_rejected
    assert result.rows_out == output.read_bytes().count(b"\n")
    assert result.rows_rejected == len(entries) == sum(reason.rows for reason in result.reasons)
    for entry in entries:
        raw = entry["raw"].encode() if "raw" in entry else base64.b64decode(entry["raw_base64"])
        assert raw == lines[entry["line"] - 1]
        assert entry["code"]
        assert entry["reason"]


def test_convert_ends_with_every_row_somewhere(broken: Broken) -> None:
    """One half taken for what it was and written so again, the other told row by row and written as the next format."""
    other = FORMATS[(FORMATS.index(broken.name) + 1) % len(FORMATS)]
    halves = (slice(0, ROWS // 2), broken.name, broken.name), (slice(ROWS // 2, ROWS), "auto", other)
    for half, from_format, to in halves:
        source, lines = broken.write(f"{from_format}.jsonl", half)
        output = source.with_name(f"{to}.out.jsonl")
        work = partial(_convert, output, to, from_format)
        result = _run(work, source, lines)
        _check_conservation(output, result, lines)
        assert result.rows_rejected > 100
        assert result.rows_out > 100 or from_format == "auto"


def _convert(output: Path, to: str, from_format: str, source: Path) -> ConvertResult:
    return convert([str(source)], output, to, from_format=from_format)


def test_lint_has_a_finding_for_every_row_it_cannot_read(broken: Broken) -> None:
    source, lines = broken.write("all.jsonl", slice(0, ROWS))
    result = _run(lambda path: lint([path]), source, lines)
    assert result.rows_in == sum(not line.isspace() for line in lines) == result.rows_out + result.rows_rejected
    with_error = {finding.row for finding in result.findings if finding.severity == "error"}
    assert len(with_error) >= result.rows_rejected
    for finding in result.findings:
        line = lines[finding.line - 1] if finding.line <= len(lines) else b""
        assert 1 <= finding.column <= len(line.decode("utf-8", "surrogateescape")) + 1
