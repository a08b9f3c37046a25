"""LLaMA-Factory: rows of ShareGPT that a dataset_info.json describes in full, and a YAML file of arguments.

A column that dataset_info.json does not list is not read, a role without its tag empties the row, and a listed column
that a row lacks stops the run: so every column that there is and all seven tags are written, and every row has every
column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from dsforge.example import JSON
from dsforge.feature import Feature
from dsforge.train.config import Full, Lora, TrainConfig
from dsforge.train.exporter import (
    NO_PACKING,
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
    own_template,
    quantised,
    whole,
    yaml_text,
)

_TAGS = {
    "role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
    "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system",
}  # fmt: skip
_COLUMNS = {
    "messages": "conversations", "system": "system", "tools": "tools", "images": "images", "videos": "videos",
    "audios": "audios", "chosen": "chosen", "rejected": "rejected", "kto_tag": "kto_tag",
}  # fmt: skip
_NO_LIMIT = 131072
"""LLaMA-Factory always cuts; this is longer than most models read."""

_SIZE = r"[\d.]+b(-a\d+b)?"
_PACKED = r"(-gptq-int[48]|-awq)?"
_TEMPLATES = {
    rf"qwen2(\.5)?-(math-|coder-)?{_SIZE}(-instruct)?(-1m)?{_PACKED}": "qwen",
    rf"qwen3-{_SIZE}(-base|-thinking-2507)?{_PACKED}": "qwen3",
    rf"qwen3-{_SIZE}-instruct-2507": "qwen3_nothink",
    rf"qwen3\.5-{_SIZE}(-base)?": "qwen3_5",
    r"(meta-)?llama-3(\.[123])?-(1|3|8|70|405)b-instruct": "llama3",
    r"gemma-3-(4|12|27)b-(it|pt)": "gemma3",
    r"gemma-2-\d+b-it": "gemma2",
    r"glm-4-9b-chat(-1m)?|glm-4-(9|32)b-0414": "glm4",
    r"chatglm3-6b": "chatglm3",
    r"mi(stral-7b|xtral-8x\d+b)-instruct-v0\.\d": "mistral",
    r"phi-4": "phi4",
    r"deepseek-r1(-.*)?": "deepseekr1",
    r"deepseek-v3(-0324)?": "deepseek3",
    r"internlm2(_5)?-[\d_]+b-chat(-1m)?": "intern2",
    r"yi-(1\.5-)?\d+b-chat": "yi",
}
"""Names of models, in small letters, to names of templates, as in LLaMA-Factory's extras/constants.py."""


def template_of(model: str) -> str | None:
    """The template that LLaMA-Factory has for a model; None where the tokenizer has to say."""
    name = model.rstrip("/").rpartition("/")[2].lower()
    return next((template for pattern, template in _TEMPLATES.items() if re.fullmatch(pattern, name)), None)


def _model(value: JSON, config: TrainConfig) -> Values:
    template = template_of(str(value))
    return {"model_name_or_path": value, **({"template": template} if template else {})}


def _dtype(value: JSON, config: TrainConfig) -> Values | Absent:
    if value == "bfloat16" and isinstance(config.peft, Full):
        return {"pure_bf16": True}
    if value == "float16":
        return Absent("it loads the model in the type it computes in: set trl.fp16=true")
    return {}


def _targets(value: JSON, config: TrainConfig) -> Values | Absent:
    if isinstance(value, list):
        return {"lora_target": ",".join(map(str, value))}
    if value == "all-linear":
        return {"lora_target": "all"}
    if re.fullmatch(r"[\w.]+", str(value)):
        return {"lora_target": value}
    return Absent("it takes names of modules, no pattern; its default, all of them, holds")


def _packing(value: JSON, config: TrainConfig) -> Values:
    """Without `neat_packing` packed rows would read one another; `packing` alone leaves out what is too long."""
    return {"packing": True, "neat_packing": True} if value else {"packing": False}


_SETTINGS: dict[str, Counterpart] = {
    **SAME_ARGUMENTS,
    "data.too_long": only("cut", "it has no such choice: rows over cutoff_len are cut"),
    "model.path": _model,
    "model.revision": "model_revision",
    "model.dtype": _dtype,
    "model.template": only("auto", "it knows templates by the names in its extras/constants.py: set template there"),
    "model.trust_remote_code": "trust_remote_code",
    "peft.r": "lora_rank",
    "peft.lora_alpha": lambda value, config: {"lora_alpha": whole(value)},
    "peft.lora_dropout": "lora_dropout",
    "peft.target_modules": _targets,
    "peft.quantize": quantised(
        {"quantization_method": "bnb", "quantization_bit": 4},
        {"quantization_method": "bnb", "quantization_bit": 8},
        {"quantization_type": "type", "double_quantization": True},
    ),
    "peft.use_rslora": "use_rslora",
    "peft.use_dora": "use_dora",
    "peft.modules_to_save": lambda value, config: (
        {"additional_target": ",".join(map(str, value))} if isinstance(value, list) else {}
    ),
    "run.name": output_dir,
    "run.overwrite": lambda value, config: {"overwrite_output_dir": value},
    "run.seed": "seed",
    "run.max_steps": "max_steps",
    "trl.max_length": lambda value, config: {"cutoff_len": value or _NO_LIMIT},
    "trl.packing": _packing,
    "trl.gradient_checkpointing": lambda value, config: {"disable_gradient_checkpointing": not value},
    "trl.use_liger_kernel": "enable_liger_kernel",
}


def _dataset(file: str, order: Order) -> dict[str, JSON]:
    columns = {name: column for name, column in _COLUMNS.items() if column in order.columns}
    ranking: dict[str, JSON] = {"ranking": True} if "chosen" in order.columns else {}
    return {"file_name": file.rpartition("/")[2], "formatting": "sharegpt", **ranking, "columns": columns,
            "tags": dict(_TAGS)}  # fmt: skip


def _write(order: Order) -> dict[str, str]:
    info = {"train": _dataset(TRAIN, order)}
    data: Values = {"dataset_dir": "data", "dataset": "train", "overwrite_cache": True}
    if order.columns & {"images", "videos", "audios"}:
        data["media_dir"] = "."
    if order.has_validation:
        info["validation"] = _dataset(VALIDATION, order)
        data |= {"eval_dataset": "validation", "do_eval": True}
    tuning: Values = {"finetuning_type": "lora" if isinstance(order.config.peft, Lora) else "full", "do_train": True}
    values = {**order.values, **tuning, **data}
    # its reader fills in ${...} as OmegaConf does
    escaped: Values = {
        key: value.replace("${", "\\${") if isinstance(value, str) else value for key, value in values.items()
    }
    header = ("LLaMA-Factory 0.9.5. From this folder: llamafactory-cli train train.yaml",)
    return {
        "train.yaml": yaml_text(escaped, header),
        "data/dataset_info.json": json.dumps(info, indent=2) + "\n",
    }


def _notes(config: TrainConfig) -> Iterable[str]:
    template = template_of(getattr(config.model, "path", ""))
    if template is None:
        yield "which template of LLaMA-Factory fits the model is not known: it reads the tokenizer's, or set template"
    elif own_template(config) is None:
        yield f"template: {template} is LLaMA-Factory's own, told from the model's name; the tokenizer's may differ"
    if config.trl.get("packing"):
        yield "with packing LLaMA-Factory leaves out rows over cutoff_len, and takes one token of the limit for itself"
    if config.max_length is None:
        yield f"no limit of length was set, and LLaMA-Factory always has one: cutoff_len is {_NO_LIMIT:,}"


def _loss_type(value: JSON, config: TrainConfig) -> Values | Absent:
    name = value[0] if isinstance(value, list) and len(value) == 1 else value
    if name in ("sigmoid", "hinge", "ipo"):
        return {"pref_loss": name}
    return Absent("of TRL's losses it has sigmoid, hinge and ipo; sigmoid holds")


def _form(kind: Kind, values: Values, settings: Mapping[str, Counterpart]) -> MethodForm:
    return MethodForm(
        kind=kind,
        format="sharegpt",
        lacks=frozenset({Feature.LONG_CONTINUATION}),  # chosen is one turn
        options={"calls": "wrap", "results": "joined", "system": "column"},
        command="llamafactory-cli train train.yaml",
        values=values,
        settings={**({} if kind == "conversation" else NO_PACKING), **settings},
    )


EXPORT = Export(
    name="llamafactory",
    title="LLaMA-Factory",
    written_for="llamafactory 0.9.5, transformers 5.0 to 5.6",
    install='pip install "llamafactory==0.9.5" "transformers>=5.0,<=5.6.0"',
    methods={
        "sft": _form("conversation", {"stage": "sft"}, {}),
        "dpo": _form(
            "pair",
            {"stage": "dpo"},
            {
                "trl.beta": "pref_beta",
                "trl.loss_type": _loss_type,
                "trl.label_smoothing": "dpo_label_smoothing",
                "trl.ld_alpha": "ld_alpha",
                **NO_PRECOMPUTING,
            },
        ),
        "orpo": _form("pair", {"stage": "dpo", "pref_loss": "orpo"}, {"trl.beta": "pref_beta"}),
        "kto": _form(
            "label",
            {"stage": "kto"},
            {
                "trl.beta": "pref_beta",
                "trl.desirable_weight": "kto_chosen_weight",
                "trl.undesirable_weight": "kto_rejected_weight",
                "trl.loss_type": only("kto", "of TRL's losses for labelled answers it has kto"),
                **NO_PRECOMPUTING,
            },
        ),
        "reward": _form("pair", {"stage": "rm"}, {}),
    },
    settings=_SETTINGS,
    fill={"system": "", "tools": "[]", "images": [], "videos": [], "audios": []},
    over_limit=lambda config: "dropped" if config.trl.get("packing") else "cut",
    write=_write,
    notes=_notes,
)
