"""Axolotl: conversations read by its chat_template strategy, and a YAML file.

What it would decide by itself is written out: which roles are trained and which turns are not, where the tools and the
reasoning stand, and what becomes of rows over the limit, which it leaves out by default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dsforge.example import JSON
from dsforge.feature import Feature
from dsforge.train.config import Full, Lora, TrainConfig
from dsforge.train.exporter import (
    NO_PACKING,
    TEMPLATE,
    TRAIN,
    VALIDATION,
    Absent,
    Counterpart,
    Export,
    MethodForm,
    Order,
    Values,
    only,
    output_dir,
    own_template,
    whole,
    yaml_text,
)

_NO_LIMIT = 131072
"""Axolotl's sequence_len is 512 where nothing is said; this is longer than most models read."""


def _dtype(value: JSON, config: TrainConfig) -> Values | Absent:
    if value == "bfloat16" and isinstance(config.peft, Full):
        return {"bfloat16": True}
    if value == "float16":
        return Absent("it loads the model in the type it computes in: set trl.fp16=true")
    return {}


def _template(value: JSON, config: TrainConfig) -> Values:
    if value == "auto":
        return {"chat_template": "tokenizer_default"}
    return {"chat_template": "jinja", "chat_template_jinja": TEMPLATE}


def _targets(value: JSON, config: TrainConfig) -> Values:
    return {"lora_target_linear": True} if value == "all-linear" else {"lora_target_modules": value}


def _warmup(value: JSON, config: TrainConfig) -> Values:
    """Below 1 a share of all steps, as in transformers 5."""
    if isinstance(value, float) and 0 < value < 1:
        return {"warmup_ratio": value}
    return {"warmup_steps": whole(value)}


def _packing(value: JSON, config: TrainConfig) -> Values:
    """Packing without flash attention would let rows read one another."""
    if value:
        return {"sample_packing": True, "eval_sample_packing": False, "attn_implementation": "flash_attention_2"}
    return {"sample_packing": False}


def _sampling(value: JSON, config: TrainConfig) -> Values | Absent:
    if value == "group_by_length":
        return {"group_by_length": True}
    return {} if value == "random" else Absent("it knows random and group_by_length")


def _report(value: JSON, config: TrainConfig) -> Values | Absent:
    """It reports nowhere unless a service is configured by its own keys."""
    return {} if value in ("none", [], ["none"]) else Absent("it has keys for each service, as wandb_project")


_SETTINGS: dict[str, Counterpart] = {
    **{f"trl.{name}": name for name in (
        "learning_rate", "gradient_accumulation_steps", "lr_scheduler_kwargs", "weight_decay", "adam_beta1",
        "adam_beta2", "adam_epsilon", "max_grad_norm", "optim_args", "logging_steps", "eval_strategy", "eval_steps",
        "save_strategy", "save_steps", "save_total_limit", "save_only_model", "bf16", "tf32",
        "neftune_noise_alpha", "dataloader_num_workers", "gradient_checkpointing", "gradient_checkpointing_kwargs",
        "torch_compile", "dataloader_drop_last",
    )},
    "data.too_long": lambda value, config: {"excess_length_strategy": "truncate" if value == "cut" else "drop"},
    "model.path": "base_model",
    "model.revision": "revision_of_model",
    "model.dtype": _dtype,
    "model.template": _template,
    "model.trust_remote_code": "trust_remote_code",
    "peft.r": "lora_r",
    "peft.lora_alpha": lambda value, config: {"lora_alpha": whole(value)},
    "peft.lora_dropout": "lora_dropout",
    "peft.target_modules": _targets,
    "peft.target_parameters": "lora_target_parameters",
    "peft.quantize": lambda value, config: (
        Absent("it has four bits as nf4 alone") if value == "fp4"
        else {} if value is None else {"load_in_8bit": True} if value == "int8" else {"load_in_4bit": True}
    ),
    "peft.use_rslora": "peft_use_rslora",
    "peft.use_dora": "peft_use_dora",
    "peft.modules_to_save": "lora_modules_to_save",
    "run.name": output_dir,
    "run.overwrite": only(False, "it writes into output_dir, whatever stands there"),
    "run.seed": "seed",
    "run.max_steps": "max_steps",
    "trl.fp16": lambda value, config: {"fp16": True, "bf16": False} if value else {},  # else it takes bf16 where it can
    "trl.num_train_epochs": "num_epochs",
    "trl.per_device_train_batch_size": "micro_batch_size",
    "trl.per_device_eval_batch_size": "eval_batch_size",
    "trl.lr_scheduler_type": "lr_scheduler",
    "trl.warmup_steps": _warmup,
    "trl.optim": "optimizer",
    "trl.max_length": lambda value, config: {"sequence_len": value or _NO_LIMIT},
    "trl.packing": _packing,
    "trl.train_sampling_strategy": _sampling,
    "trl.report_to": _report,
}  # fmt: skip


def _dataset(file: str, order: Order) -> Values:
    if order.method == "dpo":
        return {"path": file, "type": "chat_template.default", "field_messages": "messages", "field_chosen": "chosen",
                "field_rejected": "rejected", "split": "train"}  # fmt: skip
    return {
        "path": file,
        "ds_type": "json",
        "type": "chat_template",
        "split": "train",
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
        "message_field_training": "training",
        "field_thinking": "reasoning_content",
        "template_thinking_key": "reasoning_content",
        "roles_to_train": ["assistant"],
        "train_on_eos": "turn",
        **({"field_tools": "tools"} if "tools" in order.columns else {}),
    }


def _adapter(peft: Lora) -> str:
    """Its name of LoRA, which is another beside weights of four bits."""
    return "qlora" if peft.quantize == "nf4" else "lora"


def _write(order: Order) -> dict[str, str]:
    tests: Values = {"test_datasets": [_dataset(VALIDATION, order)]} if order.has_validation else {"val_set_size": 0.0}
    ours: Values = {
        **({"adapter": _adapter(order.config.peft)} if isinstance(order.config.peft, Lora) else {}),
        "datasets": [_dataset(TRAIN, order)],
        **tests,
        "dataset_prepared_path": "prepared",
    }
    header = ("Axolotl 0.19. From this folder: axolotl train train.yaml",)
    return {"train.yaml": yaml_text({**order.values, **ours}, header)}


def _notes(config: TrainConfig) -> Iterable[str]:
    if isinstance(config.peft, Full) and getattr(config.model, "dtype", "") == "auto":
        yield "axolotl holds the weights in the type it computes in, where dsforge train keeps them in float32"
    if config.max_length is None:
        yield f"no limit of length was set, and axolotl always has one: sequence_len is {_NO_LIMIT:,}"
    if own_template(config) is None:
        yield "axolotl preprocess train.yaml --debug prints each token with what it is trained on"


_DPO: Mapping[str, Counterpart] = {
    "trl.beta": "rl_beta",
    "trl.label_smoothing": "dpo_label_smoothing",
    "trl.loss_type": lambda value, config: {"dpo_loss_type": value if isinstance(value, list) else [value]},
    "trl.loss_weights": "dpo_loss_weights",
    "trl.precompute_ref_log_probs": "precompute_ref_log_probs",
    **NO_PACKING,
}

EXPORT = Export(
    name="axolotl",
    title="axolotl",
    written_for="axolotl 0.19.0",
    install='pip install "axolotl==0.19.0"',
    methods={
        "sft": MethodForm(
            kind="conversation",
            format="axolotl",
            options={"tools": "text"},
            command="axolotl train train.yaml",
        ),
        "dpo": MethodForm(
            kind="pair",
            format="axolotl",
            # of each message it reads role and content, of each answer the last message
            lacks=frozenset(
                {
                    Feature.LONG_CONTINUATION,
                    Feature.TOOL_CALLS,
                    Feature.TOOLS,
                    Feature.REASONING,
                    Feature.IMAGES,
                    Feature.WEIGHTS,
                    Feature.NAMES,
                }
            ),
            command="axolotl train train.yaml",
            values={"rl": "dpo"},
            settings=_DPO,
        ),
    },
    settings=_SETTINGS,
    fill={"tools": "[]"},
    over_limit=lambda config: "cut" if config.data.too_long == "cut" else "dropped",
    write=_write,
    notes=_notes,
)
