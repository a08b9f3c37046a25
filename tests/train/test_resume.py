"""A run that is killed goes on to the very weights of one that was left alone; a failed one is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import ConfigError, OutputError
from dsforge.train import trainer
from dsforge.train.run import prepared, train
from dsforge.train.workspace import checkpoints
from tests.train.small import config, lamp_rows, run, write_rows

_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.train.small import config
from dsforge.train import trainer
from dsforge.train.run import prepared, train

def on_step(step):
    if step.step == 7 and step.loss is not None:
        os.kill(os.getpid(), signal.SIGKILL)

with prepared(config(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])) as ready:
    train(ready, on_step)
"""
_STEPS = ("trl.num_train_epochs=4", "peft.lora_dropout=0.2", "trl.learning_rate=1e-2")


def _weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter" / "adapter_model.safetensors"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("rows")
    return write_rows(folder / "a.jsonl", lamp_rows(24)), write_rows(folder / "b.jsonl", lamp_rows(4))


def test_a_killed_run_goes_on_to_the_same_weights(files: tuple[Path, Path], tmp_path: Path) -> None:
    import torch

    data, validation = files
    settings = [*_STEPS, f"data.validation={validation}", "run.seed=5"]
    whole, _ = run(config(data, tmp_path / "whole", *settings))
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(data), str(tmp_path / "cut"), *settings], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())}, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    unfinished = tmp_path / "cut" / "small.unfinished"
    half = unfinished / "checkpoint-9"  # as if it had been killed within the next one
    half.mkdir()
    (half / "trainer_state.json").write_text('{"global_step": 9, "log_hist')
    assert [path.name for path in checkpoints(unfinished)] == ["checkpoint-6"]
    state = unfinished / "checkpoint-6" / "trainer_state.json"
    written = json.loads(state.read_text())
    marked = next(log for log in written["log_history"] if log["step"] == 3 and "loss" in log)
    expected_loss, marked["loss"] = marked["loss"], 99.0  # a run that begins anew would know nothing of it
    state.write_text(json.dumps(written))
    went_on, steps = run(config(data, tmp_path / "cut", *settings))
    assert steps[0].step == 1  # told again, so that the curve is whole
    assert dict(went_on.losses)[3] == 99.0
    assert [(step, expected_loss if step == 3 else loss) for step, loss in went_on.losses] == whole.losses
    assert went_on.validation_losses == whole.validation_losses
    assert went_on.train_seconds > 0
    expected, found = (_weights(tmp_path / name / "small") for name in ("whole", "cut"))
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert {path.name for path in (tmp_path / "cut").iterdir()} == {"small"}
    assert not list((tmp_path / "cut" / "small").glob("checkpoint-*"))


def _stop_at(settings: Any, step_number: int) -> None:
    class Stopped(Exception):
        pass

    def on_step(step: Any) -> None:
        if step.step == step_number:
            raise Stopped

    with pytest.raises(Stopped), prepared(settings) as ready:
        train(ready, on_step)


def test_other_settings_do_not_go_on_with_it(files: tuple[Path, Path], tmp_path: Path) -> None:
    data, _ = files
    _stop_at(config(data, tmp_path, "trl.num_train_epochs=2"), 4)
    assert checkpoints(tmp_path / "small.unfinished")
    changed = config(data, tmp_path, "trl.num_train_epochs=2", "trl.learning_rate=1e-3")
    with pytest.raises(OutputError, match=r"trl\.learning_rate was 0\.02 and is 0\.001"):
        run(changed)
    manifest, steps = run(config(data, tmp_path, "trl.num_train_epochs=2", "trl.learning_rate=1e-3",
                                 "run.overwrite=true"))  # fmt: skip
    assert len(manifest.losses) == 6
    assert len(steps) == 6
    assert {path.name for path in tmp_path.iterdir()} == {"small"}


def test_other_rows_do_not_go_on_with_it(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(24))
    _stop_at(config(data, tmp_path, "trl.num_train_epochs=2"), 4)
    write_rows(data, lamp_rows(25))
    with pytest.raises(OutputError, match=r"rows of .*rows\.jsonl are others"):
        run(config(data, tmp_path, "trl.num_train_epochs=2"))


def test_two_do_not_make_one_run(files: tuple[Path, Path], tmp_path: Path) -> None:
    data, _ = files
    with prepared(config(data, tmp_path)) as ready:

        def meanwhile(step: Any) -> None:
            held = subprocess.run(
                [sys.executable, "-m", "dsforge", "train", "model=tiny", f"data.path={data}", f"run.folder={tmp_path}",
                 "run.name=small", "model.width=64", "model.layers=1", "model.vocabulary=400"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert held.returncode == 2
            assert "is being trained by another dsforge" in held.stderr
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(ready, meanwhile)
    assert not list(tmp_path.iterdir())


def test_the_best_is_saved_and_patience_ends(files: tuple[Path, Path], tmp_path: Path) -> None:
    """A learning rate that ruins the model: the validation loss is lowest early, and that model is what is left."""
    data, validation = files
    settings = (f"data.validation={validation}", "peft=full", "trl.num_train_epochs=12", "trl.learning_rate=0.3",
                "trl.warmup_steps=24", "run.patience=2", "run.keep_checkpoints=true",
                "+trl.max_grad_norm=1000")  # fmt: skip
    manifest, steps = run(config(data, tmp_path, *settings))
    losses = dict(manifest.validation_losses)
    best = min(losses, key=lambda step: losses[step])
    assert max(losses) < steps[-1].steps
    assert list(losses) == sorted(losses)
    assert list(losses).index(best) == len(losses) - 3
    from safetensors.torch import load_file

    saved = load_file(tmp_path / "small" / "model" / "model.safetensors")
    kept = load_file(tmp_path / "small" / f"checkpoint-{best}" / "model.safetensors")
    assert all((saved[name] == kept[name]).all() for name in kept)
    assert len(list((tmp_path / "small").glob("checkpoint-*"))) == len(losses)  # none of them was rotated away


def test_a_loss_that_is_no_number_stops_and_keeps_its_rows(files: tuple[Path, Path], tmp_path: Path) -> None:
    data, _ = files
    ruinous = config(data, tmp_path, "peft=full", "trl.learning_rate=1e30", "+trl.max_grad_norm=1e30",
                     "trl.num_train_epochs=2")  # fmt: skip
    with pytest.raises(ConfigError, match=r"the loss is nan at step (\d+): lower trl.learning_rate"):
        run(ruinous)
    lines = (tmp_path / "small.unfinished" / "nan_batch.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 8
    assert all(row["path"] == str(data) and f"Lamp {row['row'] - 1}: in stock?" in row["text"] for row in rows)
    assert not (tmp_path / "small").exists()


def test_a_full_disk_is_told_and_leaves_nothing_half(files: tuple[Path, Path], tmp_path: Path) -> None:
    data, _ = files
    script = (
        "import resource, sys; from pathlib import Path; from tests.train.small import config, run\n"
        "settings = config(Path(sys.argv[1]), Path(sys.argv[2]), 'trl.num_train_epochs=2', 'peft=full')\n"
        "from dsforge.train import trainer\n"
        "import torch, trl, peft\n"
        "build = trainer.build_trainer\n"
        "def full_from_here(*given):\n"
        "    made = build(*given)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "    return made\n"
        "trainer.build_trainer = full_from_here\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from dsforge.errors import OutputError\n"
        "try:\n    run(settings)\nexcept OutputError as error:\n    print('told:', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(data), str(tmp_path)], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())}, check=False,
    )  # fmt: skip
    assert "told: " in done.stdout, done.stderr
    assert "cannot be written" in done.stdout
    assert not list(tmp_path.iterdir())


def test_too_little_memory_is_told_with_what_to_set(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that asks torch for 16 TiB more."""
    import torch

    build = trainer.build_trainer

    def greedy(*given: Any) -> Any:
        made = build(*given)
        step = made.training_step

        def training_step(*arguments: Any, **named: Any) -> Any:
            torch.empty(1 << 42)
            return step(*arguments, **named)

        made.training_step = training_step
        return made

    monkeypatch.setattr(trainer, "build_trainer", greedy)
    with pytest.raises(ConfigError, match=r"out of memory at batches of 8: set .*size=4 .*steps=4, or") as caught:
        run(config(files[0], tmp_path, "peft=full", "trl.gradient_accumulation_steps=2"))
    assert "or peft=lora" in str(caught.value)
    assert not list(tmp_path.iterdir())
