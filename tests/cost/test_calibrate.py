"""Runs of `dsforge train` set the utilisation: from a real run's manifest to the hours of the next estimate."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dsforge.cost.calibrate import (
    Calibration,
    Fit,
    Measured,
    default_path,
    fit_runs,
    measure_runs,
    read_calibration,
    write_calibration,
)
from dsforge.cost.compute import Work, training_flops
from dsforge.cost.setup import Setup
from dsforge.errors import ConfigError, InputError
from tests.cost.small import known

TODAY = date(2026, 11, 27)
H100 = "NVIDIA H100 80GB HBM3"


def _manifest(name: str = "one", device: str = H100, seconds: float = 600.0, **config: Any) -> dict[str, Any]:
    """What of a run's manifest is read: a LoRA run of Qwen2.5-7B over 1,000 rows of 1,000 tokens, twice."""
    chosen = {
        "model": {"kind": "path", "path": "Qwen/Qwen2.5-7B-Instruct", "dtype": "auto"},
        "peft": {"name": "lora", "r": 16, "target_modules": "all-linear"}, "trl": {"gradient_checkpointing": True},
    }  # fmt: skip
    return {
        "name": name, "made_by": "dsforge train", "config": {**chosen, **config}, "epochs": 2.0,
        "hardware": {"device": device, "devices": 1, "peak_memory_gib": 17.0},
        "sequences": {"tokens": 1_000_000, "squares": 1_000_000_000, "longest": 1000, "batch_size": 4},
        "train_seconds": seconds,
    }  # fmt: skip


def _write(folder: Path, *manifests: dict[str, Any]) -> str:
    for manifest in manifests:
        run = folder / manifest["name"]
        run.mkdir(parents=True)
        (run / "run.json").write_text(json.dumps(manifest))
    return str(folder)


def test_the_utilisation_of_a_run_is_worked_by_hand(tmp_path: Path) -> None:
    measured, skipped = measure_runs(_write(tmp_path / "runs", _manifest()), Calibration())
    assert skipped == []
    flops = 2 * training_flops(known("qwen2.5-7b"), Setup(), Work(1_000_000, 1_000_000_000))
    run = measured[0]
    assert run.utilisation == pytest.approx(flops / 989e12 / 600)
    assert run.predicted_seconds == (pytest.approx(flops / 989e12 / 0.45), pytest.approx(flops / 989e12 / 0.25))
    assert (run.gpu, run.family, run.memory_gib) == ("h100", "qwen2.5", 17.0)
    assert run.predicted_gib == pytest.approx(18, abs=3)


def test_a_fit_spans_the_runs_of_a_gpu_and_family(tmp_path: Path) -> None:
    runs = _write(tmp_path, _manifest("a", seconds=500), _manifest("b", seconds=600))
    measured, _ = measure_runs(runs, Calibration())
    (fit,) = fit_runs(measured, TODAY)
    assert (fit.low, fit.high) == tuple(pytest.approx(run.utilisation, abs=1e-4) for run in reversed(measured))
    assert (fit.runs, fit.as_of) == (2, TODAY)
    (single,) = fit_runs([replace(measured[0], utilisation=0.4)], TODAY)
    assert (single.low, single.high, single.runs) == (pytest.approx(0.36), pytest.approx(0.44), 1)


def test_a_later_estimate_is_by_what_was_fitted(tmp_path: Path) -> None:
    measured, _ = measure_runs(_write(tmp_path, _manifest()), Calibration())
    fitted = Calibration().updated(fit_runs(measured, TODAY))
    again, _ = measure_runs(str(tmp_path), fitted)
    fast, slow = again[0].predicted_seconds
    assert fast < 600 < slow < 1.2 * fast * 1.1


def test_a_fit_replaces_that_of_the_same_gpu_and_family_alone() -> None:
    old = [Fit(gpu="h100", family=family, low=0.3, high=0.4, runs=1) for family in ("qwen2.5", "llama-3")]
    new = Fit(gpu="h100", family="qwen2.5", low=0.5, high=0.6, runs=2)
    calibration = Calibration(fits=tuple(old)).updated([new])
    assert calibration.utilisation("h100", "qwen2.5") == new
    assert calibration.utilisation("h100", "llama-3") == old[1]
    assert calibration.utilisation("a10", "qwen2.5").runs == 0


def test_runs_that_cannot_be_used_are_named_with_the_reason(tmp_path: Path) -> None:
    model = {"kind": "path", "path": "nobody/nothing"}
    runs = _write(
        tmp_path, _manifest("cpu", "cpu"), _manifest("fast", seconds=1.0), _manifest("none", seconds=0.0),
        _manifest("unknown", model=model), _manifest("pairs", method={"name": "dpo"}), {"name": "older", "config": {}},
    )  # fmt: skip
    measured, skipped = measure_runs(runs, Calibration())
    assert measured == []
    reasons = {Path(run.run).name: run.reason for run in skipped}
    assert "none of the GPUs" in reasons["cpu"]
    assert "is it that GPU?" in reasons["fast"]
    assert "no seconds" in reasons["none"]
    assert "nobody/nothing is not known" in reasons["unknown"]
    assert "trained by dpo" in reasons["pairs"]
    assert "states no measurements" in reasons["older"]


def test_a_folder_without_runs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no run\.json"):
        measure_runs(str(tmp_path), Calibration())


def test_a_calibration_is_written_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_calibration() == Calibration()
    calibration = Calibration(fits=(Fit(gpu="h100", family="qwen2.5", low=0.3, high=0.4, runs=2, as_of=TODAY),))
    write_calibration(calibration, default_path())
    assert read_calibration() == calibration
    with pytest.raises(ConfigError, match="does not exist"):
        read_calibration(tmp_path / "other.yaml")
    default_path().write_text("fits: [{gpu: h100, family: x, low: 2, high: 3}]")
    with pytest.raises(ConfigError, match=r"fits\.0\.low"):
        read_calibration()


def test_a_real_run_states_all_that_is_needed(tmp_path: Path) -> None:
    for module in ("torch", "trl", "peft"):
        pytest.importorskip(module)
    from tests.train.small import config, lamp_rows, run, write_rows

    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(8))
    manifest, _ = run(config(data, tmp_path, "trl.num_train_epochs=2"))
    assert 0 < manifest.train_seconds <= manifest.seconds
    assert manifest.epochs == 2
    _, skipped = measure_runs(str(tmp_path), Calibration())
    assert "trained on 'cpu'" in skipped[0].reason
    path = tmp_path / "small" / "run.json"
    written = json.loads(path.read_text())
    written["hardware"]["device"] = H100
    path.write_text(json.dumps(written))
    measured, skipped = measure_runs(str(tmp_path), Calibration())
    assert skipped == []
    assert isinstance(measured[0], Measured)
    assert 0 < measured[0].utilisation < 1e-3  # a CPU's work against the peak of an H100
