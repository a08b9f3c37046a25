"""Fits the utilisation of GPUs to runs of `dsforge train`, and says how far the estimate was off.

A run's record (run.json) states its GPU, its sequences, the epochs done and the seconds of training. The FLOPs of
that work over those seconds, divided by the peak, are the utilisation that was reached. It is kept by GPU and family
of models in a YAML file, and stands in place of the prior from then on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from pydantic import Field, ValidationError

from dsforge.cost.compute import UTILISATION, Work, training_flops
from dsforge.cost.local_model import local_model
from dsforge.cost.memory import CONTEXT_GIB, training_memory
from dsforge.cost.setup import Setup
from dsforge.errors import ConfigError, DsforgeError, InputError
from dsforge.io.atomic import atomic_write
from dsforge.targets.constraints import Strict
from dsforge.targets.load import all_facts, read_mapping
from dsforge.targets.profile import Gpu, LocalMethod, Model

RECORD = "run.json"
SINGLE_RUN_SPREAD = 0.10
"""Where one run alone was measured, a range of so much below and above it is taken: a prior."""

_Share = Annotated[float, Field(gt=0, le=1)]


class Fit(Strict):
    """The utilisation of a GPU by a family of models: the least and the most of `runs` measured runs.

    Without runs it is the prior.
    """

    gpu: str
    family: str
    low: _Share
    high: _Share
    runs: Annotated[int, Field(ge=0)] = 0
    as_of: date | None = None


class Calibration(Strict):
    """What was measured, by GPU and family."""

    fits: tuple[Fit, ...] = ()

    def utilisation(self, gpu: str, family: str) -> Fit:
        """What was measured of a GPU and a family, else the prior."""
        found = (fit for fit in self.fits if (fit.gpu, fit.family) == (gpu, family))
        return next(found, Fit(gpu=gpu, family=family, low=UTILISATION[0], high=UTILISATION[1]))

    def updated(self, fits: Sequence[Fit]) -> Calibration:
        """With `fits` in place of those of the same GPUs and families."""
        new = {(fit.gpu, fit.family) for fit in fits}
        return Calibration(fits=(*(fit for fit in self.fits if (fit.gpu, fit.family) not in new), *fits))


def default_path() -> Path:
    """Where the calibration is kept unless another file is named: the user's configuration folder."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    return Path(base) / "dsforge" / "calibration.yaml"


def read_calibration(path: str | Path = "") -> Calibration:
    """The calibration of a file; an empty one where none is named and there is none in the usual place.

    Raises:
        ConfigError: the file is named but missing, or does not fit.
    """
    if not path and not default_path().is_file():
        return Calibration()
    file = Path(path or default_path())
    try:
        return Calibration.model_validate(read_mapping(file))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"{file}: {place}: {first['msg'][0].lower()}{first['msg'][1:]}") from error


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration, whole or not at all; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(yaml.safe_dump(calibration.model_dump(mode="json"), sort_keys=False).encode())


class _Hardware(msgspec.Struct):
    device: str
    devices: int
    peak_memory_gib: float | None = None


class _Sequences(msgspec.Struct):
    tokens: int
    squares: int
    longest: int
    batch_size: int


class _Run(msgspec.Struct):
    """What of a record is needed here."""

    name: str
    config: dict[str, Any]
    hardware: _Hardware
    sequences: _Sequences
    epochs: float
    train_seconds: float


@dataclass(frozen=True)
class Measured:
    """A run: what was predicted of it, by what was known before it, and what was measured.

    Memory is without the context of the GPU's library; `memory_gib` is None where it was not measured.
    """

    run: str
    gpu: str
    family: str
    method: str
    utilisation: float
    seconds: float
    predicted_seconds: tuple[float, float]
    memory_gib: float | None
    predicted_gib: float


@dataclass(frozen=True)
class Skipped:
    """A run that cannot be used, and why."""

    run: str
    reason: str


def _gpu_called(device: str) -> Gpu:
    for gpu in all_facts(Gpu):
        if device in gpu.devices:
            return gpu
    raise InputError(f"trained on {device!r}, which is none of the GPUs whose peak is known")


def _model_of(run: _Run, folder: Path) -> Model:
    chosen = run.config["model"]
    if chosen["kind"] == "tiny":
        model = local_model(str(folder / "base"))
    else:
        path = chosen["path"]
        model = local_model(path) or local_model(str(folder / "model" if (folder / "model").is_dir() else path))
    if model is None:
        raise InputError(f"the geometry of {chosen['path']} is not known")
    return model


def _setup_of(config: dict[str, Any]) -> Setup:
    """The training of a record. What is trained in full is held in FP32 by `dsforge train`."""
    peft, checkpointing = config["peft"], bool(config["trl"].get("gradient_checkpointing", True))
    if peft["name"] == "full":
        narrow = config["model"].get("dtype") == "bfloat16"
        return Setup("full", precision="bf16" if narrow else "mixed", sharding="none", checkpointing=checkpointing)
    if peft["name"] not in ("lora", "rslora", "qlora") or peft.get("quantize") not in (None, "nf4"):
        raise InputError(f"trained with peft={peft['name']}, whose cost is not in the formula")
    named = peft["target_modules"]
    targets = () if named == "all-linear" else (named,) if isinstance(named, str) else tuple(named)
    method: LocalMethod = "qlora" if peft.get("quantize") else "lora"
    return Setup(method, peft["r"], targets, sharding="none", checkpointing=checkpointing)


def _measure(path: Path, known: Calibration) -> Measured:
    run = msgspec.json.decode(path.read_bytes(), type=_Run)
    method = run.config.get("method", {}).get("name", "sft")
    if method != "sft":
        raise InputError(f"trained by {method}, whose reference and reward passes are not in the formula")
    gpu = _gpu_called(run.hardware.device)
    model, setup = _model_of(run, path.parent), _setup_of(run.config)
    if run.train_seconds <= 0:
        raise InputError("no seconds of training were measured")
    flops = run.epochs * training_flops(model, setup, Work(run.sequences.tokens, run.sequences.squares))
    at_peak = flops / (gpu.bf16_tflops * 1e12 * run.hardware.devices)
    reached = at_peak / run.train_seconds
    if reached > 1:
        raise InputError(f"{reached:.0%} of the peak of {gpu.title} would have been reached: is it that GPU?")
    before = known.utilisation(gpu.name, model.family)
    memory = training_memory(model, setup, run.sequences.longest, batch_size=run.sequences.batch_size)
    return Measured(
        run.name, gpu.name, model.family, setup.method, reached, run.train_seconds,
        (at_peak / before.high, at_peak / before.low), run.hardware.peak_memory_gib, memory.total - CONTEXT_GIB,
    )  # fmt: skip


def measure_runs(folder: str, known: Calibration) -> tuple[list[Measured], list[Skipped]]:
    """The runs under a folder, by their records, in order of their paths.

    Raises:
        InputError: there is no record under it.
    """
    paths = sorted(Path(found, RECORD) for found, _, files in os.walk(folder) if RECORD in files)
    if not paths:
        raise InputError(f"{folder} holds no {RECORD}: name the folder in which dsforge train leaves its runs")
    measured, skipped = [], []
    for path in paths:
        try:
            measured.append(_measure(path, known))
        except msgspec.DecodeError as error:
            skipped.append(Skipped(str(path.parent), f"its record states no measurements: {error}"))
        except (DsforgeError, KeyError) as error:
            skipped.append(Skipped(str(path.parent), str(error)))
    return measured, skipped


def fit_runs(measured: Sequence[Measured], today: date) -> list[Fit]:
    """The utilisation by GPU and family: from the least to the most that a run reached."""
    return list(_fits(measured, today))


def _fits(measured: Sequence[Measured], today: date) -> Iterator[Fit]:
    for gpu, family in dict.fromkeys((run.gpu, run.family) for run in measured):
        reached = [run.utilisation for run in measured if (run.gpu, run.family) == (gpu, family)]
        spread = SINGLE_RUN_SPREAD if len(reached) == 1 else 0.0
        low, high = min(reached) * (1 - spread), min(1.0, max(reached) * (1 + spread))
        yield Fit(gpu=gpu, family=family, low=round(low, 4), high=round(high, 4), runs=len(reached), as_of=today)
