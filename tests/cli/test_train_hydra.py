"""What Hydra's users expect of `dsforge train`: its options, sweeps and completion."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsforge.cli.complete import candidates
from dsforge.cli.main import _without_traceback as called
from tests.cli.run import dsforge
from tests.train.small import lamp_rows, write_rows

_SMALL = ["model=tiny", "model.width=64", "model.layers=1", "model.vocabulary=400", "data.path=rows.jsonl",
          "run.name=a", "run.samples=0"]  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rows, and one of options of the user's own."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl", lamp_rows(12))
    (tmp_path / "mine" / "peft").mkdir(parents=True)
    (tmp_path / "mine" / "peft" / "three.yaml").write_text("defaults: [lora@_here_]\nname: lora\nr: 3\n")
    (tmp_path / "mine" / "own.yaml").write_text("defaults: [train, override model: tiny, _self_]\nrun: {name: own}\n")
    return tmp_path


def _said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert called(["train", *words]) == 0
    return capsys.readouterr().out


def test_cfg_stands_alone_or_says_what_of(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole: Any = yaml.safe_load(_said(capsys, "--cfg", *_SMALL))
    assert whole == yaml.safe_load(_said(capsys, *_SMALL, "--cfg", "job"))
    assert "hydra" not in whole
    hydra = yaml.safe_load(_said(capsys, "-c", "hydra", *_SMALL))
    assert list(hydra) == ["hydra"]
    assert hydra["hydra"]["run"]["dir"] == "${run.folder}/${run.name}"
    assert yaml.safe_load(_said(capsys, "--cfg", "all", "--resolve", *_SMALL))["hydra"]["run"]["dir"] == "runs/a"
    assert _said(capsys, "--cfg", "-p", "model.width", *_SMALL) == "64\n"


def test_info_tells_where_it_comes_from(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called(["train", *_SMALL, "--info", "defaults-tree"])
    assert "peft: lora" in "".join(capsys.readouterr())
    called(["train", *_SMALL, "--config-dir", "mine", "-i", "searchpath"])
    assert str(here / "mine") in "".join(capsys.readouterr())
    assert "run: default, llama-3.1-8b-dpo" in _said(capsys, "--hydra-help")


def test_a_folder_and_a_file_of_ones_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _said(capsys, "--config-dir", "mine", "-cn", "own", "data.path=x", "--cfg", "-p", "run.name") == "own\n"
    path = f"hydra.searchpath=[file://{here / 'mine'}]"
    assert _said(capsys, path, "model=tiny", "data.path=x", "--cfg", "-p", "model.kind") == "tiny\n"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--cfg", "jobb"], ["did you mean 'job'"]),
        (["--cfg", "--info"], ["do not go together"]),
        (["--resolve"], ["--resolve goes with --cfg"]),
        (["--cfg", "-p", "trll"], ["did you mean 'trl'"]),
        (["--config-dir", "nowhere"], ["nowhere", "no such folder"]),
        (["--config-name", "nothing"], ["nothing"]),
        (["hydra.searchpath=[file:///nowhere]"], ["/nowhere"]),
        (["hydra.job.chdirr=true"], ["chdirr"]),
        (["peft.r=4,8"], ["--multirun"]),
        (["--multirn"], ["did you mean '--multirun'"]),
        (["-m", "peft.r=4,big"], ["peft.r=big"]),
        (["tracker=tensorboard", "+tracker.project=x"], ["project is no setting of tracker=tensorboard"]),
        (["+trl.report_to=wandb", "--check"], ["set by tracker"]),
        (["--completion", "bsh"], ["did you mean 'bash'"]),
    ],
)
def test_bad_usage_is_one_line(
    words: list[str], parts: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = called(["train", *_SMALL, *words])
    out, err = capsys.readouterr()
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    for part in parts:
        assert part in err


def test_a_sweep_trains_compares_and_goes_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of two runs fails: the other is kept, the failed one is named; the same command trains no run twice."""
    words = ["train", "-m", *_SMALL, "run.max_steps=2", "peft.r=2", "trl.learning_rate=1e-2,-1", "--json"]
    assert called(words) == 2
    out, err = capsys.readouterr()
    result = json.loads(out)
    good, bad = result["runs"]
    assert (good["name"], good["overrides"]) == ("0-learning_rate=0.01", {"trl.learning_rate": "0.01"})
    assert good["loss"] > 0
    assert "trl.learning_rate=-1" in bad["error"]
    assert result["best"] == good["name"]
    assert (result["rows_in"], result["rows_out"]) == (12, 12)
    assert (here / "runs" / "a" / good["name"] / "adapter").is_dir()
    assert "dsforge: 1 run of 2 failed:" in err
    assert "run 1 (trl.learning_rate=-1)" in err
    assert called(words) == 2
    again = json.loads(capsys.readouterr().out)["runs"]
    assert [run["done_before"] for run in again] == [True, False]
    assert again[0]["loss"] == good["loss"]
    write_rows(here / "rows.jsonl", lamp_rows(13))  # other rows: not the same run
    assert called(words) == 2
    assert "exists" in json.loads(capsys.readouterr().out)["runs"][0]["error"]


def test_a_sweep_is_checked_run_by_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(["train", "-m", *_SMALL, "trl.max_length=64,128", "--check"]) == 0
    said = capsys.readouterr().out
    assert "run 0  trl.max_length=64" in said
    assert "run 1  trl.max_length=128" in said
    assert said.count("rows      rows.jsonl") == 2
    assert not (here / "runs").exists()


def test_a_configuration_of_ones_own_may_be_a_sweep(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = {"mode": "MULTIRUN", "sweeper": {"params": {"trl.max_length": "64,128"}}}
    defaults = ["own", "_self_"]
    (here / "mine" / "grid.yaml").write_text(yaml.safe_dump({"defaults": defaults, "hydra": sweep}))
    assert called(["train", "-cd", "mine", "-cn", "grid", *_SMALL, "--check"]) == 0
    assert "run 1  trl.max_length=128" in capsys.readouterr().out


def test_tensorboard_has_the_steps(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorboard")
    assert called(["train", *_SMALL, "run.max_steps=2", "tracker=tensorboard"]) == 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(here / "runs" / "a" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2]
    assert "TENSORBOARD_LOGGING_DIR" not in os.environ


def test_a_tracker_that_is_missing_says_what_to_install(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if find_spec("mlflow"):
        pytest.skip("it is installed")
    assert called(["train", *_SMALL, "tracker=mlflow", "--check"]) == 2
    assert "pip install mlflow" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dsforge tr", ["train"]),
        ("dsforge lint --fi", ["--fix"]),
        ("dsforge train --multi", ["--multirun"]),
        ("dsforge train pef", ["peft.", "peft="]),
        ("dsforge train peft=qlo", ["peft=qlora"]),
        ("dsforge train peft=vera peft.vera_d", ["peft.vera_dropout="]),
        ("dsforge export peft=qlo", ["peft=qlora"]),
        ("dsforge train --config-dir mine peft=th", ["peft=three"]),
        ("dsforge train data.path=ro", ["data.path=rows.jsonl"]),
        ("dsforge train model.path=mi", ["model.path=mine/"]),
        ("dsforge train nonsense=1 peft.", []),
        ("dsforge lint ro", []),
    ],
)
def test_what_a_word_can_become(line: str, expected: list[str], here: Path) -> None:
    assert candidates(line) == expected


def test_bash_completes(here: Path) -> None:
    program = shutil.which("dsforge", path=str(Path(sys.executable).parent))
    if program is None or shutil.which("bash") is None:
        pytest.skip("needs the installed command and bash")
    script = (
        'eval "$("$PROGRAM" train --completion bash)"; complete -p dsforge >&2\n'
        'COMP_LINE="$PROGRAM train peft=qlo"; COMP_POINT=${#COMP_LINE}; COMP_WORDS=("$PROGRAM" train peft = qlo)\n'
        '_dsforge; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False,
                          env={**os.environ, "PROGRAM": program})  # fmt: skip
    assert "-F _dsforge dsforge" in done.stderr
    assert done.stdout == "qlora\n"  # bash has taken `peft=` for a word of its own


def test_the_command_is_found_as_installed(here: Path) -> None:
    done = dsforge("train", "--completion", "fish")
    assert done.stdout.startswith("complete -c dsforge")
