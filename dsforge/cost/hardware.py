"""Training on GPUs of one's own or rented: how many fit, how long, how much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from dsforge.cost.compute import UTILISATION, Work, training_flops, training_hours
from dsforge.cost.memory import USABLE, training_memory
from dsforge.cost.prices import Price, PriceBook, money
from dsforge.cost.quote import HardwareQuote
from dsforge.targets.profile import Gpu, Method, Model

COUNTS = (1, 2, 4, 8)
HOURS_A_MONTH = 730


@dataclass(frozen=True)
class Run:
    """A training to be priced: what is trained, and on how much.

    `max_tokens` is the longest sequence, `batch_size` how many sequences a GPU holds at a time.
    """

    model: Model
    method: Method
    work: Work
    max_tokens: int
    epochs: int = 3
    batch_size: int = 1
    rank: int = 16


def smallest_fit(run: Run, gpu: Gpu) -> tuple[int, float, bool]:
    """(GPUs, GiB on each, whether it fits) for the smallest count that fits, or for the largest."""
    count, needed = COUNTS[-1], math.inf
    for count in COUNTS:
        memory = training_memory(
            run.model, run.method, run.max_tokens, batch_size=run.batch_size, rank=run.rank, gpus=count
        )
        needed = memory.total
        if needed <= gpu.memory_gib * USABLE:
            return count, needed, True
    return count, needed, False


def _rent(hours: float, count: int, price: Price) -> tuple[Decimal, str]:
    """The rent and how it comes about; a GPU rented by the month is paid for whole months."""
    if price.unit == "month":
        months = max(1, math.ceil(hours / HOURS_A_MONTH))
        amount = months * count * price.amount
        return (
            amount,
            f"{months} month{'s' if months > 1 else ''} x {count} x {price.amount} {price.currency} (whole months)",
        )
    amount = Decimal(str(hours)) * count * price.amount
    return amount, f"{hours:.3g} h x {count} x {price.amount} {price.currency}/h"


def quote_hardware(run: Run, gpu: Gpu, book: PriceBook) -> HardwareQuote:
    """Memory, time and rent on one kind of GPU."""
    count, memory, fits = smallest_fit(run, gpu)
    price = book.find("local", gpu.name)
    flops = run.epochs * training_flops(run.model, run.method, run.work, rank=run.rank)
    hours = training_hours(flops, gpu.bf16_tflops, count) if fits else None
    formula = (
        f"{flops:.3g} FLOPs / ({count} x {gpu.bf16_tflops:g} TFLOP/s x {UTILISATION[0]:.0%} to {UTILISATION[1]:.0%})"
    )
    amount = None
    if not fits:
        formula = f"does not fit on {count}"
    elif hours and price:
        amount, rent = _rent(hours[1], count, price)
        formula = f"{formula}; {rent} = {money(amount)} {price.currency}"
    elif hours:
        formula = f"{formula}; {book.ask('local', gpu.name)}"
    return HardwareQuote(
        gpu.name, count, run.model.name, run.method, round(memory, 1), fits,
        round(hours[1], 6) if hours else None,
        (round(hours[0], 6), round(hours[1], 6)) if hours else None,
        float(round(amount, 4)) if amount is not None else None,
        price.currency if price and amount is not None else None, formula,
        price.source if price else gpu.source, (price.as_of if price else gpu.as_of).isoformat(),
        run.max_tokens, run.batch_size,
    )  # fmt: skip
