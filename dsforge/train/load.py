"""Tokenizer and model of a run, with errors a person can act on."""

from __future__ import annotations

from typing import Any

from dsforge.tokens import pretrained
from dsforge.tokens.pretrained import hub_answers, training_template, unloadable
from dsforge.train.adapter import quantization
from dsforge.train.config import PathModel, TrainConfig

__all__ = ["load_model", "load_tokenizer", "training_template"]


def load_tokenizer(model: PathModel) -> Any:
    """A fast tokenizer of transformers, with a padding token; InputError where it cannot be had."""
    return pretrained.load_tokenizer(model.path, revision=model.revision, trust_remote_code=model.trust_remote_code)


def load_model(model: PathModel, config: TrainConfig, *, scores: bool = False) -> Any:
    """The model in the wanted dtype, with `scores` one that gives a single number; InputError where it cannot be had.

    A head that is not in the checkpoint is random, by the run's seed.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, set_seed

    kind = AutoModelForSequenceClassification if scores else AutoModelForCausalLM
    set_seed(config.run.seed)
    try:
        return kind.from_pretrained(
            model.path,
            **({"num_labels": 1} if scores else {}),
            revision=model.revision,
            dtype=weights_dtype(model, config),
            **quantization(model, config.peft),
            trust_remote_code=model.trust_remote_code,
            local_files_only=not hub_answers(model.path),
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise unloadable("model", model.path, error, "model.path") from error


def weights_dtype(model: PathModel, config: TrainConfig) -> str:
    """Always said: trainers load float32 when nobody does. Weights that are trained stay in float32."""
    import torch

    if model.dtype != "auto":
        return model.dtype
    return "auto" if torch.cuda.is_available() and config.peft.is_adapter else "float32"
