"""Several runs of one command by Hydra's sweepers and launchers: each has a folder of its own in that of the sweep.

A run that fails does not stop the others. Each writes what it came to into a file, as it may run on another machine.
"""

from __future__ import annotations

import multiprocessing
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from dsforge.errors import ConfigError, OutputError
from dsforge.io.atomic import atomic_write
from dsforge.train.app import Origin, config_of, hydra_of, one_line, sweep_overrides
from dsforge.train.config import TrainConfig
from dsforge.train.manifest import RECORD, Manifest, file_hash
from dsforge.train.workspace import CONFIG, run_folder

PAPERS = ".jobs"
"""The folder of a sweep in which Hydra and the runs leave their papers."""
SUMMARY = "sweep.json"
_LONGEST_NAME = 120


class SweptRun(msgspec.Struct, frozen=True):
    """A run of a sweep: what is its own among the overrides, and what it came to.

    `rows` are those of training that were read, used and rejected. `loss` is the last training loss,
    `validation_loss` that of the model which was saved. `error` is empty unless the run failed. With `before` it was
    there already, from the same settings and rows, and was not trained again.
    """

    number: int
    name: str
    changed: dict[str, str]
    rows: tuple[int, int, int] = (0, 0, 0)
    loss: float | None = None
    validation_loss: float | None = None
    seconds: float = 0.0
    error: str = ""
    before: bool = False

    @property
    def objective(self) -> float | None:
        """What a sweeper makes small: the validation loss, else the training loss, None of a run that failed."""
        return self.loss if self.validation_loss is None else self.validation_loss


@dataclass(frozen=True)
class Place:
    """Where a run stands in its sweep: FOLDER/NAME of the sweep, its papers, and which overrides all runs share."""

    folder: Path
    papers: Path
    shared: frozenset[str]


Job: TypeAlias = Callable[[Any, Place], "float | None"]
"""Runs one configuration, as Hydra hands it over; importable, so that another process finds it."""


def number_and_changes(place: Place) -> tuple[int, dict[str, str]]:
    """The number of the run that Hydra calls for in this process, and what is its own among the overrides."""
    from hydra.core.hydra_config import HydraConfig

    hydra = HydraConfig.get()
    lines = [line.partition("=") for line in hydra.overrides.task]
    changed = {key.lstrip("+~"): value for key, _, value in lines if key.lstrip("+~") not in place.shared}
    return int(hydra.job.num), changed


def this_run(composed: Any, place: Place) -> TrainConfig:
    """The configuration of the run that Hydra calls for in this process, with a name of its own.

    Raises:
        ConfigError: a value does not fit.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        plain: Any = OmegaConf.to_container(composed, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(one_line(error)) from error
    plain["run"] |= {"name": _name(*number_and_changes(place)), "folder": str(place.folder)}
    return config_of(plain)


def _name(number: int, changed: dict[str, str]) -> str:
    """`0-r=8,learning_rate=1e-4`: the number makes it one of its own, the rest is for people."""
    values = ",".join(f"{key.rpartition('.')[2]}={value}" for key, value in changed.items())
    return re.sub(r"[^\w.+=,-]+", "_", f"{number}-{values}" if values else str(number))[:_LONGEST_NAME]


def result_of(number: int, changed: dict[str, str], config: TrainConfig, manifest: Manifest) -> SweptRun:
    """What a finished run came to."""
    validation = [loss for _, loss in manifest.validation_losses]
    kept = (min(validation) if config.run.best else validation[-1]) if validation else None
    data = manifest.data
    rows = data.rows_in, data.rows_used, data.rows_rejected
    return SweptRun(number, config.run.name, changed, rows, manifest.final_loss, kept, manifest.seconds)


def done_before(number: int, changed: dict[str, str], config: TrainConfig) -> SweptRun | None:
    """What this very run came to when the sweep was started before; None where it has to be trained."""
    folder = run_folder(config)
    if config.run.overwrite or not (folder / RECORD).is_file():
        return None
    try:
        manifest = msgspec.json.decode((folder / RECORD).read_bytes(), type=Manifest)
        settings = msgspec.json.decode((folder / CONFIG).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    files = [*(manifest.files or [manifest.data]), *([manifest.validation] if manifest.validation else [])]
    same = settings == msgspec.json.decode(msgspec.json.encode(config.model_dump()))
    if not same or any(not Path(file.path).is_file() or file_hash(file.path) != file.sha256 for file in files):
        return None
    return msgspec.structs.replace(result_of(number, changed, config, manifest), before=True)


def keep_result(result: SweptRun, place: Place) -> None:
    """Write down what a run came to, where the sweep finds it."""
    with atomic_write(place.papers / f"{result.number}.json") as file:
        file.write(msgspec.json.encode(result))


@dataclass(frozen=True)
class Sweep:
    """A sweep that is over: its folder, its runs in their order, and why it ended early, "" where it did not."""

    folder: Path
    runs: list[SweptRun]
    stopped: str = ""

    @property
    def failed(self) -> list[SweptRun]:
        """The runs that failed."""
        return [run for run in self.runs if run.error]

    @property
    def best(self) -> SweptRun | None:
        """The run with the lowest objective."""
        ranked = [(run.objective, run.number) for run in self.runs if run.objective is not None]
        return next((run for run in self.runs if ranked and run.number == min(ranked)[1]), None)


def run_sweep(overrides: list[str], origin: Origin, job: Job, *, keep: bool = True) -> Sweep:
    """Run `job` for each configuration that the sweeper comes to; unless `keep`, nothing of it stays on disk.

    Raises:
        ConfigError: before the first run, what could not be started; Hydra or a plugin of it refuses the sweep.
        OutputError: the sweep's folder cannot be made.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    overrides, shared, first = sweep_overrides(overrides, origin)
    folder = run_folder(first)
    hydra = hydra_of(origin)
    stopped = ""
    with _papers(folder, keep=keep) as papers:
        place = Place(folder, papers, frozenset(shared))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                hydra.multirun(origin.name, _Bound(job, place), [*overrides, *_ours(overrides, papers.parent)])
        except Exception as error:
            if isinstance(error, (HydraException, OmegaConfBaseException)) and not _results(papers):
                raise ConfigError(one_line(error)) from error
            stopped = f"{type(error).__name__}: {one_line(error)}"
        runs = _results(papers)
    sweep = Sweep(folder, runs, "" if _is_all_failed(runs) else stopped)
    if keep:
        with atomic_write(folder / SUMMARY) as file:
            file.write(msgspec.json.format(msgspec.json.encode({"runs": runs, "stopped": sweep.stopped}), indent=2))
    return sweep


@contextmanager
def _papers(folder: Path, *, keep: bool) -> Iterator[Path]:
    """The folder for the papers, without those of a sweep before, whose runs stay; elsewhere where none are kept."""
    if not keep:
        with tempfile.TemporaryDirectory(prefix="dsforge-sweep-") as temporary:
            (Path(temporary) / PAPERS).mkdir()
            yield Path(temporary) / PAPERS
        return
    papers = (folder / PAPERS).absolute()
    try:
        shutil.rmtree(papers, ignore_errors=True)
        papers.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}") from error
    yield papers


def _is_all_failed(runs: list[SweptRun]) -> bool:
    """Optuna complains at its end where no run came to a loss: that is said by the runs themselves."""
    return bool(runs) and all(run.error for run in runs)


@dataclass(frozen=True)
class _Bound:
    """A job at its place, as Hydra calls it; picklable where the job is importable."""

    job: Job
    place: Place

    def __call__(self, composed: Any) -> float | None:
        if multiprocessing.get_start_method(allow_none=True) == "loky":  # a process of joblib's: ours know no such way
            multiprocessing.set_start_method(None, force=True)
        return self.job(composed, self.place)


def _ours(given: list[str], folder: Path) -> list[str]:
    """What dsforge says to Hydra where the user does not."""
    ours = {
        "hydra.sweep.dir": '"' + str(folder).replace("\\", "\\\\").replace('"', '\\"') + '"',
        "hydra.mode": "MULTIRUN",
    }
    said = {text.partition("=")[0] for text in given}
    return [f"{key}={value}" for key, value in ours.items() if key not in said]


def _results(papers: Path) -> list[SweptRun]:
    found = [msgspec.json.decode(path.read_bytes(), type=SweptRun) for path in papers.glob("*.json")]
    return sorted(found, key=lambda run: run.number)
