"""Unsloth: conversations with the loss on what the assistant says, and a Python script, for it has no other form.

It loads in 4 bits unless told otherwise, and TRL's trainer, which it patches, leaves out rows in silence: the script
counts them and stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pprint import pformat

from dsforge.example import JSON
from dsforge.train.config import Full, Lora, TrainConfig
from dsforge.train.exporter import (
    NO_PACKING,
    TEMPLATE,
    TRAIN,
    VALIDATION,
    Absent,
    Counterpart,
    Export,
    Kind,
    MethodForm,
    Order,
    Values,
    run_folder,
)
from dsforge.train.exports.trl import SETTINGS as OF_TRL

_MODEL, _ADAPTER = "model:", "adapter:"
"""Before the keys of what does not go to TRL: the arguments of from_pretrained, and of get_peft_model."""
_NO_LIMIT = 131072

_SCRIPT = '''\
"""{method} by Unsloth (2026.10). From this folder: python train.py"""

from pathlib import Path

from unsloth import FastLanguageModel  # first: it changes what is imported after it

from datasets import load_dataset
from trl import {trainer}Config, {trainer}Trainer

FILES = {files}
MODEL = {model}
ADAPTER = {adapter}
ARGUMENTS = {arguments}
OUTPUT = {output}

model, tokenizer = FastLanguageModel.from_pretrained(**MODEL)
{template}if ADAPTER:
    model = FastLanguageModel.get_peft_model(model, **ADAPTER)
data = load_dataset("json", data_files=FILES)
trainer = {trainer}Trainer(
    model=model,
    processing_class=tokenizer,
    args={trainer}Config(**ARGUMENTS),
    train_dataset=data["train"],
    eval_dataset=data["validation"] if "validation" in data else None,
)
left_out = len(data["train"]) - len(trainer.train_dataset)
if left_out > 0 and not ARGUMENTS.get("packing"):
    raise SystemExit(f"{{left_out}} rows were left out: nothing of them would be trained (are they too long?)")
trainer.train()
model.save_pretrained(OUTPUT)
tokenizer.save_pretrained(OUTPUT)
'''


def _dtype(value: JSON, config: TrainConfig) -> Values | Absent:
    if value == "float32" or (value == "auto" and isinstance(config.peft, Full)):
        return {f"{_MODEL}float32_mixed_precision": True}
    return {} if value == "auto" else {f"{_MODEL}dtype": value}


def _length(value: JSON, config: TrainConfig) -> Values:
    """TRL cuts at its own limit, whatever length the model was loaded for."""
    return {f"{_MODEL}max_seq_length": value or _NO_LIMIT, "max_length": value or _NO_LIMIT}


def _checkpointing(value: JSON, config: TrainConfig) -> Values:
    how = "unsloth" if value else False
    adapter: Values = {f"{_ADAPTER}use_gradient_checkpointing": how} if isinstance(config.peft, Lora) else {}
    return {f"{_MODEL}use_gradient_checkpointing": how, **adapter}


def _seed(value: JSON, config: TrainConfig) -> Values:
    adapter: Values = {f"{_ADAPTER}random_state": value} if isinstance(config.peft, Lora) else {}
    return {"seed": value, f"{_MODEL}random_state": value, **adapter}


_SETTINGS: dict[str, Counterpart] = {
    **{name: counterpart for name, counterpart in OF_TRL.items() if not name.startswith("peft.")},
    "model.path": lambda value, config: {
        f"{_MODEL}model_name": value,
        f"{_MODEL}load_in_4bit": config.peft.quantize == "nf4",
        f"{_MODEL}load_in_16bit": config.peft.is_adapter and config.peft.quantize not in ("nf4", "int8"),
        f"{_MODEL}full_finetuning": config.peft.name == "full",
    },
    "model.revision": f"{_MODEL}revision",
    "model.dtype": _dtype,
    "model.template": lambda value, config: {},  # read by the script
    "model.trust_remote_code": f"{_MODEL}trust_remote_code",
    "peft.r": lambda value, config: {f"{_ADAPTER}r": value, f"{_MODEL}max_lora_rank": value},
    "peft.lora_alpha": f"{_ADAPTER}lora_alpha",
    "peft.lora_dropout": f"{_ADAPTER}lora_dropout",
    "peft.target_modules": f"{_ADAPTER}target_modules",
    "peft.target_parameters": f"{_ADAPTER}target_parameters",
    "peft.bias": f"{_ADAPTER}bias",
    "peft.quantize": lambda value, config: (
        Absent("it has four bits as nf4 alone") if value == "fp4"
        else {f"{_MODEL}load_in_8bit": True} if value == "int8" else {}
    ),
    "peft.use_rslora": f"{_ADAPTER}use_rslora",
    "peft.modules_to_save": f"{_ADAPTER}modules_to_save",
    "run.seed": _seed,
    "trl.max_length": _length,
    "trl.gradient_checkpointing": _checkpointing,
}  # fmt: skip


def _write(order: Order) -> dict[str, str]:
    parts: dict[str, Values] = {_MODEL: {}, _ADAPTER: {}, "": {}}
    for key, value in order.values.items():
        prefix = next(prefix for prefix in (_MODEL, _ADAPTER, "") if key.startswith(prefix))
        parts[prefix][key.removeprefix(prefix)] = value
    files = {"train": TRAIN, **({"validation": VALIDATION} if order.has_validation else {})}
    template = (
        f'tokenizer.chat_template = Path("{TEMPLATE}").read_text(encoding="utf-8")\n' if order.has_template else ""
    )
    script = _SCRIPT.format(
        method=order.method,
        trainer=order.method.upper(),
        files=_literal(files),
        model=_literal(parts[_MODEL]),
        adapter=_literal(parts[_ADAPTER]),
        arguments=_literal(parts[""]),
        output=repr(run_folder(order.config)),
        template=template,
    )
    return {"train.py": script if template else script.replace("from pathlib import Path\n\n", "", 1)}


def _literal(values: Mapping[str, object]) -> str:
    """A dictionary as Python writes it; no text can end it."""
    return pformat(dict(values), sort_dicts=False, width=100)


def _notes(config: TrainConfig) -> Iterable[str]:
    if config.method.name == "sft":
        yield (
            "the loss is on the assistant's words, for which the chat template must mark them; where the script stops "
            "because it does not, export again with model.template=chatml or a template with generation marks"
        )
    if config.max_length is None:
        yield f"no limit of length was set, and Unsloth always has one: max_seq_length is {_NO_LIMIT:,}"


def _form(kind: Kind, values: Values) -> MethodForm:
    return MethodForm(
        kind=kind,
        format="trl",
        options={"tools": "text", **({"conversation": "messages"} if kind == "conversation" else {})},
        command="python train.py",
        values=values,
        settings={} if kind == "conversation" else NO_PACKING,
    )


EXPORT = Export(
    name="unsloth",
    title="Unsloth",
    written_for="unsloth 2026.10.9, trl 1.15",
    install='pip install "unsloth==2026.10.9" "trl<=1.15.0"',
    methods={
        "sft": _form("conversation", {"assistant_only_loss": True}),
        "dpo": _form("pair", {}),
        "kto": _form("label", {}),
    },
    settings=_SETTINGS,
    fill={"tools": "[]"},
    mends=frozenset({"X917"}),  # every token is trained: assistant_only_loss
    takes_trl=True,
    keeps_marks=True,
    write=_write,
    notes=_notes,
)
