"""Sweeps: each run has a name and a folder of its own, one that fails does not lose the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import ConfigError
from dsforge.resources import resource
from dsforge.train.app import OURS, Origin, sweep_overrides
from dsforge.train.sweep import Place, Sweep, SweptRun, keep_result, number_and_changes, run_sweep, this_run

_GOOD = ["model=tiny", "data.path=rows.jsonl", "run.name=s"]


@dataclass(frozen=True)
class Pretended:
    """A run without a training: its loss is the distance of the learning rate from 0.01; rank 13 fails."""

    def __call__(self, composed: Any, place: Place) -> float | None:
        number, changed = number_and_changes(place)
        config = this_run(composed, place)
        rate, rank = config.trl["learning_rate"], config.peft.model_dump().get("r")
        assert isinstance(rate, float)
        failed = "unlucky" if rank == 13 else ""
        loss = None if failed else abs(rate - 0.01)
        result = SweptRun(number, config.run.name, changed, loss=loss, error=failed)
        keep_result(result, place)
        return result.objective


def _sweep(folder: Path, *overrides: str, origin: Origin = OURS, keep: bool = True) -> Sweep:
    return run_sweep([*_GOOD, f"run.folder={folder}", *overrides], origin, Pretended(), keep=keep)


def test_a_grid_is_run_and_the_best_is_known(tmp_path: Path) -> None:
    done = _sweep(tmp_path, "peft.r=4,8", "trl.learning_rate=1e-1,2e-2")
    assert [run.name for run in done.runs] == [
        "0-r=4,learning_rate=0.1", "1-r=4,learning_rate=0.02", "2-r=8,learning_rate=0.1", "3-r=8,learning_rate=0.02",
    ]  # fmt: skip
    assert done.runs[1].changed == {"peft.r": "4", "trl.learning_rate": "0.02"}
    assert done.best is done.runs[1]
    assert (done.failed, done.stopped) == ([], "")
    assert (tmp_path / "s" / "sweep.json").is_file()
    assert (tmp_path / "s" / ".jobs" / "3" / ".hydra" / "overrides.yaml").is_file()


def test_a_run_that_fails_does_not_lose_the_others(tmp_path: Path) -> None:
    done = _sweep(tmp_path, "peft.r=13,8", "hydra.sweeper.max_batch_size=1")
    assert [(run.error, run.loss is None) for run in done.runs] == [("unlucky", True), ("", False)]
    assert done.best is done.runs[1]


def test_a_smaller_sweep_knows_nothing_of_the_runs_of_one_before(tmp_path: Path) -> None:
    assert len(_sweep(tmp_path, "peft.r=4,8").runs) == 2
    assert len(_sweep(tmp_path, "peft.r=4").runs) == 1


def test_a_check_leaves_nothing(tmp_path: Path) -> None:
    assert len(_sweep(tmp_path, "peft.r=4,8", keep=False).runs) == 2
    assert list(tmp_path.iterdir()) == []


def test_names_are_names_of_folders(tmp_path: Path) -> None:
    """Whatever stands in a value; and options of groups are swept like keys."""
    done = _sweep(tmp_path, "data.path=a/b.jsonl,c-d.jsonl", "peft=lora,full")
    assert [run.name for run in done.runs] == [
        "0-path=a_b.jsonl,peft=lora", "1-path=a_b.jsonl,peft=full", "2-path=c-d.jsonl,peft=lora",
        "3-path=c-d.jsonl,peft=full",
    ]  # fmt: skip
    done = _sweep(tmp_path, f"data.path={'x' * 200},y")
    assert len(done.runs[0].name) == 120


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["peft.r=8,big"], "peft.r=big"),
        (["peft.rr=8,16"], "did you mean 'peft.r'"),
        (["peft=lora,lorra"], "did you mean 'lora'"),
        (["run.name=a,b"], "names the whole sweep"),
        (["peft.r=8,16", "peft=lora,full", "peft.lora_alpha=0x"], "lora_alpha"),
        (["hydra/launcher=joblob"], "no hydra/launcher 'joblob'"),
    ],
)
def test_what_cannot_start_is_told_before_the_first_run(overrides: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        _sweep(tmp_path, *overrides)
    assert list(tmp_path.iterdir()) == []


def test_a_plugin_that_is_missing_is_named_with_its_install() -> None:
    with pytest.raises(ConfigError, match="hydra-ray-launcher, which is not installed: pip install") as caught:
        sweep_overrides([*_GOOD, "hydra/launcher=ray", "peft.r=4,8"])
    assert "\n" not in str(caught.value)


def test_optuna_seeks_the_lowest_loss(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    done = _sweep(
        tmp_path, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=5", "hydra.sweeper.n_jobs=1",
        "hydra.sweeper.sampler.seed=1", "trl.learning_rate=tag(log,interval(1e-3,1e-1))", "peft.r=choice(8,13)",
    )  # fmt: skip
    assert len(done.runs) == 5
    assert 0 < len(done.failed) < 5  # some drew the rank that fails
    assert done.best is not None
    told = (tmp_path / "s" / "optimization_results.yaml").read_text()
    assert f"best_value: {done.best.loss}" in told


def test_optuna_whose_runs_all_fail_is_no_crash(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    done = _sweep(tmp_path, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "peft.r=choice(13,13)")
    assert (len(done.failed), done.best, done.stopped) == (2, None, "")


def test_joblib_runs_in_processes_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    done = _sweep(tmp_path, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "peft.r=4,13")
    assert [run.error for run in done.runs] == ["", "unlucky"]


def test_a_folder_of_the_users_own_brings_options_and_a_configuration(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "peft").mkdir(parents=True)
    (mine / "peft" / "three.yaml").write_text("# @package _global_\ndefaults: [lora]\npeft: {name: lora, r: 3}\n")
    (mine / "own.yaml").write_text("defaults: [train, override peft: three, _self_]\ntrl: {learning_rate: 0.5}\n")
    done = _sweep(tmp_path, "peft=three,lora", "trl.max_length=9,10", origin=Origin(str(mine), "own"))
    assert [run.changed["peft"] for run in done.runs] == ["three", "three", "lora", "lora"]
    assert all(run.loss == 0.49 for run in done.runs)


def test_every_preset_composes_with_a_path_alone() -> None:
    presets = [path.stem for path in resource("conf", "train", "run").glob("*.yaml") if path.stem != "default"]
    _, _, first = sweep_overrides([f"run={','.join(sorted(presets))}", "data.path=rows.jsonl"])
    assert first.run.name in presets
