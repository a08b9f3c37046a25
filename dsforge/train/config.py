"""The composed configuration of a run, typed: what Hydra put together is checked here as a whole."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    PositiveInt,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Strict):
    """The rows to train on.

    `weights` has a number for each file: how often an epoch passes over its rows. A part of 1 takes a part of them,
    drawn by the seed. `validation` is a file of rows, or the share of the rows that is held out for it.
    """

    path: str | Annotated[list[str], Field(min_length=1)]
    weights: list[Annotated[float, Field(gt=0, le=1000)]] | None = None
    validation: str | Annotated[float, Field(gt=0, lt=1)] | None = None
    format: str = "auto"
    limit: PositiveInt | None = None
    too_long: Literal["cut", "reject"] = "cut"

    @field_validator("validation", mode="before")
    @classmethod
    def _a_share_or_a_file(cls, value: object) -> object:
        if isinstance(value, (int, float)) and not 0 < value < 1:
            raise ValueError("a share of the rows is between 0 and 1; or name a file")
        return value

    @property
    def paths(self) -> list[str]:
        """The files of the rows."""
        return [self.path] if isinstance(self.path, str) else list(self.path)

    @model_validator(mode="after")
    def _a_weight_for_each(self) -> DataConfig:
        if self.weights is not None and len(self.weights) != len(self.paths):
            raise ValueError(f"{len(self.weights)} weights for {len(self.paths)} files: one for each")
        return self


class TinyModel(_Strict):
    """A smoke model that is built on the spot."""

    kind: Literal["tiny"]
    layers: PositiveInt
    width: Annotated[int, Field(ge=32, multiple_of=16)]
    heads: Literal[1, 2, 4, 8]
    vocabulary: Annotated[int, Field(ge=300)]


class PathModel(_Strict):
    """A model of the hub or in a local folder."""

    kind: Literal["path"]
    path: str
    revision: str | None
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    template: str
    trust_remote_code: bool


class Full(_Strict):
    """Every weight is trained."""

    is_adapter: ClassVar[bool] = False
    quantize: ClassVar[None] = None

    name: Literal["full"]


class Adapter(BaseModel):
    """A part that is trained beside a frozen model; what stands beside the fields are arguments of PEFT's class.

    `quantize` is how bitsandbytes keeps the frozen weights: in four bits (nf4, fp4) or in eight (int8).
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    is_adapter: ClassVar[bool] = True

    name: Annotated[str, StringConstraints(min_length=1)]
    target: str
    quantize: Literal["nf4", "fp4", "int8"] | None = None

    @property
    def arguments(self) -> dict[str, JsonValue]:
        """What PEFT's class is given."""
        return self.model_dump(exclude={"name", "target", "quantize"})


class Lora(Adapter):
    """A LoRA adapter; the names differ in what they set: qlora `quantize`, dora `use_dora`, rslora `use_rslora`."""

    name: Literal["lora", "qlora", "dora", "rslora"]
    target: Literal["peft.LoraConfig"] = "peft.LoraConfig"
    r: PositiveInt
    lora_alpha: float
    lora_dropout: Annotated[float, Field(ge=0, lt=1)]
    target_modules: str | list[str]


def _kind_of_peft(value: object) -> str:
    """Which of the types a `peft` section is of, by its name."""
    name = value.get("name") if isinstance(value, dict) else getattr(value, "name", None)
    if name == "full":
        return "full"
    return "lora" if name in ("lora", "qlora", "dora", "rslora") else "adapter"


Peft: TypeAlias = Annotated[
    Annotated[Full, Tag("full")] | Annotated[Lora, Tag("lora")] | Annotated[Adapter, Tag("adapter")],
    Discriminator(_kind_of_peft),
]


class MethodConfig(_Strict):
    """Which recipe trains, and what other groups of the configuration ask of it.

    `lora_learning_rate` is what `peft=lora` sets trl.learning_rate to.
    """

    name: str
    lora_learning_rate: float | None = None


class RunConfig(_Strict):
    """Where a run leaves what it made, and how it goes.

    - `batching`: rows as they come (plain), those of like length together (group), several in a sequence (pack), or
      what the lengths call for (auto).
    - `patience`: stop after so many validations without a better loss; None never stops before the end.
    - `best`: what is saved is the model with the lowest validation loss, not the last.
    - `resume`: a run of this name that was killed goes on from its last checkpoint.
    - `keep_checkpoints`: they stay in the run's folder, else they go once it is done.
    """

    name: Annotated[str, StringConstraints(max_length=120)]
    folder: str
    overwrite: bool
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    max_steps: PositiveInt | None
    batching: Literal["auto", "plain", "group", "pack"] = "auto"
    patience: PositiveInt | None = None
    best: bool = True
    resume: bool = True
    keep_checkpoints: bool = False
    samples: Annotated[int, Field(ge=0)] = 3

    @field_validator("name")
    @classmethod
    def _one_name(cls, value: str) -> str:
        if not re.fullmatch(r"\w[\w.+=,-]*", value):
            raise ValueError("letters, digits and _ . + = , - beginning with one of the first; run.folder says where")
        return value


class EvaluateConfig(_Strict):
    """What the trained model is measured by, beside its base, over validation rows; both are read and asked alike.

    - `rows`: so many of them are read for loss, token and preference accuracy; 0 measures nothing.
    - `answers`: so many are answered for exact match, ROUGE-L and choices, in at most `longest` tokens each.
    - `base`: the model before its training is measured too.
    """

    rows: Annotated[int, Field(ge=0, le=5000)] = 200
    answers: Annotated[int, Field(ge=0, le=5000)] = 32
    longest: PositiveInt = 256
    base: bool = True


class HardwareConfig(_Strict):
    """What a run trains on. `options` are accelerate's own, of FSDP or of DeepSpeed."""

    kind: Literal["one", "ddp", "fsdp", "deepspeed"] = "one"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    options: dict[str, JsonValue] = {}


_OF_TRACKER = {
    "none": (),
    "tensorboard": ("folder",),
    "wandb": ("project", "entity", "mode"),
    "mlflow": ("experiment", "uri"),
}  # fmt: skip


class TrackerConfig(_Strict):
    """Who is told of the steps. `folder` is of tensorboard, `project`, `entity` and `mode` of wandb, others of mlflow.

    None leaves a setting to what the tracker itself makes of it.
    """

    name: Literal["none", "tensorboard", "wandb", "mlflow"] = "none"
    folder: str | None = None
    project: str | None = None
    entity: str | None = None
    mode: Literal["online", "offline"] | None = None
    experiment: str | None = None
    uri: str | None = None

    @model_validator(mode="after")
    def _its_own(self) -> TrackerConfig:
        for name, value in self:
            if value is not None and name != "name" and name not in _OF_TRACKER[self.name]:
                raise ValueError(f"{name} is no setting of tracker={self.name}")
        return self


class TrainConfig(_Strict):
    """All of it. `trl` holds arguments of the trainer's own configuration class, by their names there.

    `num_gpus` is how many processes train, one on each GPU; `preflight` what happens where the rows have errors or the
    memory will not do: stop, only say so (warn), or do not look (off). With `merge` an adapter is also written merged
    into its model.
    """

    data: DataConfig
    run: RunConfig
    method: MethodConfig
    peft: Peft
    model: Annotated[TinyModel | PathModel, Field(discriminator="kind")]
    trl: dict[str, JsonValue]
    hardware: HardwareConfig = HardwareConfig()
    tracker: TrackerConfig = TrackerConfig()
    num_gpus: PositiveInt = 1
    preflight: Literal["stop", "warn", "off"] = "stop"
    merge: bool = False
    evaluate: EvaluateConfig = EvaluateConfig()

    @property
    def max_length(self) -> int | None:
        """The longest row in tokens, or None where there is no limit."""
        length = self.trl.get("max_length")
        return length if isinstance(length, int) else None
