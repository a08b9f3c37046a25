"""Who is told of the steps of a run: TensorBoard, Weights & Biases or MLflow, through transformers' own callbacks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from dsforge.errors import ConfigError
from dsforge.train.config import TrackerConfig, TrainConfig

_INSTALL = {"tensorboard": "pip install 'dsforge[tensorboard]'", "wandb": "pip install wandb",
            "mlflow": "pip install mlflow"}  # fmt: skip


def check_tracker(tracker: TrackerConfig) -> None:
    """ConfigError where the tracker's package is not installed; it is not imported for that."""
    if tracker.name != "none" and find_spec(tracker.name) is None:
        raise ConfigError(f"tracker={tracker.name}: it is not installed: {_INSTALL[tracker.name]}")


def _settings(tracker: TrackerConfig, folder: Path) -> dict[str, str]:
    """What the callbacks of transformers read from the environment."""
    if tracker.name == "tensorboard":
        return {"TENSORBOARD_LOGGING_DIR": tracker.folder or str(folder / "tensorboard")}
    if tracker.name == "wandb":
        wanted = {"WANDB_PROJECT": tracker.project, "WANDB_ENTITY": tracker.entity, "WANDB_MODE": tracker.mode,
                  "WANDB_DIR": str(folder), "WANDB_SILENT": "true"}  # fmt: skip
    elif tracker.name == "mlflow":
        wanted = {"MLFLOW_EXPERIMENT_NAME": tracker.experiment, "MLFLOW_TRACKING_URI": tracker.uri,
                  "MLFLOW_FLATTEN_PARAMS": "true"}  # fmt: skip
    else:
        wanted = {}
    return {name: value for name, value in wanted.items() if value is not None}


@contextmanager
def tracked(config: TrainConfig, folder: Path) -> Iterator[None]:
    """The environment in which the run's tracker finds its settings; the next run of this process finds its own."""
    settings = _settings(config.tracker, folder)
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        if config.tracker.name == "wandb":  # else the next run would write into this one, and into its folder
            wandb = import_module("wandb")
            wandb.finish()
            wandb.teardown()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
