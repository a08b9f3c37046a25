"""TRL's own command line: conversations with the loss on what the assistant says, and a YAML file of arguments.

By default TRL trains every token of a conversation; `assistant_only_loss` asks the chat template for marks, which TRL
has for the models it knows, and the run stops with an error where there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dsforge.example import JSON
from dsforge.train.config import Full, Lora, TrainConfig
from dsforge.train.exporter import (
    NO_PACKING,
    SAME_ARGUMENTS,
    TEMPLATE,
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


def _dtype(value: JSON, config: TrainConfig) -> Values:
    """Always said: TRL loads float32 where nobody does."""
    return {"dtype": "float32" if value == "auto" and isinstance(config.peft, Full) else value}


def _targets(value: JSON, config: TrainConfig) -> Values:
    return {"lora_target_modules": value if isinstance(value, list) else [value]}


SETTINGS: dict[str, Counterpart] = {
    **SAME_ARGUMENTS,
    "data.too_long": only("cut", "it has no such choice: rows over max_length are cut"),
    "model.path": "model_name_or_path",
    "model.revision": "model_revision",
    "model.dtype": _dtype,
    "model.template": lambda value, config: {} if value == "auto" else {"chat_template_path": TEMPLATE},
    "model.trust_remote_code": "trust_remote_code",
    "peft.r": "lora_r",
    "peft.lora_alpha": lambda value, config: {"lora_alpha": whole(value)},
    "peft.lora_dropout": "lora_dropout",
    "peft.target_modules": _targets,
    "peft.quantize": quantised(
        {"load_in_4bit": True},
        {"load_in_8bit": True},
        {"bnb_4bit_quant_type": "type", "use_bnb_nested_quant": True},
    ),
    "peft.use_rslora": "use_rslora",
    "peft.use_dora": "use_dora",
    "peft.modules_to_save": "lora_modules_to_save",
    "peft.target_parameters": "lora_target_parameters",
    "run.name": output_dir,
    "run.overwrite": only(False, "it writes into output_dir, whatever stands there"),
    "run.seed": "seed",
    "run.max_steps": "max_steps",
    "trl.max_length": lambda value, config: {"max_length": value},  # null is no limit; without it TRL cuts at 1024
    "trl.packing": "packing",
    "trl.gradient_checkpointing": "gradient_checkpointing",
}
"""The same arguments go to TRL's trainers where another program starts them."""


def _write(order: Order) -> dict[str, str]:
    data: Values = {"dataset_name": "./data", "dataset_train_split": "train", "dataset_test_split": "validation"}
    tuning: Values = {"use_peft": True} if isinstance(order.config.peft, Lora) else {}
    header = (f"TRL 1.16. From this folder: trl {order.method} --config train.yaml",)
    return {"train.yaml": yaml_text({**order.values, **tuning, **data}, header)}


def _notes(config: TrainConfig) -> Iterable[str]:
    if config.method.name == "sft" and own_template(config) is None:
        yield (
            "the loss is on the assistant's words, for which TRL must know the model's chat template; where it stops "
            "because it does not, export again with model.template=chatml or a template with generation marks"
        )


def _form(method: str, kind: Kind, values: Values, settings: Mapping[str, Counterpart] | None = None) -> MethodForm:
    return MethodForm(
        kind=kind,
        format="trl",
        options={"tools": "text", **({"conversation": "messages"} if kind == "conversation" else {})},
        command=f"trl {method} --config train.yaml",
        values=values,
        settings={**({} if kind == "conversation" else NO_PACKING), **(settings or {})},
    )


EXPORT = Export(
    name="trl",
    title="TRL",
    written_for="trl 1.16, transformers 5.23, datasets 5",
    install='pip install "trl[peft]==1.16.0" "transformers==5.23.0" "datasets>=5"',
    methods={
        "sft": _form("sft", "conversation", {"assistant_only_loss": True}),
        "dpo": _form(
            "dpo",
            "pair",
            {},
            {
                "trl.loss_type": lambda value, config: {"loss_type": value if isinstance(value, list) else [value]},
            },
        ),
        "kto": _form("kto", "label", {}),
        "reward": _form("reward", "pair", {}),
    },
    settings=SETTINGS,
    mends=frozenset({"X917"}),  # every token is trained: assistant_only_loss
    takes_trl=True,
    keeps_marks=True,
    fill={"tools": "[]"},
    write=_write,
    notes=_notes,
)
