"""A model of transformers built from its config.json on the meta device, where weights have shapes but no memory."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsforge.errors import ConfigError
from dsforge.extras import require

ALL_LINEAR = "all-linear"


@dataclass(frozen=True)
class Built:
    """The parameters of a model, and those of its LoRA adapter, as transformers and PEFT count them."""

    parameters: int
    adapter: int


def read_config(path: str | Path) -> Any:
    """The transformers configuration of a folder with a config.json, or of the file itself.

    Code that comes with a model is never run: an architecture that transformers does not have is an error.

    Raises:
        ConfigError: transformers does not have the architecture, or the file does not fit.
        MissingExtraError: transformers is not installed.
    """
    transformers = require("transformers", "train", "counting a model from its config.json")
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    try:
        return transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(f"{path}: transformers cannot read it: {reason}") from error


def standard_geometry(config: Any) -> dict[str, Any]:
    """What nearly every decoder's configuration says of its size, by the names of dsforge's facts.

    Raises:
        ConfigError: it does not say one of them.
    """
    text = config.get_text_config()
    names = {
        "hidden_size": "hidden_size", "layers": "num_hidden_layers", "heads": "num_attention_heads",
        "intermediate_size": "intermediate_size", "vocab_size": "vocab_size",
    }  # fmt: skip
    facts = {ours: getattr(text, theirs, None) for ours, theirs in names.items()}
    if missing := [names[fact] for fact, value in facts.items() if not isinstance(value, int)]:
        raise ConfigError(f"a {text.model_type} model does not state {', '.join(missing)}")
    heads = text.num_attention_heads
    return {
        **facts,
        "kv_heads": getattr(text, "num_key_value_heads", None) or heads,
        "head_dim": getattr(text, "head_dim", None) or text.hidden_size // heads,
        "tied_embeddings": bool(getattr(text, "tie_word_embeddings", False)),
    }


def build_model(config: Any) -> Any:
    """The causal language model of a configuration, on the meta device."""
    torch = require("torch", "train", "building a model from its config.json")
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, trust_remote_code=False)
    except (ValueError, TypeError, AttributeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(f"transformers cannot build a {config.model_type} model: {reason}") from error


def add_adapter(model: Any, rank: int, targets: str | Sequence[str] = ALL_LINEAR) -> Any:
    """`model` with the LoRA adapter that PEFT puts on it; its own weights are frozen.

    Raises:
        ConfigError: no matrix of the model is called as `targets` say.
    """
    require("peft", "train", "counting an adapter")
    from peft import LoraConfig, get_peft_model

    wanted = targets if isinstance(targets, str) else list(targets)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lora = LoraConfig(r=rank, target_modules=wanted, task_type="CAUSAL_LM")
            return get_peft_model(model, lora, low_cpu_mem_usage=True)
    except ValueError as error:
        raise ConfigError(f"PEFT refuses the adapter: {' '.join(str(error).split())}") from error


def count_built(path: str | Path, rank: int, targets: str | Sequence[str] = ALL_LINEAR) -> Built:
    """The parameters of the model of a config.json and of its adapter: exact."""
    model = build_model(read_config(path))
    total = model.num_parameters()
    adapted = add_adapter(model, rank, targets)
    return Built(total, sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad))
