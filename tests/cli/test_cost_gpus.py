"""`dsforge cost` on GPUs of one's own, from the outside: methods, a config.json, calibration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cost.small import DENSE
from tests.cost.test_calibrate import _manifest, _write

ROW = {"messages": [{"role": "user", "content": "hello there"}, {"role": "assistant", "content": "good day to you"}]}


def _run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "160", "XDG_CONFIG_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "dsforge", "cost", *arguments], capture_output=True, text=True, timeout=60, check=False,
        env=environment,
    )  # fmt: skip


@pytest.fixture
def rows(tmp_path: Path) -> str:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(ROW) + "\n" for _ in range(20)))
    return str(path)


def _hardware(rows: str, home: Path, *options: str) -> list[dict[str, Any]]:
    done = _run(rows, "--tokenizer", "approximate", "--target", "local", "--json", *options, home=home)
    assert done.returncode == 0, done.stderr
    quotes: list[dict[str, Any]] = json.loads(done.stdout)["hardware"]
    return quotes


def test_every_gpu_is_compared_and_the_best_are_marked(rows: str, tmp_path: Path) -> None:
    quotes = _hardware(rows, tmp_path, "--model", "mixtral-8x7b", "--method", "qlora", "--price", "local.h100=20")
    assert {"rtx-4090", "a10", "a100-80gb", "l40s", "h100", "h200", "mi300x", "ascend-910b"} <= {
        q["gpu"] for q in quotes
    }
    assert {quote["method"] for quote in quotes} == {"qlora"}
    marks = [mark for quote in quotes for mark in quote["marks"]]
    assert sorted(marks) == ["cheapest", "smallest"]


def test_sharding_none_leaves_one_gpu(rows: str, tmp_path: Path) -> None:
    options = ("--model", "qwen2.5-7b", "--method", "full", "--gpu", "rtx-4090")
    divided, whole = (_hardware(rows, tmp_path, *options, "--sharding", kind)[0] for kind in ("zero3", "none"))
    assert (divided["fits"], divided["sharding"], whole["fits"]) == (True, "zero3", False)


def test_a_folder_with_a_config_json_is_a_model(rows: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", **DENSE}))
    options = ("--tokenizer", "approximate", "--target", "local", "--gpu", "a10", "--model", str(folder))
    done = _run(rows, *options, "--lora-targets", "q_proj,v_proj", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert " mine " in done.stdout
    assert f"{folder}: 195,008 parameters, {3 * 16 * (128 + 96):,} in the adapter" in done.stderr
    assert "LoRA of rank 16 on q_proj, v_proj" in done.stdout


def test_runs_calibrate_the_estimates_that_follow(rows: str, tmp_path: Path) -> None:
    runs, home = _write(tmp_path / "runs", _manifest(), _manifest("cpu", "cpu")), tmp_path / "home"
    options = ("--gpu", "h100", "--model", "qwen2.5-7b")
    before = _hardware(rows, home, *options)[0]
    done = _run("--calibrate", runs, home=home)
    assert done.returncode == 0, done.stderr
    assert "of the peak, from 1 run" in done.stdout
    assert "cpu is not used: trained on 'cpu'" in done.stderr
    after = _hardware(rows, home, *options)[0]
    assert (before["calibrated_runs"], after["calibrated_runs"]) == (0, 1)
    assert after["hours_range"] != before["hours_range"]


def test_a_calibration_of_ones_own_is_written_where_it_is_named(tmp_path: Path) -> None:
    runs, file = _write(tmp_path / "runs", _manifest()), tmp_path / "mine.yaml"
    done = _run("--calibrate", runs, "--calibration", str(file), "--json", home=tmp_path / "home")
    assert json.loads(done.stdout)["calibration"]["fits"][0]["gpu"] == "h100"
    assert "family: qwen2.5" in file.read_text()
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lora-targets", "q_prj"], "did you mean 'q_proj'"),
        (["--sharding", "zero4"], "--sharding"),
        (["--model", "/nowhere/config.json"], "does not exist"),
        (["--calibration", "/nowhere/mine.yaml"], "does not exist"),
        (["--calibrate", "/nowhere"], "holds no run.json"),
        (["--model", "mixtral-8x7"], "did you mean 'mixtral-8x7b'"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(rows: str, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = _run(rows, *arguments, home=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_rows_there_has_to_be_something_to_calibrate(tmp_path: Path) -> None:
    done = _run(home=tmp_path)
    assert done.returncode == 2
    assert "INPUT" in done.stderr
