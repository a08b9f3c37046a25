"""All the ways to train that were priced, in one list: the cheapest first, the cheapest and the fastest marked."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from dsforge.cost.currency import Rates
from dsforge.cost.estimate import Estimate
from dsforge.cost.quote import HardwareQuote, Quote

CHEAPEST, FASTEST = "cheapest", "fastest"


class Way(msgspec.Struct, frozen=True):
    """One way to train.

    `where` is the platform, or the GPUs as `2 x a100-80gb`. `amount` is None where the price is not known, `compared`
    is the amount in the currency that all can be compared in. `hours` is the slow end, None at a platform, which does
    not say. GPUs that it does not fit on are `fits` False, and are neither cheapest nor fastest. A
    `monthly` rent does not grow with the tokens.
    """

    where: str
    model: str
    method: str
    epochs: int
    amount: Decimal | None
    currency: str
    compared: Decimal | None
    hours: float | None
    memory_gib: float | None
    capacity_gib: float | None
    fits: bool
    monthly: bool = False
    marks: list[str] = []


class Ranking(msgspec.Struct, frozen=True):
    """The ways in order; `currency` is that of `compared`, "" where amounts stand in several that no rate connects."""

    ways: list[Way]
    currency: str
    currencies: list[str]


def rank(estimate: Estimate, rates: Rates, epochs: int, capacities: Mapping[str, float]) -> Ranking:
    """The ways of an estimate for so many epochs. `capacities` are the GiB of each GPU.

    In one currency, or several with rates between them, the cheapest come first; else those of each currency. Behind
    them come those whose price is not known, then those that do not fit.
    """
    ways = [*map(_hosted, estimate.quotes), *(_own(quote, epochs, capacities) for quote in estimate.hardware)]
    currencies = sorted({way.currency for way in ways if way.amount is not None})
    common = rates.common(currencies) or ""
    ways = [msgspec.structs.replace(way, compared=_in_common(way, common, rates)) for way in ways]
    ways.sort(key=lambda way: _order(way, common))
    return Ranking(_marked(ways), common, currencies)


def _in_common(way: Way, common: str, rates: Rates) -> Decimal | None:
    return rates.convert(way.amount, way.currency, common) if common and way.amount is not None else None


def _order(way: Way, common: str) -> tuple[bool, bool, str, Decimal]:
    amount = way.compared if common else way.amount
    unknown = amount is None
    return not way.fits, unknown, "" if common or unknown else way.currency, Decimal(0) if amount is None else amount


def _marked(ways: Sequence[Way]) -> list[Way]:
    priced = [way.compared for way in ways if way.fits and way.compared is not None]
    timed = [way.hours for way in ways if way.fits and way.hours is not None]
    marks = [
        [CHEAPEST] * (way.fits and len(priced) > 1 and way.compared == min(priced))
        + [FASTEST] * (way.fits and len(timed) > 1 and way.hours == min(timed))
        for way in ways
    ]
    return [msgspec.structs.replace(way, marks=of_way) for way, of_way in zip(ways, marks, strict=True)]


def _hosted(quote: Quote) -> Way:
    amount = None if quote.amount is None else Decimal(str(quote.amount))
    return Way(
        quote.target, quote.model, quote.method, quote.epochs, amount, quote.currency, None, None, None, None, True
    )


def _own(quote: HardwareQuote, epochs: int, capacities: Mapping[str, float]) -> Way:
    amount = None if quote.amount is None else Decimal(str(quote.amount))
    return Way(
        place_of(quote), quote.model, quote.method, epochs, amount, quote.currency or "", None, quote.hours,
        quote.memory_gib, capacities.get(quote.gpu), quote.fits, quote.monthly,
    )  # fmt: skip


def place_of(quote: HardwareQuote) -> str:
    """The GPUs of a quote, as a way names them."""
    return f"{quote.count} x {quote.gpu}" if quote.count > 1 else quote.gpu


def as_csv(ranking: Ranking) -> str:
    """The ways as CSV with a header; amounts are plain numbers, what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, f"compared_{ranking.currency.lower()}" if ranking.currency else "compared"])
    for way in ranking.ways:
        plain = msgspec.structs.asdict(way)
        plain["marks"] = " ".join(way.marks)
        cells = [plain[name] for name in (*_COLUMNS, "compared")]
        writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


_COLUMNS = ("where", "model", "method", "epochs", "amount", "currency", "hours", "memory_gib", "capacity_gib", "fits",
            "marks")  # fmt: skip


class Affordable(msgspec.Struct, frozen=True):
    """What a budget pays for at one way: so many epochs over all rows, or the first rows for the epochs asked.

    `whole` says whether the run as it was asked is paid for. None where the price or the exchange is not known.
    """

    where: str
    model: str
    method: str
    epochs: int | None
    rows: int | None
    whole: bool | None


def afford(
    ranking: Ranking, budget: Decimal, currency: str, rates: Rates, tokens_of_rows: Sequence[int]
) -> list[Affordable]:
    """What `budget` pays for, in the order of the ranking; ways that do not fit are left out.

    A bill grows with tokens times epochs, which is what these counts rest on; a platform's minimum charge can make it
    more for very few rows, and of a rent by the month only the run that was asked for is judged.
    """
    return [_affordable(way, budget, currency, rates, tokens_of_rows) for way in ranking.ways if way.fits]


def _affordable(way: Way, budget: Decimal, currency: str, rates: Rates, tokens: Sequence[int]) -> Affordable:
    amount = None if way.amount is None else rates.convert(way.amount, way.currency, currency)
    if amount is None:
        return Affordable(way.where, way.model, way.method, None, None, None)
    if not amount or way.monthly:  # what is paid for pays for all of it, or for nothing
        whole = amount <= budget
        return Affordable(way.where, way.model, way.method, way.epochs * whole, len(tokens) * whole, whole)
    epochs = int(budget * way.epochs / amount)
    share = min(budget / amount, Decimal(1))
    return Affordable(way.where, way.model, way.method, epochs, _rows_within(tokens, share), share == 1)


def _rows_within(tokens: Sequence[int], share: Decimal) -> int:
    """The first rows that together have at most this share of all tokens."""
    room, rows = share * sum(tokens), 0
    for count in tokens:
        room -= count
        if room < 0:
            break
        rows += 1
    return rows
