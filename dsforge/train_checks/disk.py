"""The disk that a run takes, beside what is free."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dsforge.cost.parameters import count_parameters
from dsforge.train.config import TinyModel
from dsforge.train.device import free_disk, loaded_dtype
from dsforge.train.run import Prepared
from dsforge.train.settings import saves_best, saving
from dsforge.train_checks.fit import Load

_BESIDE = 16 << 20
"""Bytes of the tokenizer and of what is told of a run: more than most take."""


@dataclass(frozen=True)
class Disk:
    """Bytes that a run needs at once, beside those that are free: what it leaves, and the checkpoints on the way.

    A checkpoint is written before an older one is removed, so one more than is kept has to find room.
    """

    final: int
    checkpoint: int
    checkpoints: int
    free: int

    @property
    def needed(self) -> int:
        """All that has to find room at the same time."""
        return self.final + self.checkpoint * self.checkpoints

    @property
    def fits(self) -> bool:
        """Whether there is room."""
        return self.needed <= self.free


def disk_of(run: Prepared, load: Load) -> Disk:
    """What the run writes into its folder: weights or an adapter, and in checkpoints the optimizer's two states."""
    config = run.config
    weight = 4 if loaded_dtype(run.source, config) == "float32" else 2
    whole = weight * count_parameters(load.model).total
    adapter = load.setup.adapter(load.model)
    trained = whole if load.setup.is_full else 4 * adapter
    states = 2 * (whole if load.setup.is_full else 4 * adapter)
    final = trained + _BESIDE
    if config.merge and not load.setup.is_full:
        final += whole
    if isinstance(config.model, TinyModel):
        final += whole
    checkpoint = trained + _BESIDE + (0 if config.trl.get("save_only_model") else states)
    return Disk(final, checkpoint, checkpoints_at_once(run), free_disk(run.folder))


def checkpoints_at_once(run: Prepared) -> int:
    """How many checkpoints stand side by side at most: those that are kept, the best, and the one being written."""
    config, steps, validated = run.config, run.batching.steps, run.validation is not None
    when = {**saving(config, validated=validated), **config.trl}
    every, epochs = when.get("save_steps", 500), config.trl.get("num_train_epochs", 3)
    if when["save_strategy"] == "no":
        return 0
    if when["save_strategy"] == "epoch":
        saves = math.ceil(epochs) if isinstance(epochs, (int, float)) else 1
    else:
        each = every if isinstance(every, (int, float)) else 500
        saves = math.ceil(1 / each) if each < 1 else steps // int(each)
    kept = when.get("save_total_limit")
    if not isinstance(kept, int):
        return saves
    return min(saves, kept + saves_best(config, validated=validated) + 1)
