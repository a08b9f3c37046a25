"""The plan of a whole project, as plan.yaml states it: what is prepared, trained, kept and deployed, at which prices.

Every price names its currency, or takes that of the plan; `source` and `as_of` say whose price it is and of which day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, Field, PositiveInt, ValidationError, model_validator

from dsforge.cost.currency import Rates, parse_rates
from dsforge.cost.setup import Precision, Setup, Sharding
from dsforge.errors import ConfigError, UsageError
from dsforge.targets.constraints import Strict
from dsforge.targets.load import explain_problem, read_mapping
from dsforge.targets.profile import Currency, LocalMethod, PositivePrice

Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Hours = Annotated[Decimal, Field(gt=0, le=744, allow_inf_nan=False)]
"""Hours within a month: the longest has 744."""
Choice = Literal["hosted", "rented", "serverless", "bought"]


_ON_GPUS = frozenset({"lora_targets", "sharding", "precision", "checkpointing", "packing", "hours", "gpus"})
_AT_PLATFORMS = frozenset({"mixed_tokens", "validation_tokens", "evaluations"})


class Priced(Strict):
    """A section that states prices: in which currency, by which source, of which day.

    Without `currency` it is that of the plan. Without `source` the price is the plan's own word.
    """

    currency: Currency | None = None
    source: str = ""
    as_of: date | None = None


class Training(Strict):
    """What is trained: at a hosted `target`, or on a `gpu` of one's own or rented.

    `price` is in the currency and unit of the target's price card (for a GPU: of an hour's rent). `mixed_tokens` are
    those of an epoch that the platform mixes in (Bailian). `validation_tokens` are read at each of the `evaluations`,
    where the platform bills that (Together). On a GPU `hours` of one training on `gpus` of the kind are estimated where
    they are not stated, for the training that `method` and the fields after `rank` describe, as the options of the
    same names do.
    """

    target: str = ""
    gpu: str = ""
    model: str = ""
    method: LocalMethod | None = None
    epochs: PositiveInt = 3
    max_tokens: PositiveInt | None = None
    batch_size: PositiveInt = 1
    rank: PositiveInt = 16
    lora_targets: tuple[str, ...] = ()
    sharding: Sharding = "zero3"
    precision: Precision = "bf16"
    checkpointing: bool = True
    packing: bool = False
    hours: Positive | None = None
    gpus: PositiveInt = 1
    mixed_tokens: Annotated[int, Field(ge=0)] = 0
    validation_tokens: Annotated[int, Field(ge=0)] = 0
    evaluations: Annotated[int, Field(ge=0)] = 0
    price: PositivePrice | None = None
    source: str = ""
    as_of: date | None = None

    @property
    def setup(self) -> Setup:
        """How is trained on a GPU; LoRA where no method is named."""
        targets = () if self.lora_targets == ("all-linear",) else self.lora_targets
        return Setup(self.method or "lora", self.rank, targets, self.sharding, self.precision, self.checkpointing)

    @model_validator(mode="after")
    def _one_place(self) -> Training:
        if bool(self.target) == bool(self.gpu):
            raise ValueError("state one of target (a hosted platform) and gpu")
        if self.target and self.method == "qlora":
            raise ValueError("qlora is for a gpu: a hosted platform trains by lora or full")
        said = (_AT_PLATFORMS if self.gpu else _ON_GPUS) & self.model_fields_set
        if said:
            place, other = ("a gpu", "target") if self.gpu else ("a target", "gpu")
            raise ValueError(f"{', '.join(sorted(said))}: not for {place}, but for training at a {other}")
        if bool(self.validation_tokens) != bool(self.evaluations):
            raise ValueError("state validation_tokens and evaluations together: one is billed times the other")
        return self


class DataWork(Priced):
    """People who write or check rows: `rows` (those of the dataset, where none are stated) x minutes x wage."""

    rows: PositiveInt | None = None
    minutes_per_row: Positive
    wage_per_hour: PositivePrice


class TokenUse(Priced):
    """Calls of a model that is paid by the token: `prompt_tokens` and `answer_tokens` of one call.

    The prices are for 1,000,000 tokens. Without them they are looked up in the package genai-prices, where it is
    installed, under `model` and, where several sell it, `provider` (its names: openai, deepseek, zhipuai ...).
    """

    model: str = ""
    provider: str = ""
    prompt_tokens: PositiveInt
    answer_tokens: PositiveInt
    input_price: PositivePrice | None = None
    output_price: PositivePrice | None = None

    @model_validator(mode="after")
    def _both_prices(self) -> TokenUse:
        if (self.input_price is None) != (self.output_price is None):
            raise ValueError("state input_price and output_price together, or neither to have them looked up")
        if self.input_price is None and not self.model:
            raise ValueError("state input_price and output_price, or the model whose prices are to be looked up")
        return self


class Augmentation(TokenUse):
    """Rows that a larger model writes, one call for each."""

    rows: PositiveInt


class Storage(Priced):
    """Models of the experiments, and other data, kept for some months.

    A model is `gb_per_model` large, in 10^9 bytes; not stated, it follows from the parameters of `training.model`:
    2 bytes for each where all are trained, 4 for each of a LoRA adapter's. `data_gb` is what is kept beside the models.
    """

    price_per_gb_month: PositivePrice
    months: PositiveInt = 1
    gb_per_model: Positive | None = None
    data_gb: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] = Decimal(0)


class Hosted(Priced):
    """An instance at a platform, paid by the month, or by the hour for some hours of each month."""

    price_per_month: PositivePrice | None = None
    price_per_hour: PositivePrice | None = None
    hours_per_month: Hours = Decimal(730)
    instances: PositiveInt = 1

    @model_validator(mode="after")
    def _one_price(self) -> Hosted:
        if (self.price_per_month is None) == (self.price_per_hour is None):
            raise ValueError("state one of price_per_month and price_per_hour")
        return self


class Rented(Priced):
    """A rented GPU. Without a price it is the rent that is known of this kind of GPU."""

    gpu: str
    count: PositiveInt = 1
    hours_per_month: Hours = Decimal(730)
    price_per_month: PositivePrice | None = None
    price_per_hour: PositivePrice | None = None

    @model_validator(mode="after")
    def _one_price(self) -> Rented:
        if self.price_per_month is not None and self.price_per_hour is not None:
            raise ValueError("state one of price_per_month and price_per_hour")
        return self


class Serverless(TokenUse):
    """A tuned model that is paid by use: so many requests a month."""

    requests_per_month: PositiveInt


class Bought(Priced):
    """Machines that are bought: `price` of one with its card, then power by the hours that it runs, and upkeep.

    `watts` is what a machine draws while it runs; `price_per_kwh` pays for it. Upkeep is hours of somebody's work.
    """

    price: PositivePrice
    count: PositiveInt = 1
    watts: Positive
    price_per_kwh: PositivePrice
    hours_per_month: Hours = Decimal(730)
    upkeep_hours_per_month: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] = Decimal(0)
    wage_per_hour: PositivePrice | None = None

    @model_validator(mode="after")
    def _upkeep_is_paid(self) -> Bought:
        if self.upkeep_hours_per_month and self.wage_per_hour is None:
            raise ValueError("upkeep_hours_per_month need a wage_per_hour")
        return self


class Deployment(Strict):
    """Where the model runs, and for how many months.

    `choice` is the way that is counted, where several are stated; the others are told beside it, without being added.
    """

    months: PositiveInt = 1
    choice: Choice | None = None
    hosted: Hosted | None = None
    rented: Rented | None = None
    serverless: Serverless | None = None
    bought: Bought | None = None

    @property
    def ways(self) -> dict[Choice, Hosted | Rented | Serverless | Bought]:
        """What is stated, by its name."""
        stated: dict[Choice, Hosted | Rented | Serverless | Bought | None] = {
            "hosted": self.hosted, "rented": self.rented, "serverless": self.serverless, "bought": self.bought,
        }  # fmt: skip
        return {name: way for name, way in stated.items() if way is not None}

    @property
    def chosen(self) -> Choice:
        """The way that is counted."""
        if self.choice:
            return self.choice
        return next(iter(self.ways))

    @model_validator(mode="after")
    def _one_is_chosen(self) -> Deployment:
        ways = list(self.ways)
        if not ways:
            raise ValueError("state at least one of hosted, rented, serverless and bought")
        if self.choice is None and len(ways) > 1:
            raise ValueError(f"choice is missing: say which of {', '.join(ways)} is counted")
        if self.choice and self.choice not in ways:
            raise ValueError(f"choice is {self.choice!r}, which is not stated; stated: {', '.join(ways)}")
        return self


class ProjectPlan(Strict):
    """A project whose whole bill is asked for. Each section is optional; what is left out costs nothing here.

    `currency` is that of every price which does not name its own. `experiments` is how often is trained, and how
    many models are kept. `rate` are exchange rates (`CNY/USD: 0.14`): without them nothing is exchanged.
    """

    currency: Currency | None = None
    experiments: PositiveInt = 1
    rate: dict[str, PositivePrice] = Field(default_factory=dict)
    training: Training | None = None
    data: DataWork | None = None
    augmentation: Augmentation | None = None
    storage: Storage | None = None
    deployment: Deployment | None = None

    @property
    def rates(self) -> Rates:
        """The exchange rates.

        Raises:
            UsageError: one is not between two currencies, or contradicts another.
        """
        return parse_rates([f"{pair}={rate}" for pair, rate in self.rate.items()])

    def priced(self) -> Iterator[tuple[str, Priced]]:
        """Every section that states prices, by its name."""
        ways = self.deployment.ways if self.deployment else {}
        sections: dict[str, Priced | None] = {
            "data": self.data,
            "augmentation": self.augmentation,
            "storage": self.storage,
        }
        sections |= {f"deployment.{name}": way for name, way in ways.items()}
        yield from ((name, section) for name, section in sections.items() if section is not None)

    def currency_of(self, section: Priced) -> str:
        """The currency of a section's prices; "" where they are looked up."""
        return section.currency or self.currency or ""

    @model_validator(mode="after")
    def _prices_have_a_currency(self) -> ProjectPlan:
        for name, section in self.priced():
            looked_up = isinstance(section, TokenUse) and section.input_price is None
            looked_up |= isinstance(section, Rented) and section.price_per_hour is section.price_per_month is None
            if not looked_up and not self.currency_of(section):
                raise ValueError(f"{name}.currency is missing: state it there, or `currency` once for the whole plan")
        if self.storage and not (self.storage.gb_per_model or self.training or self.storage.data_gb):
            raise ValueError("storage.gb_per_model is missing: without `training` the size of a model is not known")
        if not any((self.training, self.data, self.augmentation, self.storage, self.deployment)):
            raise ValueError("no section: state training, data, augmentation, storage or deployment")
        return self


def _node_at(node: yaml.Node, location: tuple[int | str, ...]) -> yaml.Node:
    """The key at a place in a YAML file, or the innermost one around it that is written there."""
    found = node
    for step in location:
        if not isinstance(node, yaml.MappingNode):
            break
        pair = next(((key, value) for key, value in node.value if key.value == str(step)), None)
        if pair is None:
            break
        found, node = pair
    return found


def _repeated(node: yaml.Node) -> Iterator[yaml.Node]:
    """Keys that stand twice in one mapping, of which YAML would take the last in silence."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _repeated(value)


def _explain(path: Path, root: yaml.Node, error: ValidationError, kind: type[BaseModel]) -> str:
    faults = []
    for problem in error.errors(include_url=False):
        line = _node_at(root, problem["loc"]).start_mark.line + 1
        faults.append(f"line {line}: {explain_problem(kind, problem)}")
    return f"{path}, {'; '.join(faults)}"


def read_plan(path: str | Path) -> ProjectPlan:
    """The plan that a YAML file states.

    Raises:
        ConfigError: the file is missing, no YAML, or does not fit; every fault is named with its line.
    """
    path = Path(path)
    content = read_mapping(path)
    root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    assert root is not None  # a file without content is no mapping
    if twice := next(_repeated(root), None):
        raise ConfigError(f"{path}, line {twice.start_mark.line + 1}: {twice.value} stands twice; leave one")
    try:
        plan = ProjectPlan.model_validate(content)
        plan.rates  # noqa: B018  # a rate that makes no sense is told before any row is read
    except ValidationError as error:
        raise ConfigError(_explain(path, root, error, ProjectPlan)) from error
    except UsageError as error:
        line = _node_at(root, ("rate",)).start_mark.line + 1
        raise ConfigError(f"{path}, line {line}: {str(error).replace('--rate', 'rate', 1)}") from error
    return plan
