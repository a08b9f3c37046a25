"""The folder of a run in the making: NAME.unfinished, which takes its name when all is done.

A run that was killed leaves it, and goes on from its last checkpoint when the same command is given again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from dsforge.errors import OutputError
from dsforge.example import JSON
from dsforge.io.atomic import atomic_write, lock
from dsforge.train.config import TrainConfig

CONFIG = "config.json"
"""The composed configuration of a run, as it was started."""
ROWS = "rows.json"
"""The hashes of its files of rows."""
HELD_OUT = "rows"
"""The folder of a run with its rows for training and for validation, where a share of them was held out."""
NAN_BATCH = "nan_batch.jsonl"
"""The rows over which the loss was no number."""
_UNFINISHED = ".unfinished"
_FREE = ("preflight", "merge", "tracker", "evaluate")
_FREE_OF_RUN = ("overwrite", "resume", "keep_checkpoints", "samples")
"""What may differ where a run goes on: it changes nothing of what is trained."""


def run_folder(config: TrainConfig) -> Path:
    """FOLDER/NAME of the run."""
    return Path(config.run.folder) / config.run.name


def unfinished_folder(folder: Path) -> Path:
    """Where the run is made that is to be `folder`."""
    return folder.with_name(folder.name + _UNFINISHED)


def check_folder(config: TrainConfig) -> None:
    """OutputError where the run's folder is taken, and must not or cannot be replaced."""
    folder = run_folder(config)
    if not folder.exists():
        parent = next(path for path in folder.parents if path.exists())
        if not parent.is_dir():
            raise OutputError(f"{parent} is no folder: choose another run.folder")
        return
    if not config.run.overwrite:
        raise OutputError(f"{folder} exists: give another run.name, or replace it with run.overwrite=true")
    if any(folder.iterdir() if folder.is_dir() else [folder]) and not (folder / CONFIG).is_file():
        raise OutputError(f"{folder} was not made by dsforge train, so it is not overwritten: give another run.name")


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints that were written to their end, the oldest first; half-written ones are none.

    The trainer's state is the last that is written of one, so it is whole where that can be read.
    """
    found = []
    for path in folder.glob("checkpoint-*"):
        try:
            step = trainer_state(path)["global_step"]
        except (OSError, msgspec.DecodeError, KeyError, TypeError):
            continue
        if path.name == f"checkpoint-{step}":
            found.append((step, path))
    return [path for _, path in sorted(found)]


def trainer_state(checkpoint: Path) -> Any:
    """What transformers' Trainer wrote of itself into a checkpoint."""
    return msgspec.json.decode((checkpoint / "trainer_state.json").read_bytes())


def _settings(values: dict[str, JSON]) -> dict[str, JSON]:
    """All that decides what is trained, by its dotted name."""
    settings: dict[str, JSON] = {}
    for section, value in values.items():
        if section in _FREE:
            continue
        if not isinstance(value, dict):
            settings[section] = value
            continue
        for name, of_section in value.items():
            if section != "run" or name not in _FREE_OF_RUN:
                settings[f"{section}.{name}"] = of_section
    return settings


def _read(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}


def _difference(folder: Path, config: TrainConfig, hashes: dict[str, str]) -> str:
    """What is not as it was when the run in `folder` was started, "" where all is."""
    before, now = _settings(_read(folder / CONFIG)), _settings(_plain(config))
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if changed:
        name = changed[0]
        more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"{name} was {before.get(name)} and is {now.get(name)}{more}"
    rows = _read(folder / ROWS)
    moved = [path for path, digest in hashes.items() if rows.get(path) != digest]
    return f"the rows of {moved[0]} are others" if moved else ""


def _plain(config: TrainConfig) -> dict[str, JSON]:
    plain: dict[str, JSON] = msgspec.json.decode(msgspec.json.encode(config.model_dump()))
    return plain


def _continued(folder: Path, config: TrainConfig, hashes: dict[str, str]) -> Path | None:
    """The checkpoint to go on from, None where the run begins anew; what cannot be used is gone then.

    Raises:
        OutputError: there are checkpoints, but of a run with other settings or rows.
    """
    whole = checkpoints(folder)
    if whole and config.run.resume and not config.run.overwrite:
        if difference := _difference(folder, config, hashes):
            raise OutputError(
                f"{folder} holds a run that was not finished, with other settings: {difference}. Take those again to "
                "go on, give another run.name, or begin anew with run.overwrite=true"
            )
        for path in folder.glob("checkpoint-*"):
            if path not in whole:
                shutil.rmtree(path)
        return whole[-1]
    for path in folder.iterdir():
        if path.name not in (_LOCK, HELD_OUT):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return None


_LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else makes this run meanwhile; OutputError where somebody does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("wb")
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}") from error
    with file:
        if not lock(file):
            raise OutputError(f"{folder} is being trained by another dsforge: give another run.name")
        yield


def give_up(partial: Path) -> None:
    """Remove a run that failed, unless there is something to go on from, or to look at."""
    if not checkpoints(partial) and not (partial / NAN_BATCH).exists():
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def workspace(config: TrainConfig, hashes: dict[str, str]) -> Iterator[tuple[Path, Path | None]]:
    """The folder to make the run in, and the checkpoint to go on from where it was begun before.

    It takes the run's name when the block ends without an error, in place of what stood there. After an error it
    stays where there is something to go on from, or to look at, else nothing is left.

    Raises:
        OutputError: it cannot be made, is in use, or holds a run with other settings.
    """
    folder = run_folder(config)
    partial = unfinished_folder(folder)
    with locked(partial):
        checkpoint = _continued(partial, config, hashes)
        _write(partial / CONFIG, config.model_dump())
        _write(partial / ROWS, hashes)
        try:
            yield partial, checkpoint
        except BaseException:
            give_up(partial)
            raise
        _publish(partial, folder, keep=config.run.keep_checkpoints)


_TORCH_CANNOT_WRITE = ("PytorchStreamWriter", "inline_container")
"""In the words of torch's writer, when it cannot end a file."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """OutputError where the block cannot write to the folder of a run, in whoever's words that is told."""
    from safetensors import SafetensorError

    try:
        yield
    except BrokenPipeError:  # who reads what is said has gone: that is no matter of the disk
        raise
    except (OSError, SafetensorError, RuntimeError) as error:
        said = " ".join(str(error).split())
        if isinstance(error, RuntimeError) and not any(words in said for words in _TORCH_CANNOT_WRITE):
            raise
        goes_on = "; the same command goes on from the last whole checkpoint" if checkpoints(folder) else ""
        raise OutputError(f"{folder} cannot be written: {said}. Make room{goes_on}") from error


def _write(path: Path, value: Any) -> None:
    with atomic_write(path) as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def _publish(partial: Path, folder: Path, *, keep: bool) -> None:
    """Give a finished run its name."""
    if not keep:
        for path in partial.glob("checkpoint-*"):
            shutil.rmtree(path)
    (partial / ROWS).unlink()
    (partial / _LOCK).unlink()
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
