"""Counting files: conservation, rejects with their places, the same for any number of workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import dsforge.engine.chunks
from dsforge.cost.count import count_tokens
from dsforge.errors import InputError, UsageError
from dsforge.formats.read import read_examples
from dsforge.tokens.counter import get_counter
from dsforge.tokens.rows import count_example
from tests.shared_data import real_files, seed_files


def _chatml(index: int) -> str:
    question, answer = f"question {index} " * (index % 7 + 1), f"answer {index}"
    return json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})


def _file(path: Path, rows: int, broken: tuple[int, ...] = ()) -> Path:
    lines = ['{"messages": [' if index in broken else _chatml(index) for index in range(rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_every_row_is_counted_or_rejected(tmp_path: Path) -> None:
    path = _file(tmp_path / "rows.jsonl", 1200, broken=(3, 700))
    count = count_tokens([str(path)], "approximate")
    assert (count.rows_in, len(count.columns)) == (1200, 1198)
    assert [(reject.row, reject.line, reject.code) for reject in count.rejects] == [(4, 4, "J001"), (701, 701, "J001")]
    examples = [example for _, example in read_examples(path)]
    counter = get_counter("approximate")
    assert list(count.columns["total"]) == [count_example(example, counter).total for example in examples]


def test_workers_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(_file(tmp_path / "rows.jsonl", 900, broken=(5, 450, 899)))
    one = count_tokens([path, path], "approximate")
    monkeypatch.setattr(dsforge.engine.chunks, "MIN_CHUNK", 4000)
    two = count_tokens([path, path], "approximate", workers=2)
    assert two.columns.flat == one.columns.flat
    assert (two.rows_in, two.formats) == (one.rows_in, one.formats)
    assert [(r.row, r.line, r.raw) for r in two.rejects] == [(r.row, r.line, r.raw) for r in one.rejects]


def test_unreadable_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        count_tokens([str(tmp_path / "missing.jsonl")], "approximate")
    with pytest.raises(UsageError, match="no format"):
        count_tokens([str(tmp_path)], "approximate", format_name="chatnl")
    with pytest.raises(UsageError, match="only once"):
        count_tokens(["-", "-"], "approximate")


@pytest.mark.skipif(not real_files(), reason="the public datasets are not here")
def test_real_and_published_files_are_conserved() -> None:
    for path in [*real_files(), *seed_files()]:
        count = count_tokens([str(path)], "approximate")
        assert count.rows_in == len(count.columns) + len(count.rejects) > 0
        assert sum(count.columns["trained"]) <= sum(count.columns["total"])
