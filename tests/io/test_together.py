from pathlib import Path

import pytest

from dsforge.errors import OutputError, UsageError
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
