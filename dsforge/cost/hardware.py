"""Training on GPUs of one's own or rented: how many fit, how long, how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

import msgspec

from dsforge.cost.calibrate import Calibration
from dsforge.cost.compute import Work, training_flops, training_hours
from dsforge.cost.memory import USABLE, Memory, training_memory
from dsforge.cost.prices import PriceBook, money, rent
from dsforge.cost.quote import HardwareQuote
from dsforge.cost.setup import Setup
from dsforge.targets.load import load_gpu
from dsforge.targets.profile import Gpu, Model

COUNTS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Run:
    """A training to be priced: what is trained, how, and on how much.

    `max_tokens` is the longest sequence, `batch_size` how many sequences a GPU holds at a time. `reference`: rows are
    preferences, which are compared with a frozen copy of the model.
    """

    model: Model
    setup: Setup
    work: Work
    max_tokens: int
    epochs: int = 3
    batch_size: int = 1
    reference: bool = False


def smallest_fit(run: Run, gpu: Gpu) -> tuple[int, Memory, bool]:
    """(GPUs, memory of each, whether it fits) for the smallest count that fits, or for the largest.

    Weights that are not divided take as much on eight GPUs as on one: then one is all that is tried.
    """
    for count in COUNTS if run.setup.sharding != "none" else COUNTS[:1]:
        memory = training_memory(
            run.model, run.setup, run.max_tokens, batch_size=run.batch_size, gpus=count, reference=run.reference
        )
        if memory.total <= gpu.memory_gib * USABLE:
            return count, memory, True
    return count, memory, False


def quote_hardware(run: Run, gpu: Gpu, book: PriceBook, calibration: Calibration | None = None) -> HardwareQuote:
    """Memory, time and rent on one kind of GPU."""
    count, memory, fits = smallest_fit(run, gpu)
    price = book.find("local", gpu.name)
    reached = (calibration or Calibration()).utilisation(gpu.name, run.model.family)
    flops = run.epochs * training_flops(run.model, run.setup, run.work)
    hours = training_hours(flops, gpu.bf16_tflops, count, (reached.low, reached.high)) if fits else None
    formula = (
        f"{flops:.3g} FLOPs / ({count} x {gpu.bf16_tflops:g} TFLOP/s x {reached.low:.0%} to {reached.high:.0%}"
        f"{f', measured in {reached.runs} run' + 's' * (reached.runs > 1) if reached.runs else ''})"
    )
    amount = None
    if not fits:
        formula = f"does not fit on {count}"
    elif hours and price:
        amount, paid = rent(Decimal(str(hours[1])), count, price, f"{hours[1]:.3g}")
        formula = f"{formula}; {paid} = {money(amount)} {price.currency}"
    elif hours:
        formula = f"{formula}; {book.ask('local', gpu.name)}"
    return HardwareQuote(
        gpu.name, count, run.model.name, run.setup.method, round(memory.total, 1), fits,
        round(hours[1], 6) if hours else None,
        (round(hours[0], 6), round(hours[1], 6)) if hours else None,
        float(round(amount, 4)) if amount is not None else None,
        price.currency if price and amount is not None else None, formula,
        price.source if price else gpu.source, (price.as_of if price else gpu.as_of).isoformat(),
        run.max_tokens, run.batch_size, run.setup.sharding if count > 1 else "none",
        {name: round(gib, 2) for name, gib in asdict(memory).items()}, calibrated_runs=reached.runs,
        monthly=price is not None and price.unit == "month",
    )  # fmt: skip


def mark_best(quotes: Sequence[HardwareQuote]) -> list[HardwareQuote]:
    """The quotes with two marks for each model: the smallest set of GPUs that fits, and the cheapest.

    The smallest has the fewest GPUs, of those the least memory; the cheapest of each currency is marked, where two or
    more rents are known in it.
    """
    best: dict[int, list[str]] = {}
    for model in dict.fromkeys(quote.model for quote in quotes):
        fitting = [index for index, quote in enumerate(quotes) if quote.model == model and quote.fits]
        if len(fitting) > 1:
            best.setdefault(min(fitting, key=lambda index: _size(quotes[index])), []).append("smallest")
        for currency in {quotes[index].currency for index in fitting} - {None}:
            priced = [index for index in fitting if quotes[index].currency == currency]
            if len(priced) > 1:
                best.setdefault(min(priced, key=lambda index: quotes[index].amount or 0), []).append("cheapest")
    return [msgspec.structs.replace(quote, marks=best.get(index, [])) for index, quote in enumerate(quotes)]


def _size(quote: HardwareQuote) -> tuple[int, float]:
    return quote.count, load_gpu(quote.gpu).memory_gib
