"""What a run trains on: its memory, its disk, how fast it multiplies, and in what it holds the weights."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dsforge.train.config import PathModel, TrainConfig
from dsforge.train.hardware import uses_gpu
from dsforge.train.load import weights_dtype

_CGROUP = Path("/sys/fs/cgroup")
_MEASURED = 0.3
"""Seconds that matrices are multiplied for, to see how fast this CPU does it."""


@dataclass(frozen=True)
class Device:
    """A device to train on. `memory` are the bytes that a run can fill: of a GPU all of it, of a CPU what is free."""

    kind: Literal["cuda", "cpu"]
    name: str
    memory: int


def find_device(config: TrainConfig) -> Device:
    """The device on which this configuration trains here; of several GPUs the first."""
    import torch

    if uses_gpu(config):
        properties = torch.cuda.get_device_properties(0)
        return Device("cuda", properties.name, properties.total_memory)
    return Device("cpu", "CPU", _free_memory())


def _free_memory() -> int:
    """Bytes of memory that are free: of the machine, and of the container where it has a limit of its own."""
    import psutil  # type: ignore[import-untyped]

    free: int = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        statistics = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free
    return min(free, limit - used + int(statistics.get("file", 0)))


def free_disk(folder: Path) -> int:
    """Free bytes of the disk on which `folder` is, or will be made."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def measured_flops(width: int) -> float:
    """Floating-point operations a second that this CPU reaches in products of matrices in FP32, as a model of `width`
    multiplies them."""
    import torch

    left, right = torch.rand(512, width), torch.rand(width, 4 * width)
    left @ right
    started, done = time.perf_counter(), 0
    while (seconds := time.perf_counter() - started) < _MEASURED:
        left @ right
        done += 1
    return 2.0 * 512 * width * 4 * width * done / seconds


def config_file(model: PathModel) -> Path | None:
    """The config.json of a model, in its folder or in the hub's cache; None where it cannot be had."""
    from transformers.utils import cached_file

    if Path(model.path).is_dir():
        return Path(model.path) / "config.json"
    found = cached_file(
        model.path, "config.json", revision=model.revision, local_files_only=True,
        _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False,
        _raise_exceptions_for_gated_repo=False,
    )  # fmt: skip
    return Path(found) if found else None


def loaded_dtype(model: PathModel, config: TrainConfig) -> str:
    """What the weights are held in once they are loaded: float32, bfloat16 or float16."""
    dtype = weights_dtype(model, config)
    file = config_file(model) if dtype == "auto" else None
    if file is not None and file.is_file():
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return str(values.get("dtype") or values.get("torch_dtype") or "float32")
    return "bfloat16" if dtype == "auto" else dtype
