"""Keeps the training libraries from chatting, drawing bars, calling home and spinning; errors still come through."""

from __future__ import annotations

import gc
import logging
import os
import sys
import warnings
from contextlib import suppress
from importlib import import_module


def quiet_environment() -> None:
    """Settings that must stand before torch, huggingface_hub and transformers are imported.

    Idle OpenMP threads sleep: spinning, they took 2.7 times as long on two cores with other work to do.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_VERBOSITY", "critical")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of a kernel that it does without
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=UserWarning)
    warnings.filterwarnings("ignore", "The following rank_pattern keys", RuntimeWarning)  # PEFT's, over AdaLoRA
    warnings.filterwarnings("ignore", category=DeprecationWarning)


def load_renderer() -> None:
    """Import, quietly, what rows are rendered with."""
    _load("transformers.utils.chat_template_utils")


def load_libraries() -> None:
    """Import, quietly, what the checks of a run take seconds to import."""
    _load("torch", "transformers.training_args", "peft", "trl.trainer.sft_config")


def _load(*modules: str) -> None:
    """What is not installed is told of where it is used.

    The collector of garbage is off meanwhile, and does not look at what was loaded later: it would find none, and look
    for it for a quarter of the time.
    """
    quiet_environment()
    if all(name in sys.modules for name in modules):  # what is garbage by now is not to be kept for good
        return
    was_on = gc.isenabled()
    gc.disable()
    try:
        with suppress(ImportError):
            for name in modules:
                import_module(name)
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def quiet_libraries() -> None:
    """Switch off the bars and notes of transformers and datasets, once they are imported."""
    import datasets
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()
