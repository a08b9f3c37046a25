"""gzip and zstd are told by their bytes; what is cut off or altered is one plain error."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.errors import InputError, UsageError
from dsforge.io.rows import Row, RowReader
from dsforge.io.write import write_rows

LINES = [b'{"n":%d,"text":"%s"}' % (index, b"x" * (index % 50)) for index in range(5000)]


def lines_of(path: Path) -> list[bytes]:
    return [row.raw for row in RowReader(path) if isinstance(row, Row)]


@given(cuts=st.lists(st.integers(0, len(LINES)), max_size=4), packer=st.sampled_from(["gzip", "zstd", "skippable"]))
@settings(max_examples=30, deadline=None)
def test_a_file_of_several_frames_is_read_in_full(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], packer: str
) -> None:
    content = b"\n".join(LINES)
    places = [0, *sorted(cut * 20 for cut in cuts), len(content)]
    pieces = [content[start:end] for start, end in itertools.pairwise(places)]
    path = tmp_path_factory.mktemp("packed") / "rows.jsonl"
    if packer == "gzip":
        path.write_bytes(b"".join(map(gzip.compress, pieces)))
    else:
        between = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" if packer == "skippable" else b""
        path.write_bytes(b"".join(between + zstandard.compress(piece) for piece in pieces))
    assert lines_of(path) == LINES


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_one_error(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"rows.jsonl{suffix}"
    write_rows(path, lambda: LINES)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match="cannot be unpacked"):
        lines_of(path)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_an_altered_file_is_one_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.jsonl{suffix}"
    write_rows(path, lambda: LINES)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be unpacked"):
        lines_of(path)


def test_the_name_says_nothing_when_reading(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(b'{"a":1}')
    assert lines_of(path) == [b'{"a":1}']


@pytest.mark.parametrize(
    ("name", "said"),
    [("o.xlsx.gz", "packed in itself"), ("o.parquet.zst", "packed in itself"), ("o.xls", r"\.xlsx"), ("o.zip", "jsonl"),
     ("o.arrow", "parquet"), ("o.jsonl.xz", "zst"), ("o.ods", "xlsx")],
)  # fmt: skip
def test_what_is_not_written_is_refused_before_the_work(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        write_rows(tmp_path / name, lambda: LINES)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.jsonl.gz", "rows.parquet", "rows.zip"])
def test_a_damaged_file_is_not_told_as_bad_json(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x8b\x1fgarbage\n" * 9)
    with pytest.raises(InputError, match="is not what its name says"):
        RowReader(tmp_path / name)
