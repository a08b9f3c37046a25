"""The bill of a whole project, from its plan and its dataset.

data          rows x minutes / 60 x wage
augmentation  rows x price of a call
training      experiments x the bill of one training, or the rent of all their hours
storage       (experiments x GB of a model + other GB) x months x price
deployment    as deployment.py says
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from dsforge.cost.bill import Bill, Line, priced, unpriced
from dsforge.cost.calibrate import Calibration
from dsforge.cost.currency import Rates
from dsforge.cost.deployment import break_even, deployment_lines
from dsforge.cost.estimate import Choices, Estimate, Plan, hosted_name, plan_estimate
from dsforge.cost.hosted import training_bill
from dsforge.cost.inference import price_calls
from dsforge.cost.local_model import local_model
from dsforge.cost.parameters import count_adapter, count_parameters
from dsforge.cost.plan import Augmentation, DataWork, ProjectPlan, Storage, Training
from dsforge.cost.plan_prices import PlanPrices
from dsforge.cost.prices import PriceBook, Stated, money, rent
from dsforge.cost.quote import Quote
from dsforge.errors import ConfigError, UsageError, did_you_mean
from dsforge.targets.load import fact_names
from dsforge.targets.profile import STALE_DAYS, Gpu

BYTES_TRAINED_WHOLE = 2
"""Bytes of a parameter as it is kept where all are trained: 16 bits, so that a model of 13B is 26 GB."""
BYTES_OF_ADAPTER = 4
"""Bytes of a parameter of a LoRA adapter: PEFT trains and saves it in 32 bits."""


def choices_of(plan: ProjectPlan) -> Choices | None:
    """What the plan's training asks of the estimate, None where the plan trains nothing."""
    training = plan.training
    if training is None:
        return None
    return Choices(
        targets=[training.target or "local"], gpus=[training.gpu] if training.gpu else [],
        models=[training.model] if training.model else [], epochs=training.epochs, max_tokens=training.max_tokens,
        method=None if training.method == "qlora" else training.method, batch_size=training.batch_size,
        rank=training.rank, setup=training.setup, packing=training.packing,
    )  # fmt: skip


def resolve(plan: ProjectPlan, name: str, prices: Sequence[str] = (), calibration: Calibration | None = None) -> Plan:
    """Look up everything that a plan, a file called `name`, names.

    `prices` are those given with --price, `calibration` what was measured of GPUs.

    Raises:
        ConfigError: the plan names a target, model or GPU that does not exist.
        UsageError: one of `prices` does not fit.
    """
    rented, gpus = plan.deployment.rented if plan.deployment else None, fact_names(Gpu)
    if rented and rented.gpu not in gpus and rented.price_per_month is rented.price_per_hour is None:
        raise ConfigError(f"{name}: deployment.rented.gpu: no GPU {rented.gpu!r}{did_you_mean(rented.gpu, gpus)}")
    choices = choices_of(plan) or Choices(targets=["local"])
    try:
        plan_estimate(choices)
    except UsageError as error:
        raise ConfigError(f"{name}: training: {error}") from error
    resolved = plan_estimate(replace(choices, prices=prices, calibration=calibration))
    if plan.training is None:
        return replace(resolved, gpus=[], local_models=[])
    if plan.training.price:
        resolved.book.stated[_priced_as(plan.training, resolved)] = _stated(plan.training, name, resolved.book.today)
    return resolved


def _priced_as(training: Training, resolved: Plan) -> tuple[str, str]:
    """The (target, model) that the price of a training stands under."""
    if training.gpu:
        return "local", training.gpu
    target = resolved.hosted[0]
    asked = training.model or target.default_model
    return target.name, hosted_name(target, asked, named=True) or asked


def _stated(training: Training, name: str, today: date) -> Stated:
    assert training.price is not None
    return Stated(training.price, training.source or f"stated in {name}", training.as_of or today)


@dataclass(frozen=True)
class Project:
    """What the lines of a bill are made from: the plan's prices, the dataset's rows, the estimate of its training."""

    prices: PlanPrices
    rows: int
    estimate: Estimate

    @property
    def experiments(self) -> int:
        """How often is trained."""
        return self.prices.plan.experiments

    @property
    def times(self) -> str:
        """The experiments, as a factor in a formula."""
        return f" x {self.experiments:,} experiments" if self.experiments > 1 else ""

    @property
    def why_not(self) -> str:
        """Why there is no bill of the training."""
        return f"cannot be priced: {'; '.join(self.estimate.notes)}"


def _data(data: DataWork, project: Project) -> Line:
    rows, currency = data.rows or project.rows, project.prices.currency(data)
    amount = rows * data.minutes_per_row / 60 * data.wage_per_hour
    formula = f"{rows:,} rows x {data.minutes_per_row} min / 60 x {data.wage_per_hour} {currency}/h"
    return priced("data", "preparing rows", formula, amount, currency, project.prices.origin(data))


def _augmentation(wanted: Augmentation, project: Project) -> Line:
    prices = project.prices
    return price_calls(
        "augmentation", f"writing rows{f' with {wanted.model}' if wanted.model else ''}", wanted, wanted.rows,
        f"{wanted.rows:,} rows", prices.currency(wanted), prices.origin(wanted), prices.book.today,
    )  # fmt: skip


def _training(training: Training, project: Project) -> Line:
    if training.gpu:
        return _on_gpu(training, project)
    if not project.estimate.quotes:
        return unpriced("training", f"training at {training.target}", project.why_not)
    return _at_platform(training, project.estimate.quotes[0], project)


def _at_platform(training: Training, quote: Quote, project: Project) -> Line:
    book, what = project.prices.book, f"training {quote.model} at {quote.target}"
    price, card = book.find(quote.target, quote.model), book.card(quote.target)
    if price is None:
        return unpriced("training", what, f"{quote.formula}, or training.price in {project.prices.name}")
    tokens, evaluated = quote.tokens_billed + training.mixed_tokens, training.evaluations * training.validation_tokens
    minimum = card.minimum if card else None
    one = training_bill(tokens, quote.epochs, price.amount, price.per, evaluated=evaluated, minimum=minimum)
    billed = f"{tokens:,} tokens x {quote.epochs} epoch{'' if quote.epochs == 1 else 's'}"
    if evaluated:
        billed = f"({billed} + {training.evaluations} evaluations x {training.validation_tokens:,} tokens)"
    least = f", no less than {minimum} {price.currency}" if minimum else ""
    formula = f"{billed} x {price.amount} {price.currency} / {price.per:,}{least}{project.times}"
    source = price.source if price.verified else f"{price.source} (unverified)"
    return priced("training", what, formula, project.experiments * one, price.currency, (source, price.as_of))


def _on_gpu(training: Training, project: Project) -> Line:
    prices = project.prices
    price = prices.book.find("local", training.gpu)
    what, count, hours, basis = f"training on {training.gpu}", training.gpus, training.hours, "stated"
    if hours is None:
        if not project.estimate.hardware:
            return unpriced("training", what, project.why_not)
        quote = project.estimate.hardware[0]
        what = f"training {quote.model} on {quote.gpu}"
        if quote.hours is None:
            return unpriced("training", what, quote.formula)
        count, hours, basis = quote.count, Decimal(str(quote.hours)), "estimated, the slow end"
    if price is None:
        ask = f"{prices.book.ask('local', training.gpu)}, or training.price in {prices.name}"
        return unpriced("training", what, ask)
    amount, paid = rent(hours * project.experiments, count, price)
    formula = f"{paid}; {money(hours)} h{project.times} ({basis})"
    return priced("training", what, formula, amount, price.currency, (price.source, price.as_of))


def model_size(storage: Storage, training: Training | None, estimate: Estimate) -> tuple[Decimal, str] | None:
    """(GB of one model as it is kept, how that comes about); None where it is not known.

    Stated, else from the parameters: all of them where they are trained, those of the adapter with LoRA.
    """
    if storage.gb_per_model:
        return storage.gb_per_model, f"{storage.gb_per_model} GB"
    if training is None:
        return Decimal(0), "0 GB"
    runs = estimate.hardware or estimate.quotes
    model = local_model(runs[0].model if runs else training.model)
    if model is None:
        return None
    if (runs[0].method if runs else training.method) == "full":
        size = Decimal(count_parameters(model).total * BYTES_TRAINED_WHOLE) / 10**9
        return size, f"{size:.2f} GB ({model.name}, {BYTES_TRAINED_WHOLE} bytes a parameter)"
    size = Decimal(count_adapter(model, training.rank, training.setup.targets) * BYTES_OF_ADAPTER) / 10**9
    return size, f"{size:.3f} GB (LoRA adapter of {model.name}, rank {training.rank})"


def _storage(storage: Storage, project: Project) -> Line:
    prices, what = project.prices, "keeping models"
    kept = model_size(storage, prices.plan.training, project.estimate)
    if kept is None:
        return unpriced(
            "storage", what, f"the size of the model is not known: state storage.gb_per_model in {prices.name}"
        )
    size, told = kept
    volume = f"{project.experiments:,} x {told}"
    if storage.data_gb:
        volume = f"({volume} + {storage.data_gb} GB)" if size else f"{storage.data_gb} GB"
    currency = prices.currency(storage)
    months = f"{storage.months} month{'' if storage.months == 1 else 's'}"
    formula = f"{volume} x {months} x {storage.price_per_gb_month} {currency}"
    amount = (project.experiments * size + storage.data_gb) * storage.months * storage.price_per_gb_month
    return priced("storage", what, formula, amount, currency, prices.origin(storage))


def _lines(project: Project) -> Iterator[Line]:
    plan = project.prices.plan
    if plan.data:
        yield _data(plan.data, project)
    if plan.augmentation:
        yield _augmentation(plan.augmentation, project)
    if plan.training:
        yield _training(plan.training, project)
    if plan.storage:
        yield _storage(plan.storage, project)
    if plan.deployment:
        yield from deployment_lines(plan.deployment, project.prices)


def _stale(plan: ProjectPlan, today: date) -> Iterator[str]:
    """Warnings of prices that the plan states and that are older than 90 days."""
    dated = [(name, section.source, section.as_of) for name, section in plan.priced()]
    if plan.training:
        dated.append(("training", plan.training.source, plan.training.as_of))
    for name, source, as_of in dated:
        if as_of and (days := (today - as_of).days) > STALE_DAYS:
            yield f"the price of {name} is of {as_of}, {days} days ago{f': check {source}' if source else ''}"


def make_bill(plan: ProjectPlan, name: str, rows: int, estimate: Estimate, book: PriceBook, rates: Rates) -> Bill:
    """The bill of a plan, a file called `name`, for a dataset of `rows` rows.

    `estimate` is that of the plan's training alone (see `choices_of`), an empty one where it trains nothing. `rates`
    are the exchange rates that hold, the plan's own among them.
    """
    prices = PlanPrices(plan, name, book)
    lines = list(_lines(Project(prices, rows, estimate)))
    even = list(break_even(plan.deployment, prices, rates)) if plan.deployment else []
    currencies = {line.currency for line in lines if line.amount is not None}
    notes = [*_stale(plan, book.today), *(warning for warning in book.warnings if warning not in estimate.notes)]
    amounts = f"the amounts are in {' and '.join(sorted(currencies)) or 'no currency'}"
    notes += [f"the rate {pair} is not used: {amounts}" for pair in rates.unused(currencies)]
    return Bill(lines, even, notes)
