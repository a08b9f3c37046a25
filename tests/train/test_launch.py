"""Two processes on this machine train as one does: the same losses, whoever holds the weights."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from dsforge.errors import ConfigError
from dsforge.train.launch import _cause
from tests.train.small import config, lamp_rows, run, write_rows

_DEEPSPEED = pytest.param("deepspeed", marks=pytest.mark.skipif(not find_spec("deepspeed"), reason="no DeepSpeed"))


@pytest.mark.parametrize("kind", ["ddp", "fsdp", _DEEPSPEED])
def test_two_processes_come_to_the_losses_of_one(kind: str, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(16))
    common = (
        "peft=full",
        "hardware.device=cpu",
        "trl.num_train_epochs=2",
        "run.batching=plain",
        "trl.learning_rate=1e-3",
    )
    alone, _ = run(config(data, tmp_path / "one", *common, "trl.per_device_train_batch_size=8"))
    shared, steps = run(config(data, tmp_path / "two", *common, f"hardware={kind}", "num_gpus=2",
                               "trl.per_device_train_batch_size=4"))  # fmt: skip
    assert [loss for _, loss in shared.losses] == pytest.approx([loss for _, loss in alone.losses], abs=1e-5)
    assert len(steps) == len(alone.losses) == 4
    assert shared.parameters == alone.parameters
    from safetensors.torch import load_file

    one, two = (load_file(tmp_path / name / "small" / "model" / "model.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert all(abs(one[name] - two[name]).max() < 1e-4 for name in one)
    assert not (tmp_path / "two" / "small" / ".job").exists()


def test_the_error_of_a_rank_is_told(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(16))
    ruinous = ("peft=full", "hardware.device=cpu", "trl.learning_rate=1e30", "+trl.max_grad_norm=1e30", "hardware=ddp",
               "num_gpus=2", "trl.num_train_epochs=4")  # fmt: skip
    with pytest.raises(ConfigError, match="the loss is nan at step"):
        run(config(data, tmp_path, *ruinous))


def test_a_rank_ends_when_its_launcher_is_gone() -> None:
    code = "import time; from dsforge.train.launch import end_with_launcher as end; end(); time.sleep(60)"
    rank = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        rank.wait(1)
    assert rank.stdin is not None
    rank.stdin.close()
    try:
        assert rank.wait(20) == 1
    finally:
        rank.kill()


def test_the_cause_is_told_not_that_there_was_one() -> None:
    ended = ["ValueError: x", "ChildFailedError:", "  traceback : Signal 9 (SIGKILL) received by PID 12"]
    assert "ended by SIGKILL" in _cause(ended)
    assert _cause(["ValueError: what it was", "torch...ChildFailedError:"]) == "ValueError: what it was"
    assert _cause([]) == "nothing was said"
