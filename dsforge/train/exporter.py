"""What an export is: the form in which a trainer reads rows, and what each of our settings is called there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from dsforge.errors import RowError, UsageError, did_you_mean
from dsforge.example import JSON, Example
from dsforge.feature import Feature
from dsforge.registry import values
from dsforge.train.config import TrackerConfig, TrainConfig

Kind: TypeAlias = Literal["conversation", "pair", "label"]
"""What a method trains on: answers, pairs of a better and a worse one, or answers that are labelled good or bad."""

OverLimit: TypeAlias = Literal["cut", "dropped", "stops"]
"""What becomes of a row over the limit: it is cut, left out, or the run ends."""

Values: TypeAlias = "dict[str, JSON]"
"""A run configuration: what the trainer's keys are set to."""

TRAIN, VALIDATION = "data/train.jsonl", "data/validation.jsonl"
"""Where the rows stand in the exported folder."""
TEMPLATE = "chat_template.jinja"
"""Where a chat template of the user's own stands in the exported folder."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A setting that the trainer cannot express, and why or what it does instead: told to the user, never dropped."""

    why: str


Counterpart: TypeAlias = "str | Absent | Callable[[JSON, TrainConfig], Values | Absent]"
"""The trainer's name of a setting whose value stays; why there is none; or a function to several of the trainer's."""


@dataclass(frozen=True, slots=True)
class MethodForm:
    """A training method in a trainer's terms.

    Rows are written in `format` under `options`; `lacks` are features that the format holds and the trainer does not
    read. `settings` are counterparts beyond those that the trainer's methods
    share, and come before them. `values` are what the run configuration says of the method, `command` starts it from
    within the exported folder.
    """

    kind: Kind
    format: str
    command: str
    options: Mapping[str, str] = field(default_factory=dict)
    lacks: frozenset[Feature] = field(default=frozenset())
    settings: Mapping[str, Counterpart] = field(default_factory=dict)
    values: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """What a trainer's files are written from.

    `values` is the run configuration so far: what the method says and what the settings became. `columns` are the
    fields that every row has, `rows` is how many there are to train on, `command` starts the run.
    """

    config: TrainConfig
    method: str
    command: str
    values: Values
    columns: frozenset[str]
    rows: int

    @property
    def has_validation(self) -> bool:
        """Whether there is a second file of rows."""
        return self.config.data.validation is not None

    @property
    def has_template(self) -> bool:
        """Whether the folder holds a chat template."""
        return own_template(self.config) is not None


@dataclass(frozen=True, slots=True)
class Export:
    """A trainer that runs can be exported to.

    `name` is that of its lint target, too. `written_for` are the versions whose source was read, `install` is the line
    that installs them. `settings` gives the counterpart of every field of the configuration, as `section.field`; an
    argument of TRL that is not among them has none, or the same name where `takes_trl`. `keeps_marks` is whether a chat
    template goes along with its generation marks, a tag that only transformers knows. `fill` is what a row without a
    column gets where others have it.
    `mends` are the rules of lint that warn of what the run configuration written here rules out, and
    `over_limit` is what becomes under it of a row that is too long.
    `write` makes the trainer's files, by name; `notes` are what else the user should know of the result.
    """

    name: str
    title: str
    written_for: str
    install: str
    methods: Mapping[str, MethodForm]
    settings: Mapping[str, Counterpart]
    write: Callable[[Order], dict[str, str]]
    fill: Mapping[str, JSON] = field(default_factory=dict)
    mends: frozenset[str] = field(default=frozenset())
    over_limit: Callable[[TrainConfig], OverLimit] = field(default=lambda config: "cut")
    takes_trl: bool = field(default=False)
    keeps_marks: bool = field(default=False)
    notes: Callable[[TrainConfig], Iterable[str]] = field(default=lambda config: ())

    def form(self, method: str) -> MethodForm:
        """The method in this trainer's terms; UsageError where it has no such method."""
        if method not in self.methods:
            raise UsageError(f"{self.title} has no method={method}{did_you_mean(method, self.methods)}")
        return self.methods[method]


@lru_cache(maxsize=1)
def all_exports() -> dict[str, Export]:
    """Every export by name, found by a walk over `exports/`."""
    return {export.name: export for export in values("dsforge.train.exports", "EXPORT", Export)}


def get_export(name: str) -> Export:
    """The export to the trainer `name`; UsageError where there is none."""
    exports = all_exports()
    if name not in exports:
        raise UsageError(f"no export to {name!r}{did_you_mean(name, exports)}")
    return exports[name]


TRL_DEFAULTS: Values = {
    "weight_decay": 0.0, "adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8, "max_grad_norm": 1.0,
    "optim": "adamw_torch_fused", "per_device_eval_batch_size": 8,
}  # fmt: skip
"""What TRL 1.16 does where the configuration says nothing, and other trainers do otherwise: it is written out."""

METHOD_DEFAULTS: Mapping[str, Values] = {
    "sft": {"packing": False},
    "dpo": {"beta": 0.1, "loss_type": "sigmoid"},
    "orpo": {"beta": 0.1},
    "kto": {"beta": 0.1, "desirable_weight": 1.0, "undesirable_weight": 1.0},
}
"""The same for the arguments of a method."""

_BATCHING: Mapping[str, Values] = {
    "group": {"train_sampling_strategy": "group_by_length"},
    "pack": {"packing": True},
}
"""What run.batching is among the arguments of TRL."""

NOT_EXPORTED = frozenset({
    "data.path", "data.validation", "data.format", "data.limit", "method.name", "method.lora_learning_rate",
    "model.kind", "peft.name", "peft.target", "run.folder", "run.batching", "run.best", "run.resume",
    "run.keep_checkpoints", "run.samples", "data.weights", "preflight", "evaluate.rows", "evaluate.answers",
    "evaluate.longest", "evaluate.base",
})  # fmt: skip
"""Fields that the export itself acts on, or that say how dsforge keeps its own runs; `run.folder` goes along with
`run.name`, and what a method asks of other groups has become trl.learning_rate and the like."""

_LAUNCH = Absent("the trainer's own launcher says it there")
SHARED: Mapping[str, Counterpart] = {
    "run.patience": Absent("the trainer is not told when to stop early"),
    "hardware.kind": _LAUNCH,
    "hardware.device": _LAUNCH,
    "hardware.options": _LAUNCH,
    "num_gpus": _LAUNCH,
    **{f"tracker.{name}": Absent("name it there as report_to or the like") for name in TrackerConfig.model_fields},
    "merge": Absent("merge the adapter there once it is trained"),
}
"""What none of the trainers is told, where it is not as usual."""

ARGUMENTS = (
    "learning_rate", "num_train_epochs", "per_device_train_batch_size", "per_device_eval_batch_size",
    "gradient_accumulation_steps", "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "weight_decay",
    "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm", "optim", "optim_args", "logging_steps",
    "logging_strategy", "logging_first_step", "eval_strategy", "eval_steps", "eval_delay", "eval_on_start",
    "save_strategy", "save_steps", "save_total_limit", "save_only_model", "bf16", "fp16", "tf32",
    "neftune_noise_alpha", "label_smoothing_factor", "train_sampling_strategy", "dataloader_num_workers", "data_seed",
    "report_to", "torch_compile", "dataloader_drop_last",
)  # fmt: skip
"""Arguments of transformers 5 that trainers built on it take by the same names."""
SAME_ARGUMENTS: Mapping[str, Counterpart] = {f"trl.{name}": name for name in ARGUMENTS}


def own_template(config: TrainConfig) -> str | None:
    """The chat template that the user chose: `chatml`, a path, or None where it is the tokenizer's."""
    template = getattr(config.model, "template", "auto")
    return None if template == "auto" else template


def only(default: JSON, why: str) -> Counterpart:
    """The counterpart of a setting that the trainer knows by its `default` alone."""
    return lambda value, config: {} if value == default else Absent(why)


NO_PRECOMPUTING: Mapping[str, Counterpart] = {
    "trl.precompute_ref_log_probs": only(False, "it runs the reference model beside the other, to the same end")
}
"""For methods with a reference model."""
NO_PACKING: Mapping[str, Counterpart] = {"trl.packing": only(False, "it packs conversations alone")}
"""For methods whose rows are not packed."""


def quantised(four: Values, eight: Values, double: Values) -> Counterpart:
    """The counterpart of `peft.quantize` in a trainer that has bitsandbytes read the weights: nf4, fp4 or int8.

    `four` and `eight` say how many bits there are; `double` goes along with four, whose type is under its "type".
    """

    def counterpart(value: JSON, config: TrainConfig) -> Values:
        if value is None:
            return {}
        named: Values = {key: value if said == "type" else said for key, said in double.items()}
        return eight if value == "int8" else {**four, **named}

    return counterpart


def output_dir(value: JSON, config: TrainConfig) -> Values:
    """Where the trainer leaves what it makes: FOLDER/NAME of the run."""
    return {"output_dir": run_folder(config)}


def run_folder(config: TrainConfig) -> str:
    """FOLDER/NAME of the run, seen from the exported folder."""
    return str(Path(config.run.folder) / config.run.name)


def whole(value: JSON) -> JSON:
    """A whole number as one: 32 for 32.0, which trainers declare to be an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def exact_kind(kind: Kind, example: Example) -> None:
    """Raise RowError where the example is not what a method of this kind trains on."""
    if kind == "pair" and not example.is_preference:
        raise RowError("no preference pair (chosen and rejected), which the method trains on", "", "X902")
    if kind != "pair" and example.is_preference:
        raise RowError("a preference pair (chosen and rejected); the method trains on single answers", "", "X902")
    if kind == "label" and example.label is None:
        raise RowError("no label (good or bad), which the method trains on", "", "X902")
    if kind == "conversation" and example.label is False:
        raise RowError("a KTO row labelled as bad (label false); it would be trained as good", "/label", "X902")


def settings_of(config: TrainConfig) -> dict[str, tuple[JSON, bool]]:
    """Every setting as `section.field`: its value, and whether the configuration says it or TRL's default does."""
    plain = config.model_dump(mode="json")
    trl: Values = plain.pop("trl") | _BATCHING.get(config.run.batching, {})
    usual = {name: field.get_default() for name, field in TrainConfig.model_fields.items() if not field.is_required()}
    flat: dict[str, tuple[JSON, bool]] = {}
    for section, fields in plain.items():
        if getattr(config, section) == usual.get(section):
            continue
        named = {f"{section}.{key}": value for key, value in fields.items()} if isinstance(fields, dict) else {}
        flat |= {key: (value, True) for key, value in (named or {section: fields}).items()}
    precision: Values = {} if "fp16" in trl or "bf16" in trl else {"bf16": _mixed(config)}
    ours: Values = {
        "logging_steps": 1, "report_to": "none", "save_strategy": "no",
        "eval_strategy": "no" if config.data.validation is None else "epoch",
    }  # fmt: skip
    defaults = {**TRL_DEFAULTS, **METHOD_DEFAULTS.get(config.method.name, {}), **ours, **precision}
    flat |= {f"trl.{key}": (value, False) for key, value in defaults.items() if key not in trl}
    return flat | {f"trl.{key}": (value, True) for key, value in trl.items()}


def _mixed(config: TrainConfig) -> bool:
    """Whether to compute in bfloat16, as `dsforge train` does where the GPU can."""
    return getattr(config.model, "dtype", "auto") in ("auto", "bfloat16")


def translate(export: Export, config: TrainConfig) -> tuple[Values, list[str]]:
    """`(run configuration, what has no counterpart)`: every setting is in one of them.

    What is left out is told as `section.field=value: why`; TRL's own defaults are not told of.
    """
    form = export.form(config.method.name)
    found: Values = dict(form.values)
    left: list[str] = []
    counterparts = {**SHARED, **export.settings, **form.settings}
    for key, (value, said) in settings_of(config).items():
        if key in NOT_EXPORTED:
            continue
        same = key.removeprefix("trl.") if export.takes_trl and key.startswith("trl.") else _NONE
        counterpart = counterparts.get(key, same)
        if isinstance(counterpart, str):
            became: Values | Absent = {} if value is None else {counterpart: value}
        elif isinstance(counterpart, Absent):
            became = counterpart
        else:
            became = counterpart(value, config)
        if not isinstance(became, Absent):
            found |= became
        elif said and value is not None and value is not False:
            left.append(f"{key}={plain_value(value)}: {became.why}")
    return found, left


_NONE = Absent("there it has no counterpart")


def plain_value(value: JSON) -> str:
    """A value as it is written on the command line, on one line."""
    text = value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True, allow_unicode=True)
    return " ".join(text.removesuffix("...\n").split())


def steps_of(share: JSON, order: Order) -> int:
    """How many steps a number of them, or below 1 a share of all steps, comes to on one GPU."""
    if not isinstance(share, (int, float)) or share >= 1:
        return int(share) if isinstance(share, (int, float)) else 0
    trl = order.config.trl
    batch = _number(trl.get("per_device_train_batch_size"), 8) * _number(trl.get("gradient_accumulation_steps"), 1)
    steps = math.ceil(math.ceil(order.rows / batch) * _number(trl.get("num_train_epochs"), 3))
    return math.ceil(share * (order.config.run.max_steps or steps))


def _number(value: JSON, default: float) -> float:
    return value if isinstance(value, (int, float)) else default


def nested(values: Mapping[str, JSON]) -> Values:
    """`{"a.b": 1}` as `{"a": {"b": 1}}`."""
    tree: Values = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        branch: dict[str, Any] = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[name] = value
    return tree


_LINE_BREAKS = str.maketrans({char: f"\\u{ord(char):04x}" for char in "\u0085\u2028\u2029"})


def in_one_line(text: str) -> str:
    """JSON without the line breaks of Unicode that it may hold unescaped, and YAML and some readers of lines act on."""
    return text if text.isascii() else text.translate(_LINE_BREAKS)


def yaml_text(values: Mapping[str, JSON], header: Iterable[str]) -> str:
    """A YAML file that begins with `header` as comments. Any text is quoted so that every reader gives it back."""
    comments = "".join(f"# {line}\n" for line in header)
    return comments + yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=4096)
