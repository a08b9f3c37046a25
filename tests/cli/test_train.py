"""`dsforge train` as a user calls it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.cli.run import as_json, assert_one_line_error, dsforge
from tests.train.small import BAD_LINES, lamp_rows, write_rows

_SMALL = ["model=tiny", "model.width=64", "model.layers=1", "model.vocabulary=400", "run.name=a"]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl", lamp_rows(12))


def test_a_run_from_the_command_line(tmp_path: Path) -> None:
    """What it prints: the counts, the trained part, the curve, and how to use what it made."""
    write_rows(tmp_path / "rows.jsonl", lamp_rows(12), BAD_LINES)
    write_rows(tmp_path / "check.jsonl", lamp_rows(2))
    done = dsforge("train", *_SMALL, "data.path=rows.jsonl", "data.validation=check.jsonl", "run.max_steps=2",
                   "preflight=warn", folder=tmp_path)  # fmt: skip
    assert done.returncode == 1, done.stderr  # rows were rejected
    assert "D704 leaked-row  check.jsonl, row 1: asks the same as row 1 of rows.jsonl, which is trained" in done.stdout
    text = done.stdout
    assert "smoke model" in text
    assert "rows      rows.jsonl (chatml, prompt-completion): 16 rows in, 12 used, 4 rejected" in text
    assert "validate  check.jsonl (chatml): 2 rows in, 2 used, 0 rejected" in text
    assert "[[Yes, it is in stock.<|im_end|>]]" in text
    assert "┤" in text
    assert "adapter   runs/a/adapter" in text
    assert "AutoPeftModelForCausalLM.from_pretrained('runs/a/adapter')" in text
    assert "runs/a/base" in text
    assert (tmp_path / "runs" / "a" / "adapter" / "adapter_model.safetensors").is_file()
    assert "step 2/2  loss" in done.stderr
    assert "runs/a/rejects.jsonl" in done.stderr
    assert "Warning" not in done.stderr


def test_json_is_one_object(rows: Path, tmp_path: Path) -> None:
    done = dsforge("train", *_SMALL, "data.path=rows.jsonl", "run.max_steps=2", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    result = as_json(done)
    assert (result["command"], result["rows_in"], result["rows_out"], result["rows_rejected"]) == ("train", 12, 12, 0)
    tokens = result["tokens"]
    assert tokens["total"] == tokens["trained"] + tokens["context"] > tokens["trained"] > 0
    assert result["trained"]
    assert result["saved"] == "runs/a/adapter"
    manifest = json.loads((tmp_path / result["record"]).read_text())
    assert (result["first_loss"], result["final_loss"]) == (manifest["losses"][0][1], manifest["final_loss"])


def test_check_writes_nothing(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", lamp_rows(3), BAD_LINES[:1])
    before = rows.read_bytes()
    done = dsforge("train", *_SMALL, "data.path=rows.jsonl", "preflight=warn", "--check", "--json", folder=tmp_path)
    assert done.returncode == 1
    result = as_json(done)
    assert (result["trained"], result["saved"], result["rows_rejected"]) == (False, None, 1)
    assert "row 4: column" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
    assert rows.read_bytes() == before


def test_rows_with_errors_stop_before_anything_is_loaded(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", lamp_rows(3), BAD_LINES[:2])
    done = dsforge("train", *_SMALL, "data.path=rows.jsonl", folder=tmp_path)
    assert done.returncode == 2
    assert "in 5 rows, so nothing is trained" in done.stderr
    assert "J001 invalid-json  rows.jsonl, row 4: " in done.stderr
    assert "preflight=warn" in done.stderr
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_check_tells_of_memory_time_disk_and_rows_that_are_cut(tmp_path: Path) -> None:
    long = {"messages": [{"role": "user", "content": "Tell."}, {"role": "assistant", "content": "word " * 90}]}
    write_rows(tmp_path / "rows.jsonl", [*lamp_rows(11), long])
    done = dsforge("train", *_SMALL, "data.path=rows.jsonl", "data.validation=0.25", "trl.max_length=64", "--check",
                   "--json", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = as_json(done)
    assert result["lint"] == {"rows_in": 12, "errors": 0, "counts": {}, "leaks": 0}
    memory, disk = result["memory"], result["disk"]
    assert memory["verdict"] == "fits"
    assert sum(memory["parts"].values()) == pytest.approx(memory["gib"], abs=0.01)
    assert memory["largest_batch"] > memory["batch"] == 8
    assert disk["fits"]
    assert disk["needed_bytes"] == disk["final_bytes"] + disk["checkpoints"] * disk["checkpoint_bytes"]
    assert result["time"]["steps"] >= 1
    assert result["rows_in"] + result["validation_rows"] == 12
    if result["over_length"]:  # else the long row was held out
        over = result["over_length"][0]
        assert over["lost"] == over["tokens"] - 64 > over["lost_trained"] - 1
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_cfg_prints_the_configuration() -> None:
    done = dsforge("train", "model=tiny", "data.path=a b.jsonl", "--cfg")
    assert done.returncode == 0
    config = yaml.safe_load(done.stdout)
    assert (config["model"]["kind"], config["data"]["path"]) == ("tiny", "a b.jsonl")


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        (["data.path=none.jsonl"], ["none.jsonl"]),
        (["data.path=."], ["directory"]),
        (["data.path=empty.jsonl"], ["empty"]),
        (["data.path=binary.jsonl"], ["binary.jsonl"]),
        (["data.path=rows.jsonl", "data.validation=none.jsonl"], ["none.jsonl"]),
        (["data.path=-"], ["file first"]),
        (["data.path=rows.jsonl", "modell=tiny"], ["did you mean 'model'"]),
        (["data.path=rows.jsonl", "peft=loraa"], ["did you mean 'lora'"]),
        (["data.path=rows.jsonl", "trl.max_length=long"], ["trl.max_length=long"]),
        (["data.path=rows.jsonl", "run.folder=rows.jsonl"], ["rows.jsonl"]),
        ([], ["data.path=..."]),
        (["data.path=rows.jsonl", "--chekc"], ["did you mean '--check'"]),
    ],
)
def test_bad_usage_is_one_line(rows: Path, tmp_path: Path, overrides: list[str], parts: list[str]) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "binary.jsonl").write_bytes(bytes(range(256)) * 20)
    assert_one_line_error(dsforge("train", *_SMALL, *overrides, folder=tmp_path), *parts)
    assert {path.name for path in tmp_path.iterdir()} == {"rows.jsonl", "empty.jsonl", "binary.jsonl"}


def test_rows_of_the_wrong_kind_are_told_in_one_line(tmp_path: Path) -> None:
    write_rows(tmp_path / "pairs.jsonl", [], BAD_LINES[2:3])
    done = dsforge("train", *_SMALL, "data.path=pairs.jsonl", folder=tmp_path)
    assert_one_line_error(done, "preference pair", "method=sft")


def test_a_hub_that_cannot_be_reached_is_one_line_and_soon(rows: Path, tmp_path: Path) -> None:
    started = time.perf_counter()
    done = dsforge("train", "model.path=Qwen/Qwen2.5-0.5B-Instruct", f"data.path={rows}", "run.name=a",
                   HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path / "cache"))  # fmt: skip
    assert_one_line_error(done, "the hub cannot be reached", "local folder")
    assert time.perf_counter() - started < 25


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom dsforge.cli import main\nsys.argv = ['dsforge', 'train', '--help']\n"
        "try: main.main()\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'hydra', 'omegaconf', 'transformers', 'trl', 'peft', 'datasets', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--check" in done.stdout
