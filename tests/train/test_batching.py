"""How rows come together: chosen from their lengths, and packed so that none reads another."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dsforge.train.batching import choose, padding_share
from dsforge.train.recipe import get_recipe
from dsforge.train.token_rows import TokenRows
from tests.train.small import config, lamp_rows, run, write_rows


def _rows(lengths: list[int]) -> TokenRows:
    rows = TokenRows()
    for length in lengths:
        rows.append([1] * length, [1] * length)
    return rows


def _of(tmp_path: Path, lengths: list[int], *overrides: str) -> tuple[str, int]:
    chosen = choose(config(tmp_path / "none.jsonl", tmp_path, *overrides), get_recipe("sft"), _rows(lengths))
    return chosen.kind, chosen.steps


def test_rows_of_one_length_come_as_they_come(tmp_path: Path) -> None:
    assert _of(tmp_path, [50] * 64) == ("plain", 8)


def test_rows_of_different_lengths_are_grouped(tmp_path: Path) -> None:
    lengths = random.Random(1).choices(range(5, 120), k=400)
    assert _of(tmp_path, lengths) == ("group", 50)
    assert _of(tmp_path, lengths, "run.batching=plain") == ("plain", 50)
    assert _of(tmp_path, lengths, "+trl.train_sampling_strategy=random")[0] == "plain"


def test_packing_of_short_rows_is_told_and_done_when_asked(tmp_path: Path) -> None:
    lengths = random.Random(1).choices(range(5, 120), k=10_000)
    chosen = choose(config(tmp_path / "none.jsonl", tmp_path), get_recipe("sft"), _rows(lengths))
    assert (chosen.kind, chosen.steps) == ("group", 1250)
    kind, steps = _of(tmp_path, lengths, "run.batching=pack")
    assert kind == "pack"
    assert steps == pytest.approx(sum(lengths) / 512 / 8, rel=0.01)
    assert f"run.batching=pack would make {steps} full steps" in chosen.why


def test_pairs_are_never_packed_and_kto_stays_in_order(tmp_path: Path) -> None:
    lengths = random.Random(1).choices(range(5, 120), k=4000)
    for method, kind in (("dpo", "group"), ("kto", "plain")):
        settings = config(tmp_path / "none.jsonl", tmp_path, f"method={method}")
        assert choose(settings, get_recipe(method), _rows(lengths)).kind == kind


def test_padding_is_the_share_of_filler() -> None:
    assert padding_share([10, 10, 10], 2) == 0
    assert padding_share([1, 3], 2) == pytest.approx(2 / 6)


def test_packed_rows_do_not_read_one_another(tmp_path: Path) -> None:
    """One step over all rows: the loss is the mean over all trained tokens, in however many sequences they stand."""
    data = write_rows(tmp_path / "rows.jsonl", [*lamp_rows(7), *lamp_rows(3)])
    losses = []
    for kind in ("plain", "pack"):
        settings = config(data, tmp_path, f"run.batching={kind}", f"run.name={kind}", "run.max_steps=2", "peft=full",
                          "trl.per_device_train_batch_size=10", "trl.learning_rate=1e-3")  # fmt: skip
        manifest, _ = run(settings)
        assert manifest.batching == kind
        losses.append([loss for _, loss in manifest.losses])
    assert losses[0] == pytest.approx(losses[1], abs=2e-6)
