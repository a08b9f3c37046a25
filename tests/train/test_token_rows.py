"""Tokens of many rows: in memory, in a file, in another process, of several files as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsforge.train import token_rows
from dsforge.train.token_rows import Lists, TokenRows, mixed


def _rows(count: int, base: int = 0, source_of_good: bool = False) -> TokenRows:
    rows = TokenRows()
    for index in range(count):
        ids = [base + index] * (index % 4 + 1)
        rows.append_row([(ids, ids), ([*ids, 7], [*ids, 7])], limit=4, number=index + 1)
        if source_of_good:
            rows.good += [True, False]
    return rows


def test_a_column_that_spills_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = [[index, -index] * (index % 5) for index in range(400)]
    kept, spilt = Lists(), Lists()
    for values in lists:
        kept.append(values)
    monkeypatch.setattr(token_rows, "SPILL", 100)
    for values in lists:
        spilt.append(values)
    assert list(spilt) == list(kept) == lists
    assert spilt.column().to_pylist() == lists
    assert type(spilt.flat).__name__ == "memmap"


def test_rows_are_the_same_in_another_process(tmp_path: Path) -> None:
    rows = _rows(9, source_of_good=True)
    rows.save(tmp_path / "rows")
    loaded = TokenRows.load(tmp_path / "rows")
    assert list(loaded.rows()) == list(rows.rows())
    assert list(loaded.tails) == list(rows.tails)
    assert (loaded.good, loaded.numbers, loaded.longest) == (rows.good, rows.numbers, 4)
    assert loaded.dataset().to_dict() == rows.dataset().to_dict()


def test_files_are_spread_evenly() -> None:
    rows = mixed([_rows(4, 0), _rows(2, 100)], [range(4), [0, 1]])
    first = [sequences[0][0][0] for sequences in rows.rows()]
    assert first == [0, 100, 1, 2, 101, 3]
    assert list(rows.sources) == [0, 1, 0, 0, 1, 0]
    assert list(rows.numbers) == [1, 1, 2, 3, 2, 4]
    assert rows.find([101, 101, 7]) == (1, 2)
    assert rows.find([5, 5]) is None


def test_rows_can_be_taken_twice_or_not_at_all() -> None:
    rows = mixed([_rows(3), _rows(2, 100, source_of_good=False)], [[0, 1, 2, 0, 1, 2], [1]])
    assert len(rows) == 7
    assert sorted(sequences[0][0][0] for sequences in rows.rows()) == [0, 0, 1, 1, 2, 2, 101]
    assert rows.tokens == sum(rows.lengths)
