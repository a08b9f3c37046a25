"""Runs found under folders by their records, finished or not, and what tells them apart; torch is not imported."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from dsforge.errors import InputError, UsageError, did_you_mean
from dsforge.train.evaluate import LOSS
from dsforge.train.figures import Metric
from dsforge.train.manifest import RECORD, Manifest

UNFINISHED = ".unfinished"
_NOT_ENTERED = ("checkpoint-", ".")
_OF_ITS_OWN = ("run.name", "run.folder", "run.overwrite", "run.resume", "run.keep_checkpoints", "run.samples")
"""Settings that say nothing of what was trained."""
_OF_OTHERS = ("evaluate.", "tracker.", "preflight", "merge")


@dataclass(frozen=True)
class Run:
    """A finished run, in its folder."""

    folder: Path
    record: Manifest

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that decide what is trained, by their dotted names."""
        return dict(_settings(self.record.config))

    @property
    def model(self) -> str:
        """What was trained."""
        chosen = self.record.config["model"]
        return str(chosen["path"]) if chosen["kind"] == "path" else str(chosen["kind"])

    @property
    def validation_loss(self) -> float | None:
        """The lowest validation loss."""
        return min((loss for _, loss in self.record.validation_losses), default=None)

    @property
    def metrics(self) -> list[Metric]:
        """What was measured after the training."""
        return self.record.evaluation.metrics if self.record.evaluation else []


@dataclass(frozen=True)
class Unfinished:
    """A run in the making, or one that was killed; `steps` are those of its last checkpoint, 0 without one."""

    folder: Path
    steps: int


@dataclass
class Found:
    """All that was found, in the order of the paths; `damaged` names records that cannot be read, and why."""

    runs: list[Run] = field(default_factory=list)
    unfinished: list[Unfinished] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def find_runs(folders: Sequence[str]) -> Found:
    """The runs in folders, however deep, or those that the folders are.

    Raises:
        InputError: a folder is none, or none of them holds a run.
    """
    found = Found()
    for given in folders:
        if not Path(given).is_dir():
            raise InputError(f"{given} is no folder: name one that holds runs (run.folder of dsforge train, runs/)")
        for folder in _folders(given):
            _take(folder, found)
    if not (found.runs or found.unfinished or found.damaged):
        raise InputError(f"{', '.join(folders)}: no run of dsforge train is there (no {RECORD})")
    return found


def _folders(given: str) -> Iterator[Path]:
    """Folders that may be runs; what stands within a run is none."""
    for here, below, files in os.walk(given):
        if RECORD in files or here.endswith(UNFINISHED):
            below.clear()
            yield Path(here)
        below[:] = sorted(name for name in below if not name.startswith(_NOT_ENTERED))


def _take(folder: Path, found: Found) -> None:
    if folder.name.endswith(UNFINISHED):
        found.unfinished.append(Unfinished(folder, _last_checkpoint(folder)))
        return
    try:
        found.runs.append(Run(folder, msgspec.json.decode((folder / RECORD).read_bytes(), type=Manifest)))
    except (OSError, msgspec.DecodeError) as error:
        found.damaged.append(f"{folder / RECORD} cannot be read: {error}")


def _last_checkpoint(folder: Path) -> int:
    steps = [path.name.rpartition("-")[2] for path in folder.glob("checkpoint-*")]
    return max((int(step) for step in steps if step.isdecimal()), default=0)


def _settings(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = prefix + key
        if isinstance(value, dict):
            yield from _settings(value, f"{name}.")
        elif name not in _OF_ITS_OWN and not name.startswith(_OF_OTHERS):
            yield name, value


def differing(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """The settings in which runs that have them differ, each with every run's value (None where it has none)."""
    settings = [run.settings for run in runs]
    names = dict.fromkeys(name for each in settings for name in each)
    return {name: [each.get(name) for each in settings] for name in names if _differs(name, settings)}


def _differs(name: str, settings: Sequence[dict[str, Any]]) -> bool:
    values = [each[name] for each in settings if name in each]
    return any(value != values[0] for value in values[1:])


RESULTS: dict[str, tuple[Callable[[Run], float | None], bool]] = {
    "loss": (lambda run: run.record.final_loss, False),
    "validation loss": (lambda run: run.validation_loss, False),
    "seconds": (lambda run: run.record.seconds, False),
    "tokens/s": (lambda run: run.record.tokens_per_second, True),
    "rows": (lambda run: float(run.record.data.rows_used), True),
}
"""What every run has, by the word it is sorted by, and whether more is better."""


def result(run: Run, word: str) -> float | None:
    """A result of a run, or a measure of its trained model; None where it has none."""
    if word in RESULTS:
        return RESULTS[word][0](run)
    return next((metric.trained.value for metric in run.metrics if _word(metric) == word), None)


def _word(metric: Metric) -> str:
    """The loss that is measured at the end has a word of its own beside those of the training."""
    return "held-out loss" if metric.name == LOSS else metric.name


def measures(runs: Sequence[Run]) -> list[str]:
    """The words of all that was measured of some run."""
    return list(dict.fromkeys(_word(metric) for run in runs for metric in run.metrics))


def more_is_better(runs: Sequence[Run], word: str) -> bool:
    """Whether a larger value of a result is the better one."""
    if word in RESULTS:
        return RESULTS[word][1]
    return not any(metric.lower_is_better for run in runs for metric in run.metrics if _word(metric) == word)


def arranged(runs: Sequence[Run], word: str) -> list[Run]:
    """The runs by a result, the best first, or by a setting or their name; those without it come last.

    Raises:
        UsageError: nothing is called so.
    """
    if word == "name":
        return sorted(runs, key=lambda run: run.record.name)
    known = [*RESULTS, *measures(runs)]
    if word in known:
        sign = -1 if more_is_better(runs, word) else 1
        return sorted(runs, key=lambda run: _last_if_none(result(run, word), sign))
    settings = differing(runs)
    if word not in settings:
        raise UsageError(f"--sort {word}: no column{did_you_mean(word, ['name', *known, *settings])}")
    return [run for run, _ in sorted(zip(runs, settings[word], strict=True), key=lambda pair: _by_value(pair[1]))]


def _last_if_none(value: float | None, sign: int) -> tuple[bool, float]:
    known = value is not None and math.isfinite(value)
    return not known, sign * value if known and value is not None else 0.0


def _by_value(value: Any) -> tuple[int, float, str]:
    """Numbers by their size, then texts, then what is not set."""
    if value is None:
        return 2, 0.0, ""
    if isinstance(value, (int, float)):
        return 0, float(value), ""
    return 1, 0.0, told(value)


def told(value: Any) -> str:
    """A setting in few characters, "-" where it is not set."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
