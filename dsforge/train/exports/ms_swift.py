"""ms-swift: its own rows, and a YAML file of arguments.

Without `strict` it deletes the rows that do not fit, with no more than a line in the log; without `use_hf` it looks for
the model on ModelScope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from dsforge.example import JSON
from dsforge.train.config import Full, Lora, TrainConfig
from dsforge.train.exporter import (
    NO_PRECOMPUTING,
    SAME_ARGUMENTS,
    TRAIN,
    VALIDATION,
    Absent,
    Counterpart,
    Export,
    Kind,
    MethodForm,
    Order,
    Values,
    only,
    output_dir,
    quantised,
    yaml_text,
)


def _dtype(value: JSON, config: TrainConfig) -> Values:
    if value == "auto":
        return {"torch_dtype": "float32"} if isinstance(config.peft, Full) else {}
    return {"torch_dtype": value}


def _targets(value: JSON, config: TrainConfig) -> Values:
    if isinstance(value, list):
        return {"target_modules": value}
    return {"target_modules": [value]} if value == "all-linear" else {"target_regex": value}


def _packing(value: JSON, config: TrainConfig) -> Values:
    return {"packing": True, "attn_impl": "flash_attention_2"} if value else {"packing": False}


def _save(value: JSON, config: TrainConfig) -> Values:
    """It leaves nothing but checkpoints, so that without one the run would leave nothing."""
    if value not in ("no", False):
        return {"save_strategy": value}
    return {"save_strategy": "epoch", "save_total_limit": 1, "save_only_model": True}


_SETTINGS: dict[str, Counterpart] = {
    **SAME_ARGUMENTS,
    "data.too_long": lambda value, config: {"truncation_strategy": "right" if value == "cut" else "delete"},
    "model.path": lambda value, config: {"model": value, "use_hf": True},
    "model.revision": "model_revision",
    "model.dtype": _dtype,
    "model.template": only("auto", "it knows templates by the names of its own: set template there"),
    "model.trust_remote_code": lambda value, config: {},  # always, which a note says
    "peft.r": "lora_rank",
    "peft.lora_alpha": "lora_alpha",
    "peft.lora_dropout": "lora_dropout",
    "peft.target_modules": _targets,
    "peft.target_parameters": "target_parameters",
    "peft.quantize": quantised(
        {"quant_method": "bnb", "quant_bits": 4},
        {"quant_method": "bnb", "quant_bits": 8},
        {"bnb_4bit_quant_type": "type", "bnb_4bit_use_double_quant": True, "bnb_4bit_compute_dtype": "bfloat16"},
    ),
    "peft.use_rslora": "use_rslora",
    "peft.use_dora": "use_dora",
    "peft.modules_to_save": "modules_to_save",
    "peft.bias": lambda value, config: (
        {"lora_bias": value} if value in ("none", "all") else Absent("it knows none and all")
    ),
    "run.name": output_dir,
    "run.overwrite": only(False, "it writes into output_dir, whatever stands there"),
    "run.seed": lambda value, config: {"seed": value, "data_seed": value},
    "run.max_steps": "max_steps",
    "trl.max_length": "max_length",
    "trl.packing": _packing,
    "trl.save_strategy": _save,
    "trl.gradient_checkpointing": "gradient_checkpointing",
    "trl.gradient_checkpointing_kwargs": "gradient_checkpointing_kwargs",
    "trl.use_liger_kernel": "use_liger_kernel",
}


def _write(order: Order) -> dict[str, str]:
    data: Values = {"dataset": [TRAIN], **({"val_dataset": [VALIDATION]} if order.has_validation else {})}
    ours: Values = {
        "tuner_type": "lora" if isinstance(order.config.peft, Lora) else "full",
        **data,
        "split_dataset_ratio": 0.0,
        "strict": True,
        "add_version": False,
    }
    header = (f"ms-swift 4.6. From this folder: {order.command}",)
    return {"train.yaml": yaml_text({**order.values, **ours}, header)}


def _notes(config: TrainConfig) -> Iterable[str]:
    if not getattr(config.model, "trust_remote_code", True):
        yield "ms-swift always runs the code that comes with a model, as if model.trust_remote_code were true"
    if config.trl.get("save_strategy", "no") in ("no", False):
        yield "ms-swift leaves checkpoints alone: the last one is saved at the end of each epoch (save_strategy: epoch)"
    if config.data.too_long == "reject":
        yield "strict: true stops the run at the first row over max_length, which otherwise would vanish without a word"
    if Path(getattr(config.model, "path", "")).is_dir():
        yield "ms-swift knows a model by its name: where a folder has another, model_type and template are asked for"
    if config.max_length is None:
        yield "no limit of length was set: rows over the model's own are cut"


def _form(kind: Kind, rlhf_type: str = "", settings: Mapping[str, Counterpart] | None = None) -> MethodForm:
    return MethodForm(
        kind=kind,
        format="swift",
        command=f"swift {'rlhf' if rlhf_type else 'sft'} train.yaml",
        values={"rlhf_type": rlhf_type} if rlhf_type else {},
        settings=settings or {},
    )


EXPORT = Export(
    name="ms-swift",
    title="ms-swift",
    written_for="ms-swift 4.6.0",
    install='pip install "ms-swift==4.6.0"',
    methods={
        "sft": _form("conversation"),
        "dpo": _form(
            "pair",
            "dpo",
            {
                "trl.beta": "beta",
                "trl.label_smoothing": "label_smoothing",
                "trl.ld_alpha": "ld_alpha",
                **NO_PRECOMPUTING,
                "trl.loss_type": lambda value, config: {"loss_type": value if isinstance(value, list) else [value]},
                "trl.loss_weights": "loss_weights",
            },
        ),
        "orpo": _form("pair", "orpo", {"trl.beta": "beta"}),
        "kto": _form(
            "label",
            "kto",
            {
                "trl.beta": "beta",
                "trl.desirable_weight": "desirable_weight",
                "trl.undesirable_weight": "undesirable_weight",
                "trl.loss_type": only("kto", "of TRL's losses for labelled answers it has kto"),
                **NO_PRECOMPUTING,
            },
        ),
        "reward": _form("pair", "rm", {"trl.center_rewards_coefficient": "center_rewards_coefficient"}),
    },
    settings=_SETTINGS,
    fill={"tools": "[]"},
    over_limit=lambda config: "cut" if config.data.too_long == "cut" else "stops",
    write=_write,
    notes=_notes,
)
