"""What is known of a platform, its prices, a GPU or a model: one frozen value to a YAML file.

Every fact names its source (a URL or the title of a document) and the day it was true.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

Method: TypeAlias = Literal["lora", "full"]
Trains: TypeAlias = Literal["sft", "dpo", "kto"]
OverLimit: TypeAlias = Literal["drop", "truncate", "unstated"]
Unit: TypeAlias = Literal["1K tokens", "1M tokens", "hour", "month"]

PositivePrice = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]

STALE_DAYS = 90
"""A fact older than this is used with a warning: prices change."""


class Strict(BaseModel):
    """Frozen, and a field that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(Strict):
    """Something that was true on a day, by a source."""

    source: Annotated[str, Field(min_length=1)]
    as_of: date

    def age(self, today: date) -> int:
        """Days since the fact was true."""
        return (today - self.as_of).days


class Overhead(Strict):
    """Tokens that a platform counts beside the text: for each message, row and name."""

    message: Annotated[int, Field(ge=0)] = 0
    row: Annotated[int, Field(ge=0)] = 0
    name: Annotated[int, Field(ge=0)] = 0
    source: str = "not stated by the platform: nothing is added"


class TargetModel(Strict):
    """A model that a target trains.

    `methods` empty: the platform does not say how it trains, there is nothing to choose. `trains` None
    is what the target trains in general. `image_tokens` is what one image counts; None
    is unstated. `text_billed` is False where images alone are billed (text to image).
    """

    methods: tuple[Method, ...] = ("lora", "full")
    trains: tuple[Trains, ...] | None = None
    max_tokens: PositiveInt | None = None
    max_tokens_full: PositiveInt | None = None
    image_tokens: PositiveInt | None = None
    text_billed: bool = True


class Target(Fact):
    """A place where a model can be trained, and what it takes.

    `formats` are names of dsforge formats, the best first. `min_rows` is refused below, `advised_rows`
    only advised. `default_max_tokens` is the limit of a row where the user sets none, a model's
    `max_tokens` the highest that can be set. `over_limit` says what becomes of a longer row.
    `pair_prompt` says how often the prompt of a preference pair is counted. `tokenizer` is the one the
    platform counts with, None where it is not public.
    """

    name: str
    title: str
    kind: Literal["hosted", "local"]
    notice: str = ""
    formats: tuple[str, ...]
    trains: tuple[Trains, ...]
    min_rows: PositiveInt | None = None
    advised_rows: PositiveInt | None = None
    max_file_bytes: PositiveInt | None = None
    default_max_tokens: PositiveInt | None = None
    over_limit: OverLimit = "unstated"
    pair_prompt: Literal["twice", "once", "unstated"] = "unstated"
    tokenizer: str | None = None
    overhead: Overhead = Overhead()
    default_model: str
    models: dict[str, TargetModel] = {}

    def max_tokens(self, model: str | None = None, method: Method = "lora") -> int | None:
        """The most tokens a row can have: the model's own limit, else the target's; None is unstated."""
        known = self.models.get(model or self.default_model)
        if known is None:
            return self.default_max_tokens
        limit = known.max_tokens_full if method == "full" and known.max_tokens_full else known.max_tokens
        return limit or self.default_max_tokens

    def cut_at(self, model: str | None = None, method: Method = "lora") -> int | None:
        """The limit of a row where the user sets none: the platform's default, within the model's limit."""
        limits = [limit for limit in (self.default_max_tokens, self.max_tokens(model, method)) if limit]
        return min(limits, default=None)


class PriceCard(Fact):
    """What a target charges for training, by model (for `local`: the rent of a GPU, by GPU).

    `prices` are for one `unit`; `monthly` are rents for whole months. A model that is not listed has
    no known price. `verified` is False where the platform's own page was not read.
    """

    target: str
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    unit: Unit
    prices: dict[str, PositivePrice]
    monthly: dict[str, PositivePrice] = {}
    verified: bool = True
    note: str = ""


class Gpu(Fact):
    """An accelerator: memory in GiB, peak of dense BF16 matrix products in TFLOP/s."""

    name: str
    title: str
    memory_gib: Annotated[float, Field(gt=0)]
    bf16_tflops: Annotated[float, Field(gt=0)]


class Model(Fact):
    """The geometry of a dense decoder with gated MLP and RMSNorm, from its config.json.

    `parameters` is the published total, against which the closed form is tested.
    """

    name: str
    path: str
    aliases: tuple[str, ...] = ()
    hidden_size: PositiveInt
    layers: PositiveInt
    heads: PositiveInt
    kv_heads: PositiveInt
    head_dim: PositiveInt
    intermediate_size: PositiveInt
    vocab_size: PositiveInt
    tied_embeddings: bool = False
    qkv_bias: bool = False
    qk_norm: bool = False
    parameters: PositiveInt | None = None
