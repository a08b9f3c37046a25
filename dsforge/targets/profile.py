"""What is known of a platform, its prices, a GPU or a model: one frozen value to a YAML file.

Every fact names its source (a URL or the title of a document) and the day it was true.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field, PositiveInt, PrivateAttr

from dsforge.targets.constraints import Constraints, DataKind, Group, Strict, Trains

Method: TypeAlias = Literal["lora", "full"]
LocalMethod: TypeAlias = Literal["lora", "qlora", "full"]
OverLimit: TypeAlias = Literal["drop", "truncate", "unstated"]
Unit: TypeAlias = Literal["1K tokens", "1M tokens", "hour", "month"]

_TRAINS = frozenset(get_args(Trains))
PositivePrice = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
"""A code of ISO 4217."""

STALE_DAYS = 90
"""A fact older than this is used with a warning: prices change."""


class Fact(Strict):
    """Something that was true on a day, by a source."""

    source: Annotated[str, Field(min_length=1)]
    as_of: date

    def age(self, today: date) -> int:
        """Days since the fact was true."""
        return (today - self.as_of).days


class Origin(Strict):
    """Where a fact is from, where that is not the source of the profile as a whole."""

    source: Annotated[str, Field(min_length=1)]
    as_of: date | None = None


class Overhead(Strict):
    """Tokens that a platform counts beside the text: for each message, row and name."""

    message: Annotated[int, Field(ge=0)] = 0
    row: Annotated[int, Field(ge=0)] = 0
    name: Annotated[int, Field(ge=0)] = 0
    source: str = "not stated by the platform: nothing is added"


class TargetModel(Constraints):
    """A model that a target trains, and where it differs from the target's others.

    `methods` empty: the platform does not say how it trains, there is nothing to choose. `full_only` are the kinds of
    data that it takes in full training alone. `needs` are kinds without which a row teaches it nothing. `image_tokens`
    is what one image counts; None is unstated. `text_billed` is False where images alone are billed (text to image).
    """

    methods: tuple[Method, ...] = ("lora", "full")
    full_only: tuple[DataKind, ...] = ()
    needs: tuple[DataKind, ...] = ()
    max_tokens: PositiveInt | None = None
    max_tokens_full: PositiveInt | None = None
    image_tokens: PositiveInt | None = None
    text_billed: bool = True


class Target(Constraints, Fact):
    """A place where a model can be trained, and what it takes.

    `formats` are names of dsforge formats, the best first, `alike` those of them whose rows may stand in one file.
    `default_max_tokens` is the limit of a row where the user
    sets none, a model's `max_tokens` the highest that can be set. `over_limit` says what becomes of a longer row, and
    `over_limit_note` where that differs. `cut` is what a row that is cut loses: its end, or some of the prompt, so that
    more of the answer is left (`balanced`). `pair_prompt` says how often the prompt of a preference pair is counted.
    `tokenizer` is the one the platform counts with, None where it is not public. `default_model` is the model that is
    meant where none is named, "" where there is none; what the profile says outside `models` holds for it. A model that
    is not in `models` is an error, unless `other_models` says that the list is not complete. `notice` is what everyone
    who uses the target should know, and is printed. `traps` are the codes of the rules about this trainer (those of
    lint/rules/trainer) that run for it. `sources` are those of single facts, by field (`notice`), field of a group
    (`file.max_bytes`) or model (`models.glm-4v`), where they are not those of the group or the profile.
    """

    name: str
    title: str
    kind: Literal["hosted", "local"]
    notice: str = ""
    formats: tuple[str, ...]
    alike: tuple[tuple[str, ...], ...] = ()
    trains: tuple[Trains, ...]
    default_max_tokens: PositiveInt | None = None
    over_limit: OverLimit = "unstated"
    over_limit_note: str = ""
    cut: Literal["end", "balanced"] = "end"
    pair_prompt: Literal["twice", "once", "unstated"] = "unstated"
    tokenizer: str | None = None
    overhead: Overhead = Overhead()
    default_model: str = ""
    models: dict[str, TargetModel] = Field(default_factory=dict)
    other_models: bool = False
    traps: tuple[Annotated[str, Field(pattern="^X9[0-9]{2}$")], ...] = ()
    sources: dict[str, Origin] = Field(default_factory=dict)
    _model: str = PrivateAttr(default="")

    def origin(self, fact: str) -> tuple[str, date]:
        """`(source, day)` of a fact: its own, that of its group or field, else that of the profile."""
        field = fact.partition(".")[0]
        if found := self.sources.get(fact):
            return found.source, found.as_of or self.as_of
        group = getattr(self, field, None)
        if isinstance(group, (Group, Overhead)) and "source" in group.model_fields_set:
            return group.source, (group.as_of if isinstance(group, Group) else None) or self.as_of
        if found := self.sources.get(field):
            return found.source, found.as_of or self.as_of
        return self.source, self.as_of

    @property
    def model(self) -> str:
        """The model that was named (see `narrowed_to`), "" where none was."""
        return self._model

    @property
    def called(self) -> str:
        """The target for people, with the model that was named."""
        return f"{self.title} ({self._model})" if self._model else self.title

    def narrowed_to(self, model: str) -> Target:
        """This target as it is for one of its models: what the model says of itself replaces what all have in common.

        A model that is not in the list is taken as the target's others are.
        """
        said = self.models.get(model)
        given = said.model_fields_set & Constraints.model_fields.keys() if said else set()
        target = self.model_copy(update={name: _over(getattr(self, name), getattr(said, name)) for name in given})
        target._model = model
        return target

    def fits(self, wanted: DataKind | Trains, model: str = "") -> bool:
        """Whether a model (where none is given, the one that is meant) takes a kind of data, or is trained so.

        True where that is not stated.
        """
        field = "trains" if wanted in _TRAINS else "takes"
        said = self.models.get(model or self._model or self.default_model)
        allowed = getattr(said, field) if said else None
        allowed = getattr(self, field) if allowed is None else allowed
        return allowed is None or wanted in allowed

    def unfit(self) -> frozenset[DataKind | Trains]:
        """The kinds of data that it does not take, and the trainings that it does not do."""
        return frozenset(wanted for wanted in (*get_args(DataKind), *get_args(Trains)) if not self.fits(wanted))

    def fitting(self, wanted: DataKind | Trains) -> list[str]:
        """The models that take a kind of data, or are trained so."""
        return [name for name in self.models if self.fits(wanted, name)]

    def max_tokens(self, model: str | None = None, method: Method = "lora") -> int | None:
        """The most tokens a row can have: the model's own limit, else the target's; None is unstated."""
        known = self.models.get(model or self._model or self.default_model)
        if known is None:
            return self.default_max_tokens
        limit = known.max_tokens_full if method == "full" and known.max_tokens_full else known.max_tokens
        return limit or self.default_max_tokens

    def cut_at(self, model: str | None = None, method: Method = "lora") -> int | None:
        """The limit of a row where the user sets none: the platform's default, within the model's limit."""
        limits = [limit for limit in (self.default_max_tokens, self.max_tokens(model, method)) if limit]
        return min(limits, default=None)


def _over(base: object, given: object) -> object:
    """`given` in place of `base`; of a group or a mapping only the fields that are given."""
    if isinstance(base, Group) and isinstance(given, Group):
        return base.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})
    if isinstance(base, dict) and isinstance(given, dict):
        return {**base, **given}
    return given


class PriceCard(Fact):
    """What a target charges for training, by model (for `local`: the rent of a GPU, by GPU).

    `prices` are for one `unit`; `monthly` are rents for whole months. A model that is not listed has
    no known price. `minimum` is the least that a job costs, None where there is none or none is stated.
    `verified` is False where the platform's own page was not read.
    """

    target: str
    currency: Currency
    unit: Unit
    prices: dict[str, PositivePrice]
    monthly: dict[str, PositivePrice] = Field(default_factory=dict)
    minimum: PositivePrice | None = None
    verified: bool = True
    note: str = ""


class Gpu(Fact):
    """An accelerator: memory in GiB, peak of dense BF16 matrix products in TFLOP/s.

    `devices` are the names that its driver gives it. `verified` is False where the maker's own page was not read.
    """

    name: str
    title: str
    memory_gib: Annotated[float, Field(gt=0)]
    bf16_tflops: Annotated[float, Field(gt=0)]
    devices: tuple[str, ...] = ()
    verified: bool = True


class BatchService(Fact):
    """A server's Batch API: a file of requests that is answered within a day.

    It is that of the servers at `hosts` and below. `endpoint` is what lines and batches name; a file may have
    `max_requests` lines and `max_bytes` bytes; a request costs `price_share` of what it costs live. `verified` is False
    where the maker's own page was not read.
    """

    name: str
    title: str
    hosts: tuple[str, ...]
    endpoint: str
    max_requests: PositiveInt
    max_bytes: PositiveInt
    price_share: Annotated[Decimal, Field(gt=0, le=1)]
    verified: bool = True


class Experts(Strict):
    """A mixture of experts in place of the MLP: each token passes `active` of `number`, and one that all share.

    Layers before `first_layer` have an MLP. `shared_size` is the inner size of what all tokens pass, 0 for none;
    `shared_gate` says that its output is weighed by a gate of its own.
    """

    number: PositiveInt
    active: PositiveInt
    intermediate_size: PositiveInt
    first_layer: Annotated[int, Field(ge=0)] = 0
    shared_size: Annotated[int, Field(ge=0)] = 0
    shared_gate: bool = False


class LatentAttention(Strict):
    """Multi-head latent attention (MLA, DeepSeek): keys and values, and queries too where they have a rank, go
    through a small state. A head's query and key have `plain_dim` + `rotary_dim` numbers, its value `value_dim`.
    """

    query_rank: PositiveInt | None = None
    key_value_rank: PositiveInt
    plain_dim: PositiveInt
    rotary_dim: PositiveInt
    value_dim: PositiveInt


Part: TypeAlias = Literal["q", "k", "v", "o", "gate", "up", "down"]


class Model(Fact):
    """The geometry of a decoder with gated MLP and RMSNorm, from its config.json.

    `modules` says how its code calls the matrices where that is not q_proj, k_proj, ... down_proj; parts of one name
    are one matrix. `norms` are those of a layer. `latent` and `experts` are given where attention is latent and
    where experts stand in place of the MLP. `parameters` is the published total, against which the closed form is
    tested. `architecture` is the `model_type` of a config.json that was read, "" where the model is registered.
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
    o_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    norms: PositiveInt = 2
    modules: dict[Part, str] = Field(default_factory=dict)
    experts: Experts | None = None
    latent: LatentAttention | None = None
    parameters: PositiveInt | None = None
    architecture: str = ""

    @property
    def family(self) -> str:
        """Models of one architecture in several sizes: `qwen2.5` of `qwen2.5-7b`."""
        return self.architecture or self.name.rpartition("-")[0] or self.name
