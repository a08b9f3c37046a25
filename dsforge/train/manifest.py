"""What a run leaves on paper: enough to repeat it and to compare it with another."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from dsforge import __version__
from dsforge.example import JSON
from dsforge.io.atomic import atomic_write
from dsforge.train.config import TrainConfig
from dsforge.train.preflight import Preflight
from dsforge.train.recipe import Recipe, Step
from dsforge.train.token_rows import TokenRows

_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "hydra-core")


class DataCount(msgspec.Struct):
    """A file of rows and what became of them. `sha256` is of the file's bytes."""

    path: str
    sha256: str
    formats: dict[str, int]
    rows_in: int
    rows_used: int
    rows_rejected: int
    over_length: int
    tokens: int
    tokens_trained: int
    tokens_cut: int


class Hardware(msgspec.Struct):
    """What was trained on: the name that the driver gives a device, and how many there were.

    `peak_memory_gib` is the most that tensors took on the first of them; it is not measured on a CPU.
    """

    device: str
    devices: int
    peak_memory_gib: float | None


class Sequences(msgspec.Struct):
    """The sequences of one epoch, those of a batch filled up to the longest, in the order of the file.

    `tokens` is the sum of their lengths, `squares` that of the squares of their lengths.
    """

    tokens: int
    squares: int
    longest: int
    batch_size: int


class Reward(msgspec.Struct):
    """The rewards of a step: the share of pairs whose chosen answer has the higher one, and by how much on average.

    Either is None where the method or the batch has none.
    """

    step: int
    accuracy: float | None
    margin: float | None


class Manifest(msgspec.Struct):
    """The record of a run. Losses are `[step, loss]`; `seconds` are of training, validation and saving.

    `train_seconds` are those of training alone, `epochs` the passes over the rows that were made: with `hardware` and
    `sequences` they say what `dsforge cost --calibrate` needs.
    """

    name: str
    made_by: str
    python: str
    versions: dict[str, str]
    config: dict[str, JSON]
    data: DataCount
    validation: DataCount | None
    chat_template: str
    parameters: int
    parameters_trained: int
    saved: str
    seconds: float
    train_seconds: float
    tokens_per_second: float
    epochs: float
    hardware: Hardware
    sequences: Sequences
    final_loss: float | None
    losses: list[tuple[int, float]]
    validation_losses: list[tuple[int, float]]
    rewards: list[Reward] = []
    validation_rewards: list[Reward] = []


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide what is trained."""
    found = {"dsforge": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def python_version() -> str:
    """The Python that ran."""
    return platform.python_version()


def count_data(found: Preflight) -> DataCount:
    """The counts of a file, with its hash."""
    digest = hashlib.sha256()
    with Path(found.path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return DataCount(
        path=found.path,
        sha256=digest.hexdigest(),
        formats=found.formats,
        rows_in=found.rows_in,
        rows_used=found.rows_used,
        rows_rejected=len(found.rejects),
        over_length=found.over_length,
        tokens=found.tokens,
        tokens_trained=found.trained,
        tokens_cut=found.cut_trained,
    )


def watch_memory() -> None:
    """From here on the peak of the GPU's memory is that of the run."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def used_hardware() -> Hardware:
    """The device that was trained on, and the peak of its memory since `watch_memory`."""
    import torch

    if not torch.cuda.is_available():
        return Hardware("cpu", 1, None)
    peak = round(torch.cuda.max_memory_allocated() / (1 << 30), 3)
    return Hardware(torch.cuda.get_device_name(), int(os.environ.get("WORLD_SIZE", "1")), peak)


def count_sequences(rows: TokenRows, recipe: Recipe, config: TrainConfig) -> Sequences:
    """The sequences of an epoch in batches of the size that is configured; a pair is two sequences."""
    batch = config.trl.get("per_device_train_batch_size")
    size = (batch if isinstance(batch, int) else 1) * recipe.sequences
    tokens, squares = rows.padded(size)
    return Sequences(tokens, squares, rows.longest, size)


def training_seconds(steps: list[Step]) -> float:
    """Seconds of training alone, 0 where the trainer did not say."""
    whole = max((step.train_seconds for step in steps), default=0.0)
    return max(0.0, whole - sum(step.validation_seconds for step in steps))


def training_losses(steps: list[Step]) -> list[tuple[int, float]]:
    """`(step, loss)` of the training."""
    return [(step.step, step.loss) for step in steps if step.loss is not None]


def validation_losses(steps: list[Step]) -> list[tuple[int, float]]:
    """`(step, loss)` on the validation rows."""
    return [(step.step, step.validation_loss) for step in steps if step.validation_loss is not None]


def rewards(steps: list[Step], *, validation: bool) -> list[Reward]:
    """The rewards of the training, or those on the validation rows."""
    return [
        Reward(step.step, step.accuracy, step.margin)
        for step in steps
        if (step.accuracy, step.margin) != (None, None) and (step.validation_loss is not None) == validation
    ]


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write the manifest, whole or not at all."""
    with atomic_write(path) as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
