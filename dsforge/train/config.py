"""The composed configuration of a run, typed: what Hydra put together is checked here as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveInt, StringConstraints


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Strict):
    """The rows to train on."""

    path: str
    validation: str | None
    format: str
    limit: PositiveInt | None
    too_long: Literal["cut", "reject"]


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

    name: Literal["full"]


class Lora(BaseModel):
    """A LoRA adapter; what stands beside `name` are arguments of PEFT's LoraConfig."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Literal["lora"]
    r: PositiveInt
    lora_alpha: float
    lora_dropout: Annotated[float, Field(ge=0, lt=1)]
    target_modules: str | list[str]


class MethodConfig(_Strict):
    """Which recipe trains, and what other groups of the configuration ask of it.

    `lora_learning_rate` is what `peft=lora` sets trl.learning_rate to, `tiny_sampling` what `model=tiny` sets
    trl.train_sampling_strategy to.
    """

    name: str
    lora_learning_rate: float | None = None
    tiny_sampling: str | None = None


class RunConfig(_Strict):
    """Where a run leaves what it made."""

    name: Annotated[str, StringConstraints(pattern=r"^[\w][\w.+=,-]*$", max_length=120)]
    folder: str
    overwrite: bool
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    max_steps: PositiveInt | None


class TrainConfig(_Strict):
    """All of it. `trl` holds arguments of the trainer's own configuration class, by their names there."""

    data: DataConfig
    run: RunConfig
    method: MethodConfig
    peft: Annotated[Full | Lora, Field(discriminator="name")]
    model: Annotated[TinyModel | PathModel, Field(discriminator="kind")]
    trl: dict[str, JsonValue]

    @property
    def max_length(self) -> int | None:
        """The longest row in tokens, or None where there is no limit."""
        length = self.trl.get("max_length")
        return length if isinstance(length, int) else None
