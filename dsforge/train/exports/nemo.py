"""NeMo Automodel: conversations read by its ChatDataset, and the YAML file of a recipe.

It is the strictest of readers: the first row that does not fit ends the run, in the middle of an epoch. What it takes
out without a word are images, which rows therefore must not hold.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsforge.example import JSON
from dsforge.feature import Feature
from dsforge.train.config import Full, Lora, TrainConfig
from dsforge.train.exporter import (
    TEMPLATE,
    TRAIN,
    VALIDATION,
    Absent,
    Counterpart,
    Export,
    MethodForm,
    Order,
    Values,
    nested,
    only,
    run_folder,
    steps_of,
    whole,
    yaml_text,
)

_DATASET = "nemo_automodel.components.datasets.llm.chat_dataset.ChatDataset"
_STYLES = {"cosine": "cosine", "linear": "linear", "constant": "constant", "constant_with_warmup": "constant"}
_OPTIMIZERS = ("adamw_torch", "adamw_torch_fused")


def _dtype(value: JSON, config: TrainConfig) -> Values:
    if value == "auto":
        value = "float32" if isinstance(config.peft, Full) else "bfloat16"
    return {"model.torch_dtype": value}


def _targets(value: JSON, config: TrainConfig) -> Values | Absent:
    if value == "all-linear":
        return {"peft.match_all_linear": True}
    return {"peft.target_modules": value if isinstance(value, list) else [value]}


def _schedule(value: JSON, config: TrainConfig) -> Values | Absent:
    if value in _STYLES:
        return {"lr_scheduler.lr_decay_style": _STYLES[str(value)], "lr_scheduler.min_lr": 0.0}
    return Absent("it knows cosine, linear and constant; cosine holds")


def _optim(value: JSON, config: TrainConfig) -> Values | Absent:
    if value in _OPTIMIZERS:
        return {}
    return Absent("AdamW holds: name another class at optimizer._target_")


def _batch(value: JSON, config: TrainConfig) -> Values:
    """Its batch of a step is that of all GPUs together; one is counted on."""
    together = config.trl.get("gradient_accumulation_steps", 1)
    factor = together if isinstance(together, int) else 1
    size = value if isinstance(value, int) else 1
    return {"step_scheduler.local_batch_size": size, "step_scheduler.global_batch_size": size * factor}


def _length(value: JSON, config: TrainConfig) -> Values:
    return {"dataset.seq_length": value, "dataset.truncation": True} if value else {}


def _packing(value: JSON, config: TrainConfig) -> Values | Absent:
    if not value:
        return {}
    if config.max_length is None:
        return Absent("it packs to a length: set trl.max_length")
    return {"packed_sequence.packed_sequence_size": config.max_length}


def _save(value: JSON, config: TrainConfig) -> Values:
    """Without a checkpoint nothing would be left; the last one is the model."""
    return {"step_scheduler.ckpt_every_steps": None, "step_scheduler.save_checkpoint_every_epoch": True}


def _sampling(value: JSON, config: TrainConfig) -> Values | Absent:
    if value == "group_by_length":
        return {"dataloader.group_by_length": True}
    return {} if value == "random" else Absent("it knows random and group_by_length")


_SETTINGS: dict[str, Counterpart] = {
    "data.too_long": only("cut", "it has no such choice: rows over seq_length are cut"),
    "model.path": "model.pretrained_model_name_or_path",
    "model.revision": "model.revision",
    "model.dtype": _dtype,
    "model.template": lambda value, config: {} if value == "auto" else {"dataset.chat_template": TEMPLATE},
    "model.trust_remote_code": "model.trust_remote_code",
    "peft.r": "peft.dim",
    "peft.lora_alpha": lambda value, config: {"peft.alpha": whole(value)},
    "peft.lora_dropout": "peft.dropout",
    "peft.target_modules": _targets,
    "peft.quantize": only(None, "the weights are not quantised here"),
    "peft.use_dora": "peft.use_dora",
    "run.name": lambda value, config: {"checkpoint.checkpoint_dir": run_folder(config)},
    "run.overwrite": only(False, "it goes on from a checkpoint that stands in checkpoint_dir"),
    "run.seed": "seed",
    "run.max_steps": "step_scheduler.max_steps",
    "trl.learning_rate": "optimizer.lr",
    "trl.weight_decay": "optimizer.weight_decay",
    "trl.adam_epsilon": "optimizer.eps",
    "trl.adam_beta1": "beta1",
    "trl.adam_beta2": "beta2",
    "trl.optim": _optim,
    "trl.max_grad_norm": "clip_grad_norm.max_norm",
    "trl.num_train_epochs": "step_scheduler.num_epochs",
    "trl.per_device_train_batch_size": _batch,
    "trl.gradient_accumulation_steps": lambda value, config: {},  # with the batch
    "trl.per_device_eval_batch_size": "validation_dataloader.batch_size",
    "trl.lr_scheduler_type": _schedule,
    "trl.warmup_steps": "warmup",
    "trl.max_length": _length,
    "trl.packing": _packing,
    "trl.gradient_checkpointing": "distributed.activation_checkpointing",
    "trl.neftune_noise_alpha": "neftune.noise_alpha",
    "trl.train_sampling_strategy": _sampling,
    "trl.save_strategy": _save,
    "trl.logging_steps": "step_scheduler.log_remote_every_steps",
    "trl.eval_strategy": only("epoch", "it validates at each checkpoint"),
    "trl.bf16": only(True, "it computes in the type the model is loaded in: set model.dtype"),
    "trl.report_to": only("none", "it has sections for each service, as wandb"),
}


def _write(order: Order) -> dict[str, str]:
    values = dict(order.values)
    data = {key: values.pop(key) for key in list(values) if key.startswith("dataset.")}
    data |= {"dataset._target_": _DATASET, "dataset.split": "train"}
    ours: Values = {
        "recipe": "TrainFinetuneRecipeForNextTokenPrediction",
        "model._target_": "nemo_automodel.NeMoAutoModelForCausalLM.from_pretrained",
        "optimizer._target_": "torch.optim.AdamW",
        "optimizer.betas": [values.pop("beta1"), values.pop("beta2")],
        "lr_scheduler.lr_warmup_steps": steps_of(values.pop("warmup", 0), order),
        "loss_fn._target_": "nemo_automodel.components.loss.masked_ce.MaskedCrossEntropy",
        "distributed.strategy": "fsdp2",
        "dataloader._target_": "torchdata.stateful_dataloader.StatefulDataLoader",
        "dataloader.collate_fn": "nemo_automodel.components.datasets.utils.default_collater",
        "dataloader.shuffle": True,
        **data,
        "dataset.path_or_dataset_id": TRAIN,
        "checkpoint.enabled": True,
        "checkpoint.model_save_format": "safetensors",
        "checkpoint.save_consolidated": "final",
    }
    if isinstance(order.config.peft, Lora):
        ours["peft._target_"] = "nemo_automodel.components._peft.lora.PeftConfig"
    if order.has_validation:
        ours |= {f"validation_{key}": value for key, value in data.items()}
        ours |= {
            "validation_dataset.path_or_dataset_id": VALIDATION,
            "validation_dataloader._target_": "torchdata.stateful_dataloader.StatefulDataLoader",
            "validation_dataloader.collate_fn": "nemo_automodel.components.datasets.utils.default_collater",
        }
    else:
        values.pop("validation_dataloader.batch_size", None)
    header = ("NeMo Automodel 0.7. From this folder: automodel train.yaml",)
    return {"train.yaml": yaml_text(nested({**values, **ours}), header)}


def _notes(config: TrainConfig) -> Iterable[str]:
    yield "global_batch_size and lr_warmup_steps are counted for one GPU"
    if config.trl.get("save_strategy", "no") != "epoch":
        yield "a checkpoint is written at the end of each epoch, for nothing else would be left of the run"


EXPORT = Export(
    name="nemo",
    title="NeMo Automodel",
    written_for="nemo_automodel 0.7.0",
    install='pip install "nemo-automodel==0.7.0"',
    methods={
        "sft": MethodForm(
            kind="conversation",
            format="chatml",
            options={"tools": "text"},
            lacks=frozenset(
                {
                    Feature.IMAGES,
                    Feature.AUDIO,
                    Feature.VIDEO,
                    Feature.WEIGHTS,
                    Feature.FRACTIONAL_WEIGHTS,
                    Feature.NAMES,
                    Feature.LABEL,
                }
            ),
            command="automodel train.yaml",
        )
    },
    settings=_SETTINGS,
    fill={"tools": "[]"},
    write=_write,
    notes=_notes,
)
