"""The record that a run leaves, `run.json`: enough to repeat it and to compare it with another."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from dsforge import __version__
from dsforge.example import JSON
from dsforge.io.atomic import atomic_write
from dsforge.io.rejects import Reject
from dsforge.train.config import TrainConfig
from dsforge.train.evaluate import Evaluation, Sample
from dsforge.train.preflight import Preflight
from dsforge.train.recipe import Recipe, Step
from dsforge.train.token_rows import TokenRows

RECORD = "run.json"
"""The name of the record in the folder of a run."""

_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "hydra-core")


class Refusal(msgspec.Struct):
    """Rows rejected under one code, and the reason that the first of them was given."""

    code: str
    rows: int
    reason: str


class DataCount(msgspec.Struct):
    """A file of rows and what became of them, or several as one.

    `sha256` is of the file's bytes ("" of several), `weight` how often an epoch passes over its rows.
    """

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
    refusals: list[Refusal] = []
    weight: float = 1


class Git(msgspec.Struct):
    """The commit that the working directory was at, and whether tracked files in it were changed since."""

    commit: str
    dirty: bool


class Hardware(msgspec.Struct):
    """What was trained on: the name that the driver gives a device, and how many there were.

    `peak_memory_gib` is the most that tensors took on the first of them; it is not measured on a CPU. `peak_rss_gib` is
    the most memory that the process had of the system, from its start on (None where the system does not tell).
    """

    device: str
    devices: int
    peak_memory_gib: float | None
    peak_rss_gib: float | None = None


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
    `sequences` they say what `dsforge cost --calibrate` needs. `files` are those of `data` one by one, `batching` how
    their rows came together. `sampled` says which rows `samples` are of (validation or training), `serve` how the
    run is talked to and served, `notes` what could not be done once the training was.
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
    git: Git | None = None
    files: list[DataCount] = []
    batching: str = ""
    merged: str | None = None
    evaluation: Evaluation | None = None
    sampled: str = ""
    samples: list[Sample] = []
    serve: dict[str, str] = {}
    notes: list[str] = []


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


def file_hash(path: str) -> str:
    """The SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def count_data(found: Preflight, sha256: str, weight: float = 1) -> DataCount:
    """The counts of a file, or of several as one."""
    return DataCount(
        path=found.path,
        sha256=sha256,
        weight=weight,
        formats=found.formats,
        rows_in=found.rows_in,
        rows_used=found.rows_used,
        rows_rejected=len(found.rejects),
        over_length=found.over_length,
        tokens=found.tokens,
        tokens_trained=found.trained,
        tokens_cut=found.cut_trained,
        refusals=count_refusals(found.rejects),
    )


def count_refusals(rejects: Iterable[Reject]) -> list[Refusal]:
    """The rejected rows by their code, the most frequent first."""
    found: dict[str, Refusal] = {}
    for reject in rejects:
        found.setdefault(reject.code, Refusal(reject.code, 0, reject.reason)).rows += 1
    return sorted(found.values(), key=lambda refusal: (-refusal.rows, refusal.code))


def git_state() -> Git | None:
    """What of git the working directory is at; None outside a repository, before its first commit, or without git."""
    if shutil.which("git") is None:
        return None
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return None if commit is None or changed is None else Git(commit, bool(changed))


def _git(*arguments: str) -> str | None:
    command = ["git", "-c", "core.fsmonitor=false", *arguments]  # a hook of the repository would run with it
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def watch_memory() -> None:
    """From here on the peak of the GPU's memory is that of the run."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def used_hardware() -> Hardware:
    """The device that was trained on, and the peak of its memory since `watch_memory`."""
    import torch

    if not torch.cuda.is_available():
        return Hardware("cpu", 1, None, _peak_rss())
    peak = round(torch.cuda.max_memory_allocated() / (1 << 30), 3)
    return Hardware(torch.cuda.get_device_name(), int(os.environ.get("WORLD_SIZE", "1")), peak, _peak_rss())


def _peak_rss() -> float | None:
    """GiB of the process; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1 << 10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / (1 << 30), 3)


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


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write the record of a run into its folder, whole or not at all."""
    with atomic_write(folder / RECORD) as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
