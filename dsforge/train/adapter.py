"""Adapters of PEFT: any of its methods, by the path of its configuration class."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from typing import Any

from dsforge.errors import ConfigError, did_you_mean
from dsforge.train.arguments import check_names, make
from dsforge.train.config import Adapter, Full, PathModel, TrainConfig

_NOT_ARGUMENTS = frozenset({"peft_type", "auto_mapping", "task_type"})
_CANNOT = {
    "PolyConfig": "it wants a task of each row",
    "MultitaskPromptTuningConfig": "it wants a task of each row",
    "XLoraConfig": "it mixes adapters that are trained already",
    "CPTConfig": "it wants the kind of each token, which rows of dsforge do not say",
    "CartridgeConfig": "it is trained by distillation from a longer context",
}
"""Methods of PEFT that no trainer of TRL can train from rows, and why."""


def check_adapter(config: TrainConfig) -> None:
    """ConfigError where PEFT would refuse an argument, or take it in silence; nothing is loaded for it."""
    peft = config.peft
    if isinstance(peft, Full):
        return
    kind = _class_of(peft)
    known = {field.name for field in fields(kind)} - _NOT_ARGUMENTS
    check_names(set(peft.arguments), known, "peft", f"PEFT's {kind.__name__}")
    adapter_config(peft)
    if peft.quantize:
        _check_bitsandbytes(peft.quantize)
    if config.merge and _is_prompt(kind):
        raise ConfigError(f"merge=true: peft={peft.name} puts tokens before a row, which no weights can hold")
    if kind.__name__ == "PrefixTuningConfig" and config.trl.get("gradient_checkpointing"):
        raise ConfigError("peft=prefix-tuning does not go with trl.gradient_checkpointing=true: set it to false")


def adapter_config(peft: Adapter, *, scores: bool = False) -> Any:
    """PEFT's configuration; `scores` for a model that gives a number rather than words."""
    kind = _class_of(peft)
    task = {"task_type": "SEQ_CLS" if scores else "CAUSAL_LM"}
    if kind.__name__ == "AdaLoraConfig":
        return make("peft", kind, {**task, **_adalora(peft.arguments)})
    return make("peft", kind, {**task, **peft.arguments})


def _adalora(arguments: dict[str, Any]) -> dict[str, Any]:
    """Its schedule is told to it once the steps are known; until then any number above its two phases will do."""
    if arguments.get("total_step") is not None:
        return arguments
    phases = [arguments.get(name) or 0 for name in ("tinit", "tfinal")]
    return {**arguments, "total_step": sum(phase for phase in phases if isinstance(phase, int)) + 1}


def adapter_callbacks(peft: Full | Adapter) -> list[Any]:
    """What the trainer has to call besides: AdaLoRA moves its ranks between layers after each step."""
    if isinstance(peft, Full) or _class_of(peft).__name__ != "AdaLoraConfig":
        return []
    from transformers import TrainerCallback

    said = peft.arguments.get("total_step") is not None

    class Ranks(TrainerCallback):  # type: ignore[misc]
        """Tells AdaLoRA how long the training is, and lets it move its ranks."""

        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
            settings = model.peft_config["default"]
            phases = settings.tinit + settings.tfinal
            steps = settings.total_step if said else state.max_steps
            if steps <= phases:
                raise ConfigError(
                    f"peft=adalora: {steps} steps are not more than peft.tinit + peft.tfinal ({phases}): lower them"
                )
            settings.total_step = steps
            model.base_model.rankallocator.set_total_step(steps)

        def on_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
            if any(weight.grad is not None for weight in model.parameters()):
                model.base_model.update_and_allocate(state.global_step + 1)

    return [Ranks()]


def _class_of(peft: Adapter) -> Any:
    """The configuration class at the path `peft.target`; ConfigError where there is none that trains from rows."""
    from peft import PeftConfig

    module, _, name = peft.target.rpartition(".")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"peft.target={peft.target} is no class that can be imported{_near(peft.target, _known())}"
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, PeftConfig)) or kind is PeftConfig:
        raise ConfigError(f"peft.target={peft.target} is no configuration of PEFT{_near(peft.target, _known())}")
    if kind.__name__ in _CANNOT:
        raise ConfigError(f"peft.target={peft.target} cannot be trained here: {_CANNOT[kind.__name__]}")
    return kind


def _known() -> list[str]:
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    names = {kind.__name__ for kind in PEFT_TYPE_TO_CONFIG_MAPPING.values()} - set(_CANNOT)
    return sorted(f"peft.{name}" for name in names)


def _near(word: str, known: list[str]) -> str:
    return did_you_mean(word, known)


def _is_prompt(kind: Any) -> bool:
    from peft import PromptLearningConfig

    return issubclass(kind, PromptLearningConfig)


def _check_bitsandbytes(quantize: str) -> None:
    try:
        import_module("bitsandbytes")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"peft.quantize={quantize} needs bitsandbytes, which is not installed: pip install 'dsforge[qlora]'"
        ) from error
    except (ImportError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"peft.quantize={quantize}: bitsandbytes does not load here: {reason}") from error


def quantization(model: PathModel, peft: Full | Adapter) -> dict[str, Any]:
    """Arguments with which transformers loads a model with its frozen weights quantised; none where they are not.

    Four bits are kept with double quantisation and computed with in bfloat16, in float16 where model.dtype says so.
    """
    if peft.quantize is None:
        return {}
    import torch
    from transformers import BitsAndBytesConfig

    if peft.quantize == "int8":
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    half = torch.float16 if model.dtype == "float16" else torch.bfloat16
    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=peft.quantize,
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=half,
        )
    }
