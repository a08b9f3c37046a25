import sys
from pathlib import Path

import pytest

from dsforge.errors import MissingExtraError, OutputError, UsageError
from dsforge.io.rows import Row, read_rows
from dsforge.io.together import check_outputs, rows_together


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def write_and_stop(folder: Path) -> None:
    with rows_together([folder / "one", folder / "two"]) as files:
        files[0].write(b"{}")
        raise ValueError("stop")


def test_both_appear(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.json"
    with rows_together([one, two]) as files:
        for file in files:
            file.write(b"{}")
            file.write(b"[]")
        assert list(tmp_path.glob("[a-z]*")) == []
    assert one.read_bytes() == b"{}\n[]\n"
    assert two.read_bytes() == b"[\n{},\n[]\n]\n"


def test_no_row_is_an_empty_file_or_array(tmp_path: Path) -> None:
    with rows_together([tmp_path / "a.jsonl", tmp_path / "a.json"]):
        pass
    assert (tmp_path / "a.jsonl").read_bytes() == b""
    assert (tmp_path / "a.json").read_bytes() == b"[]\n"


def test_an_error_leaves_neither(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    with pytest.raises(ValueError, match="stop"):
        write_and_stop(tmp_path)
    assert (tmp_path / "one").read_text() == "old"
    assert names(tmp_path) == ["one"]


@pytest.mark.parametrize("failing", [0, 1])
def test_a_disk_that_is_full_at_the_last_flush_leaves_neither(tmp_path: Path, failing: int) -> None:
    (tmp_path / "one").write_text("old")

    def full() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space"), rows_together([tmp_path / "one", tmp_path / "two"]) as files:
        files[failing].end = full  # type: ignore[method-assign]
    assert (tmp_path / "one").read_text() == "old"
    assert names(tmp_path) == ["one"]


def test_outputs_that_clash(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("{}")
    with pytest.raises(UsageError, match="also an input"):
        check_outputs([str(source)], [tmp_path / "." / "in.jsonl"])
    with pytest.raises(UsageError, match="two outputs"):
        check_outputs([str(source)], [tmp_path / "out", tmp_path / "out"])
    with pytest.raises(OutputError, match="does not exist"):
        check_outputs(["-"], ["-", tmp_path / "no" / "out"])


def test_tables_are_put_together_when_the_block_ends(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.xlsx", "b.parquet", "c.csv", "d.jsonl.zst")]
    with rows_together(paths) as files:
        for file in files:
            file.write(b'{"a":"=x","b":[1]}')
            file.write(b'{"b":null}')
        assert list(tmp_path.glob("[a-z]*")) == []
    for path in paths:
        rows = [row.value for row in read_rows(path) if isinstance(row, Row)]
        assert rows[0] == {"a": "=x", "b": [1]}
        assert rows[1] in ({"b": None}, {"a": "", "b": None})
    assert [bool(file.notices) for file in files] == [True, False, True, False]


def test_a_row_that_a_table_cannot_hold_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"b\.xlsx cannot hold row 1"),
        rows_together([tmp_path / "a.jsonl", tmp_path / "b.xlsx"]) as files,
    ):
        files[1].write(b'{"a":"%s"}' % (b"x" * 40_000))
    assert names(tmp_path) == []


def test_kinds_that_are_not_written_are_met_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"name it \.xlsx"):
        check_outputs([], [tmp_path / "o.xls"])
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(MissingExtraError, match=r"writing .*o\.xlsx needs xlsxwriter.*dsforge\[tables\]"):
        check_outputs([], [tmp_path / "o.xlsx"])
    source = tmp_path / "in.xlsx"
    source.write_bytes(b"")
    with pytest.raises(UsageError, match="also an input"):
        check_outputs([f"{source}#Sheet"], [source.with_name("in.xlsx")])
