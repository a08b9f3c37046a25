"""Several files of rows with weights: counted one by one, trained as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsforge.errors import ConfigError
from dsforge.train.run import prepared
from tests.train.small import BAD_LINES, config, lamp_rows, run, write_rows


def _mix(tmp_path: Path, weights: str, *overrides: str) -> tuple[str, ...]:
    write_rows(tmp_path / "a.jsonl", lamp_rows(10), BAD_LINES)
    write_rows(tmp_path / "b.jsonl", lamp_rows(4))
    return (f"data.path=[{tmp_path / 'a.jsonl'},{tmp_path / 'b.jsonl'}]", f"data.weights={weights}", *overrides)


def test_an_epoch_passes_over_each_file_as_often_as_it_weighs(tmp_path: Path) -> None:
    settings = config(tmp_path / "unused", tmp_path, *_mix(tmp_path, "[0.5,2]"))
    with prepared(settings) as ready:
        sources = list(ready.training.rows.sources)
        numbers = [number for source, number in zip(sources, ready.training.rows.numbers, strict=True) if source == 0]
    assert (sources.count(0), sources.count(1)) == (5, 8)
    assert len(set(numbers)) == 5
    with prepared(settings) as again:
        assert list(again.training.rows.numbers) == list(ready.training.rows.numbers)
    assert ready.training.rows_in == 18
    assert ready.training.rows_used == 14
    assert len(ready.training.rejects) == 4


def test_the_record_tells_of_each_file(tmp_path: Path) -> None:
    manifest, steps = run(config(tmp_path / "unused", tmp_path, *_mix(tmp_path, "[1,3]", "trl.num_train_epochs=1")))
    whole, (first, second) = manifest.data, manifest.files
    assert (first.rows_in, first.rows_used, first.rows_rejected, first.weight) == (14, 10, 4, 1)
    assert (second.rows_in, second.rows_used, second.weight) == (4, 4, 3)
    assert (whole.rows_in, whole.rows_used, whole.rows_rejected) == (18, 14, 4)
    assert whole.path == f"{first.path} + {second.path}"
    assert steps[-1].steps == 3  # 10 + 12 rows in batches of 8
    assert len({first.sha256, second.sha256}) == 2


def test_rows_that_are_trained_validate_nothing(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(tmp_path)
    settings = _mix(tmp_path, "[1,1]", f"data.validation={tmp_path / 'again' / 'b.jsonl'}")
    with (
        pytest.raises(ConfigError, match="is trained on as well"),
        prepared(config(tmp_path / "unused", tmp_path, *settings)),
    ):
        pass


@pytest.mark.parametrize(("weights", "reason"), [("[1]", "1 weights for 2 files"), ("[0.01,1]", "is not one row")])
def test_weights_that_do_not_fit(tmp_path: Path, weights: str, reason: str) -> None:
    with (
        pytest.raises(ConfigError, match=reason),
        prepared(config(tmp_path / "unused", tmp_path, *_mix(tmp_path, weights))),
    ):
        pass
