"""GPUs: how many fit, which are the smallest and the cheapest, and the rent, worked by hand."""

from __future__ import annotations

import time
from datetime import date

import pytest

from dsforge.cost.calibrate import Calibration, Fit
from dsforge.cost.compute import work_of
from dsforge.cost.hardware import Run, mark_best, quote_hardware, smallest_fit
from dsforge.cost.prices import PriceBook, parse_prices
from dsforge.cost.setup import Setup, Sharding
from dsforge.targets.load import all_facts, load_gpu
from dsforge.targets.profile import Gpu, LocalMethod, Model
from tests.cost.small import known

TODAY = date(2026, 11, 21)


def _run(name: str, method: LocalMethod, epochs: int = 3, sharding: Sharding = "zero3") -> Run:
    return Run(known(name), Setup(method, sharding=sharding), work_of([1000] * 1000), 1000, epochs)


@pytest.mark.parametrize(
    ("name", "method", "gpu", "sharding", "count"),
    [
        ("qwen2.5-7b", "lora", "rtx-4090", "zero3", 1), ("qwen2.5-7b", "full", "a100-80gb", "zero3", 1),
        ("qwen2.5-7b", "full", "rtx-4090", "zero3", 4), ("qwen2.5-72b", "full", "a10", "zero3", None),
        ("qwen2.5-7b", "full", "rtx-4090", "none", None), ("qwen2.5-72b", "qlora", "a100-80gb", "zero3", 1),
        ("mixtral-8x7b", "lora", "h200", "none", 1), ("mixtral-8x7b", "lora", "a100-80gb", "zero3", 2),
    ],
)  # fmt: skip
def test_the_smallest_count_that_fits(
    name: str, method: LocalMethod, gpu: str, sharding: Sharding, count: int | None
) -> None:
    found, memory, fits = smallest_fit(_run(name, method, sharding=sharding), load_gpu(gpu))
    assert fits == (count is not None)
    assert found == (count or (1 if sharding == "none" else 8))
    assert fits == (memory.total <= load_gpu(gpu).memory_gib * 0.95)


def test_rent_by_the_hour_is_pro_rata() -> None:
    quote = quote_hardware(_run("qwen2.5-7b", "lora"), load_gpu("rtx-4090"), PriceBook({}, TODAY))
    assert quote.hours is not None
    assert quote.amount == pytest.approx(quote.hours * 2, abs=1e-4)
    assert (quote.count, quote.currency, quote.fits) == (1, "CNY", True)
    assert quote.hours_range is not None
    assert quote.hours_range[0] < quote.hours_range[1] == quote.hours
    assert sum(quote.memory.values()) == pytest.approx(quote.memory_gib, abs=0.1)


def test_rent_by_the_month_is_for_whole_months() -> None:
    quote = quote_hardware(_run("qwen2.5-7b", "lora"), load_gpu("a10"), PriceBook({}, TODAY))
    assert quote.amount == 4000
    long = quote_hardware(_run("qwen2.5-7b", "lora", epochs=4000), load_gpu("a10"), PriceBook({}, TODAY))
    assert long.hours is not None
    assert long.amount == 4000 * -(-long.hours // 730)
    by_hour = PriceBook(parse_prices(["local.a10=5"]), TODAY)
    assert quote_hardware(_run("qwen2.5-7b", "lora"), load_gpu("a10"), by_hour).amount != 4000


def test_no_rent_and_no_fit_have_no_amount() -> None:
    free = quote_hardware(_run("qwen2.5-7b", "lora"), load_gpu("h100"), PriceBook({}, TODAY))
    assert (free.amount, free.currency) == (None, None)
    assert "give --price local.h100=..." in free.formula
    huge = quote_hardware(_run("qwen2.5-72b", "full"), load_gpu("rtx-4090"), PriceBook({}, TODAY))
    assert (huge.fits, huge.hours, huge.amount) == (False, None, None)


def test_the_smallest_and_the_cheapest_are_marked() -> None:
    book = PriceBook(parse_prices(["local.h100=20", "local.a10=5"]), TODAY)
    names = ("a10", "h100", "h200", "rtx-4090")
    quotes = mark_best([quote_hardware(_run("qwen2.5-14b", "lora"), load_gpu(name), book) for name in names])
    assert {quote.gpu: quote.count for quote in quotes} == {"a10": 2, "h100": 1, "h200": 1, "rtx-4090": 2}
    assert {quote.gpu for quote in quotes if "smallest" in quote.marks} == {"h100"}
    cheapest = min((quote for quote in quotes if quote.amount), key=lambda quote: quote.amount or 0)
    assert {quote.gpu for quote in quotes if "cheapest" in quote.marks} == {cheapest.gpu}


def test_measured_utilisation_stands_in_place_of_the_prior() -> None:
    fit = Fit(gpu="h100", family="qwen2.5", low=0.5, high=0.6, runs=3, as_of=TODAY)
    book, calibration = PriceBook({}, TODAY), Calibration(fits=(fit,))
    prior, measured = (
        quote_hardware(_run("qwen2.5-7b", "lora"), load_gpu("h100"), book, c) for c in (None, calibration)
    )
    assert prior.hours is not None
    assert measured.hours == pytest.approx(prior.hours * 0.25 / 0.5, rel=1e-4)
    assert (measured.calibrated_runs, prior.calibrated_runs) == (3, 0)
    assert "50% to 60%, measured in 3 runs" in measured.formula


def test_thirty_models_on_eight_gpus_take_less_than_a_second() -> None:
    models = (list(all_facts(Model)) * 2)[:30]
    runs = [Run(model, Setup(), work_of([1000] * 1000), 1000) for model in models]
    gpus, book = list(all_facts(Gpu)), PriceBook({}, TODAY)
    assert len(gpus) >= 8
    started = time.perf_counter()
    for run in runs:
        mark_best([quote_hardware(run, gpu, book) for gpu in gpus])
    assert time.perf_counter() - started < 1
