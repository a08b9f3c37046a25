"""Before the first step: every row is counted, and what is cut or refused is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsforge.errors import InputError
from dsforge.train.preflight import Preflight
from dsforge.train.run import prepared
from tests.train.small import BAD_LINES, KINDS, PLAIN, TURNS, config, lamp_rows, write_rows


def _found(data: Path, *overrides: str) -> Preflight:
    with prepared(config(data, data.parent / "runs", *overrides)) as ready:
        return ready.training


def test_every_row_is_used_or_rejected_byte_for_byte(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", list(KINDS.values()), BAD_LINES)
    found = _found(data, "trl.max_length=null")
    assert (found.rows_in, found.rows_used, len(found.rejects)) == (len(KINDS) + 4, len(KINDS), 4)
    assert [reject.raw for reject in found.rejects] == BAD_LINES
    assert [reject.row for reject in found.rejects] == [8, 9, 10, 11]
    assert all(reject.reason for reject in found.rejects)
    assert found.tokens == sum(len(ids) for ids, _ in found.rows)
    assert not (tmp_path / "runs").exists()


def test_rows_over_the_limit_are_told_with_what_is_lost(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", [PLAIN, TURNS])
    whole = _found(data, "trl.max_length=null")
    length = whole.longest - 3
    cut = _found(data, f"trl.max_length={length}")
    assert (whole.over_length, cut.over_length) == (0, 1)
    assert cut.rows_used == 2
    assert cut.cut_trained == whole.trained - cut.trained == 2  # a line break ends the row
    assert cut.longest == whole.longest


def test_rows_over_the_limit_can_be_rejected(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", [PLAIN, TURNS])
    length = _found(data, "trl.max_length=null").longest - 3
    found = _found(data, f"trl.max_length={length}", "data.too_long=reject")
    assert (found.rows_in, found.rows_used, found.over_length) == (2, 1, 1)
    assert [(reject.row, reject.raw) for reject in found.rejects] == [(2, data.read_bytes().splitlines()[1])]


def test_a_limit_counts_refused_rows_too(tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    lines = write_rows(data, lamp_rows(4)).read_bytes().splitlines()
    data.write_bytes(b"\n".join([lines[0], b"{broken", b"{broken", *lines[1:]]))
    found = _found(data, "data.limit=2")
    assert (found.rows_in, found.rows_used, [reject.row for reject in found.rejects]) == (2, 1, [2])
    assert found.formats == {"chatml": 1}


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", [], BAD_LINES)
    with pytest.raises(InputError, match="none of its 4 rows"):
        _found(data)


def test_the_shown_row_is_the_first_that_is_trained(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", [{"messages": []}, PLAIN])
    found = _found(data)
    assert found.shown_row == 2
    [shown] = found.shown
    assert [piece.trained for piece in shown.stretches] == [False, True, False]
    assert shown.stretches[1].text == "On the table. 在桌子上。💡<|im_end|>"
