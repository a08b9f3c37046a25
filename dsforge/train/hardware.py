"""What a run trains on: the CPU, one GPU, or several processes that share the work."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from dsforge.errors import ConfigError, MissingExtraError
from dsforge.train.config import TrainConfig

RANK = "LOCAL_RANK"
"""The variable by which a launched process knows its place."""


def uses_gpu(config: TrainConfig) -> bool:
    """Whether the run trains on GPUs."""
    import torch

    return config.hardware.device != "cpu" and torch.cuda.is_available()


def check_hardware(config: TrainConfig) -> None:
    """ConfigError where there are fewer devices than asked for, or no word on how several share the work."""
    import torch

    hardware, gpus = config.hardware, torch.cuda.device_count()
    if hardware.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("hardware.device=cuda: torch sees no GPU here; hardware=cpu trains without one")
    if config.num_gpus > 1 and hardware.kind == "one":
        raise ConfigError(
            f"num_gpus={config.num_gpus}: say how they share the work, hardware=ddp (each holds the model), fsdp or "
            "deepspeed (each holds a part)"
        )
    if uses_gpu(config) and config.num_gpus > gpus:
        raise ConfigError(f"num_gpus={config.num_gpus}: torch sees {gpus} here")
    if hardware.kind == "deepspeed" and not find_spec("deepspeed"):
        raise MissingExtraError("hardware=deepspeed needs DeepSpeed: pip install deepspeed")
    if uses_gpu(config) and gpus > config.num_gpus and RANK not in os.environ:
        raise ConfigError(
            f"{gpus} GPUs are visible and {config.num_gpus} would be trained on: take them all with num_gpus={gpus} "
            f"hardware=ddp, or name those to use, CUDA_VISIBLE_DEVICES={','.join(map(str, range(config.num_gpus)))}"
        )


def hardware_arguments(config: TrainConfig) -> dict[str, Any]:
    """TRL's arguments for the devices."""
    import torch

    gpu = uses_gpu(config)
    half = gpu and torch.cuda.is_bf16_supported() and not config.trl.get("fp16")
    return {"bf16": half, "use_cpu": not gpu, "dataloader_pin_memory": gpu}


def sharing_arguments(config: TrainConfig) -> dict[str, Any]:
    """TRL's arguments for how several devices share the work."""
    options = dict(config.hardware.options)
    if config.hardware.kind == "fsdp":
        options["activation_checkpointing"] = bool(config.trl.get("gradient_checkpointing"))
        return {"fsdp": True, "fsdp_config": options, "gradient_checkpointing": False}
    return {"deepspeed": options} if config.hardware.kind == "deepspeed" else {}
