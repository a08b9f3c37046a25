"""What running a model costs in each way that a plan states, and when a bought machine has paid for itself.

hosted, rented    months x instances x price of a month, or x hours a month x price of an hour
serverless        months x requests a month x price of a request
bought            machines x price + months x (kW x hours a month x price of a kWh + hours of upkeep x wage)
break-even        price of the machines / (the other way's month - the month of what is bought)
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from dsforge.cost.bill import BreakEven, Line, priced, unpriced
from dsforge.cost.currency import Rates
from dsforge.cost.inference import price_calls
from dsforge.cost.plan import Bought, Deployment, Hosted, Rented, Serverless
from dsforge.cost.plan_prices import PlanPrices
from dsforge.cost.prices import Price, money
from dsforge.targets.profile import Unit


def deployment_lines(deployment: Deployment, prices: PlanPrices) -> Iterator[Line]:
    """Every way that is stated, over all months; one of them is counted."""
    for name, way in deployment.ways.items():
        line = _line(way, deployment.months, prices)
        yield msgspec.structs.replace(line, counted=name == deployment.chosen)


def _line(way: Hosted | Rented | Serverless | Bought, months: int, prices: PlanPrices) -> Line:
    if isinstance(way, Bought):
        return _bought(way, months, prices)
    if isinstance(way, Serverless):
        return _serverless(way, months, prices)
    return _instance(way, months, prices)


def _months(months: int) -> str:
    return f"{months} month{'' if months == 1 else 's'}"


def _serverless(way: Serverless, months: int, prices: PlanPrices) -> Line:
    called = f"{_months(months)} x {way.requests_per_month:,} requests"
    return price_calls(
        "deployment", f"serverless {way.model}".strip(), way, months * way.requests_per_month, called,
        prices.currency(way), prices.origin(way), prices.book.today,
    )  # fmt: skip


def _instance(way: Hosted | Rented, months: int, prices: PlanPrices) -> Line:
    count = way.instances if isinstance(way, Hosted) else way.count
    what = f"rented {way.gpu}" if isinstance(way, Rented) else "hosted instance"
    price = _rent(way, prices)
    if isinstance(price, str):
        return unpriced("deployment", what, price)
    amount, formula = months * count * price.amount, f"{_months(months)} x {count} x {price.amount} {price.currency}"
    if price.unit == "hour":
        amount *= way.hours_per_month
        formula = f"{_months(months)} x {way.hours_per_month} h x {count} x {price.amount} {price.currency}/h"
    return priced("deployment", what, formula, amount, price.currency, (price.source, price.as_of))


def _rent(way: Hosted | Rented, prices: PlanPrices) -> Price | str:
    """The price of a month or an hour: the user's, else the plan's, else that of the card; or how to state it."""
    book = prices.book
    given = isinstance(way, Rented) and ("local", way.gpu) in book.given
    stated: tuple[tuple[Decimal | None, Unit], ...] = ((way.price_per_month, "month"), (way.price_per_hour, "hour"))
    for amount, unit in stated:
        if amount is not None and not given:
            return Price(amount, prices.currency(way), unit, *prices.origin(way))
    assert isinstance(way, Rented)  # a hosted instance always states a price
    return book.find("local", way.gpu) or f"{book.ask('local', way.gpu)}, or price_per_hour in {prices.name}"


def running_cost(way: Bought) -> Decimal:
    """What bought machines cost in a month: kW x hours x price of a kWh, and the hours of upkeep x wage."""
    power = way.count * way.watts / 1000 * way.hours_per_month * way.price_per_kwh
    return power + way.upkeep_hours_per_month * (way.wage_per_hour or 0)


def _bought(way: Bought, months: int, prices: PlanPrices) -> Line:
    currency, running = prices.currency(way), running_cost(way)
    upkeep = f" + {way.upkeep_hours_per_month} h x {way.wage_per_hour}" if way.upkeep_hours_per_month else ""
    power = f"{way.count} x {way.watts} W / 1,000 x {way.hours_per_month} h x {way.price_per_kwh}"
    formula = f"{way.count} x {way.price} {currency} + {_months(months)} x ({power}{upkeep}) {currency}"
    amount = way.count * way.price + months * running
    return priced("deployment", "bought machine", formula, amount, currency, prices.origin(way))


def break_even(deployment: Deployment, prices: PlanPrices, rates: Rates) -> Iterator[BreakEven]:
    """When a bought machine has cost less than each other way, nothing where none is bought."""
    if deployment.bought is None:
        return
    for name, way in deployment.ways.items():
        if name != "bought":
            yield _against(_line(way, 1, prices), deployment.bought, prices.currency(deployment.bought), rates)


def _against(month: Line, bought: Bought, currency: str, rates: Rates) -> BreakEven:
    price, running = bought.count * bought.price, running_cost(bought)
    if month.amount is None:
        return BreakEven(month.what, None, "its price is not known")
    monthly = rates.convert(month.amount, month.currency, currency)
    if monthly is None:
        rate = f"--rate {month.currency}/{currency}=..."
        return BreakEven(month.what, None, f"{month.currency} and {currency} cannot be compared: give {rate}")
    if monthly <= running:
        costs = f"a month costs {money(monthly)} {currency}, running what is bought {money(running)}"
        return BreakEven(month.what, None, f"never: {costs}")
    formula = f"{money(price)} {currency} / ({money(monthly)} - {money(running)} a month)"
    return BreakEven(month.what, price / (monthly - running), formula)
