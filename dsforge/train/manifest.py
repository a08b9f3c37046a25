"""What a run leaves on paper: enough to repeat it and to compare it with another."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from dsforge import __version__
from dsforge.example import JSON
from dsforge.io.atomic import atomic_write
from dsforge.train.preflight import Preflight
from dsforge.train.recipe import Step

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


class Manifest(msgspec.Struct):
    """The record of a run. Losses are `[step, loss]`; `seconds` are of training, validation and saving."""

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
    tokens_per_second: float
    final_loss: float | None
    losses: list[tuple[int, float]]
    validation_losses: list[tuple[int, float]]


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


def training_losses(steps: list[Step]) -> list[tuple[int, float]]:
    """`(step, loss)` of the training."""
    return [(step.step, step.loss) for step in steps if step.loss is not None]


def validation_losses(steps: list[Step]) -> list[tuple[int, float]]:
    """`(step, loss)` on the validation rows."""
    return [(step.step, step.validation_loss) for step in steps if step.validation_loss is not None]


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write the manifest, whole or not at all."""
    with atomic_write(path) as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
