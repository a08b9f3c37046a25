"""torchtune: conversations of roles and texts, and a shell script that runs a recipe of its own.

Its configurations know the models (which classes, which files), and what we say goes over them as KEY=VALUE. Calls of
tools it does not read: it would train the message before them a second time, so such rows must not be written.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from dsforge.errors import ConfigError
from dsforge.example import JSON
from dsforge.feature import Feature
from dsforge.train.config import Full, Lora, TrainConfig
from dsforge.train.exporter import (
    TRAIN,
    Absent,
    Counterpart,
    Export,
    MethodForm,
    Order,
    Values,
    in_one_line,
    only,
    run_folder,
    steps_of,
)

_MODELS = {
    r"qwen2-(0\.5|1\.5|7)b-instruct": "qwen2/{}B",
    r"qwen2\.5-(0\.5|1\.5|3|7)b-instruct": "qwen2_5/{}B",
    r"(?:meta-)?llama-3-(8)b-instruct": "llama3/{}B",
    r"(?:meta-)?llama-3\.1-(8)b-instruct": "llama3_1/{}B",
    r"llama-3\.2-(1|3)b-instruct": "llama3_2/{}B",
}
"""Names of models, in small letters, to the configurations for one GPU that torchtune 0.6.1 has of both recipes."""
_SCHEDULE = "torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup"
_MLP = {"gate_proj", "up_proj", "down_proj"}
_ATTENTION = ("q_proj", "k_proj", "v_proj", "output_proj")


def configuration_of(model: str) -> str:
    """What torchtune's configurations of a model are called; ConfigError where it has none."""
    name = model.rstrip("/").rpartition("/")[2].lower()
    for pattern, configuration in _MODELS.items():
        if found := re.fullmatch(pattern, name):
            return configuration.format(found[1])
    raise ConfigError(
        f"torchtune's own configurations know no model of the name {name!r}: it has Qwen2 and Qwen2.5 (0.5B to 7B), "
        "Llama 3 and 3.1 (8B) and Llama 3.2 (1B, 3B), each Instruct"
    )


def _model(value: JSON, config: TrainConfig) -> Values:
    """The hub's name is for `tune download`; a folder here is where the files are."""
    configuration, folder = configuration_of(str(value)), Path(str(value))
    if not folder.is_dir():
        return {}
    if configuration.startswith("qwen"):
        files: Values = {"tokenizer.path": f"{folder}/vocab.json", "tokenizer.merges_file": f"{folder}/merges.txt"}
    else:
        files = {"tokenizer.path": f"{folder}/original/tokenizer.model"}
    return {"checkpointer.checkpoint_dir": value, **files}


def _dtype(value: JSON, config: TrainConfig) -> Values | Absent:
    if value == "float16":
        return Absent("it trains in bf16 or fp32")
    wide = value == "float32" or (value == "auto" and isinstance(config.peft, Full))
    return {"dtype": "fp32" if wide else "bf16"}


def _targets(value: JSON, config: TrainConfig) -> Values | Absent:
    if value == "all-linear":
        return {"model.lora_attn_modules": list(_ATTENTION), "model.apply_lora_to_mlp": True}
    if not isinstance(value, list):
        return Absent("it takes names of modules, no pattern")
    names = {"output_proj" if name == "o_proj" else str(name) for name in value}
    if names & _MLP not in (set(), _MLP) or names - _MLP - set(_ATTENTION):
        return Absent("it takes q_proj, k_proj, v_proj, o_proj, and the three of the MLP together")
    attention: list[JSON] = [name for name in _ATTENTION if name in names]
    return {"model.lora_attn_modules": attention, "model.apply_lora_to_mlp": bool(names & _MLP)}


def _optim(value: JSON, config: TrainConfig) -> Values | Absent:
    if value in ("adamw_torch", "adamw_torch_fused"):
        return {"optimizer._component_": "torch.optim.AdamW", "optimizer.fused": value == "adamw_torch_fused"}
    return Absent("AdamW holds: name another class at optimizer._component_")


_SETTINGS: dict[str, Counterpart] = {
    "data.too_long": only("cut", "it has no such choice: rows over max_seq_len are cut"),
    "model.path": _model,
    "model.revision": Absent("it downloads the model apart from the run: name the folder as model.path"),
    "model.dtype": _dtype,
    "model.template": only("auto", "the tokenizer's own prompt format holds: see tokenizer.prompt_template"),
    "model.trust_remote_code": Absent("it runs no code that comes with a model"),
    "peft.r": "model.lora_rank",
    "peft.lora_alpha": "model.lora_alpha",
    "peft.lora_dropout": "model.lora_dropout",
    "peft.target_modules": _targets,
    "peft.quantize": only(None, "its quantised builders are others than those named here"),
    "peft.use_dora": "model.use_dora",
    "run.name": lambda value, config: {"output_dir": run_folder(config)},
    "run.overwrite": only(False, "it writes into output_dir, whatever stands there"),
    "run.seed": "seed",
    "run.max_steps": Absent("it counts steps by the epoch: set max_steps_per_epoch"),
    "trl.learning_rate": "optimizer.lr",
    "trl.weight_decay": "optimizer.weight_decay",
    "trl.adam_epsilon": "optimizer.eps",
    "trl.adam_beta1": "beta1",
    "trl.adam_beta2": "beta2",
    "trl.optim": _optim,
    "trl.max_grad_norm": "clip_grad_norm",
    "trl.num_train_epochs": lambda value, config: (
        {"epochs": int(value)} if isinstance(value, (int, float)) and float(value).is_integer()
        else Absent("it trains whole epochs: that of its configuration holds")
    ),
    "trl.per_device_train_batch_size": "batch_size",
    "trl.per_device_eval_batch_size": Absent("its recipe for one GPU does not validate"),
    "trl.gradient_accumulation_steps": "gradient_accumulation_steps",
    "trl.lr_scheduler_type": only("cosine", "cosine holds: name another at lr_scheduler._component_"),
    "trl.warmup_steps": "warmup",
    "trl.max_length": "tokenizer.max_seq_len",
    "trl.packing": "dataset.packed",
    "trl.gradient_checkpointing": "enable_activation_checkpointing",
    "trl.torch_compile": "compile",
    "trl.logging_steps": "log_every_n_steps",
    "trl.save_strategy": only("no", "it saves at the end of each epoch"),
    "trl.eval_strategy": Absent("its recipe for one GPU does not validate"),
    "trl.bf16": only(True, "set model.dtype"),
    "trl.report_to": only("none", "it writes to a file: name another logger at metric_logger._component_"),
}  # fmt: skip


def _write(order: Order) -> dict[str, str]:
    values = dict(order.values)
    lora = isinstance(order.config.peft, Lora)
    kind = "lora" if lora else "full"
    values["optimizer.betas"] = [values.pop("beta1"), values.pop("beta2")]
    values |= {
        "lr_scheduler._component_": _SCHEDULE,
        "lr_scheduler.num_warmup_steps": steps_of(values.pop("warmup", 0), order),
        "dataset._component_": "torchtune.datasets.chat_dataset",
        "dataset.source": "json",
        "dataset.data_files": TRAIN,
        "dataset.split": "train",
        "dataset.conversation_column": "messages",
        "dataset.conversation_style": "openai",
        "dataset.train_on_input": False,
        **({} if lora else {"optimizer_in_bwd": False}),
    }
    path = getattr(order.config.model, "path", "")
    configuration = f"{configuration_of(path)}_{kind}_single_device"
    download = "" if Path(path).is_dir() else f"#\n# First: tune download {' '.join(path.split())}\n"
    words = [f"tune run {kind}_finetune_single_device --config {configuration}", *map(_override, values.items())]
    return {"train.sh": "#!/bin/sh\n# torchtune 0.6.1. From this folder: sh train.sh\n" + download + "exec "
            + " \\\n  ".join(words) + "\n"}  # fmt: skip


def _override(item: tuple[str, JSON]) -> str:
    """KEY=VALUE as OmegaConf reads it, JSON being YAML, and as a word of the shell."""
    key, value = item
    text = in_one_line(json.dumps(value, ensure_ascii=False)).replace("${", "\\\\${")  # which OmegaConf would fill in
    return shlex.quote(f"{key}={text}")


def _notes(config: TrainConfig) -> Iterable[str]:
    yield "torchtune is no longer maintained; the script is for one GPU, and counts the steps of the warm-up so"
    if config.data.validation is not None:
        yield "torchtune's recipe for one GPU does not validate: data/validation.jsonl is not read"
    if config.trl.get("packing"):
        yield "a packed row over max_seq_len ends the run"
    else:
        yield "of a row over max_seq_len torchtune overwrites the last token with the end mark"


EXPORT = Export(
    name="torchtune",
    title="torchtune",
    written_for="torchtune 0.6.1",
    install='pip install "torchtune==0.6.1" torchao',
    methods={
        "sft": MethodForm(
            kind="conversation",
            format="chatml",
            lacks=frozenset(
                {
                    Feature.TOOLS,
                    Feature.TOOL_CALLS,
                    Feature.REASONING,
                    Feature.IMAGES,
                    Feature.AUDIO,
                    Feature.VIDEO,
                    Feature.WEIGHTS,
                    Feature.FRACTIONAL_WEIGHTS,
                    Feature.NAMES,
                    Feature.LABEL,
                    Feature.DEVELOPER,
                }
            ),
            command="sh train.sh",
        )
    },
    settings=_SETTINGS,
    over_limit=lambda config: "stops" if config.trl.get("packing") else "cut",
    write=_write,
    notes=_notes,
)
