"""The device that a run trains on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsforge.train.config import PathModel
from dsforge.train.device import config_file, find_device, free_disk, loaded_dtype, measured_flops
from tests.train.small import config


def _model(path: Path, dtype: str = "auto") -> PathModel:
    return PathModel.model_validate({
        "kind": "path", "path": str(path), "revision": None, "dtype": dtype, "template": "auto",
        "trust_remote_code": False,
    })  # fmt: skip


def test_a_cpu_has_the_memory_that_is_free(tmp_path: Path) -> None:
    import psutil  # type: ignore[import-untyped]

    device = find_device(config(tmp_path / "rows.jsonl", tmp_path, "hardware=cpu"))
    assert device.kind == "cpu"
    assert 1 << 28 < device.memory <= psutil.virtual_memory().total


def test_the_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_disk(tmp_path / "a" / "b") == pytest.approx(free_disk(tmp_path), rel=0.05)


def test_products_of_matrices_are_timed() -> None:
    assert measured_flops(128) > 1e8


def test_what_weights_are_held_in(tmp_path: Path) -> None:
    lora = config(tmp_path / "rows.jsonl", tmp_path)
    assert loaded_dtype(_model(tmp_path), lora) == "float32"  # without a GPU
    assert loaded_dtype(_model(tmp_path, "bfloat16"), lora) == "bfloat16"


def test_with_a_gpu_an_adapter_stands_beside_weights_as_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    lora = config(tmp_path / "rows.jsonl", tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"dtype": "bfloat16"}))
    assert loaded_dtype(_model(tmp_path), lora) == "bfloat16"
    full = config(tmp_path / "rows.jsonl", tmp_path, "peft=full")
    assert loaded_dtype(_model(tmp_path), full) == "float32"


def test_a_model_that_is_nowhere_has_no_configuration() -> None:
    assert config_file(_model(Path("nobody/such-a-model"))) is None
