"""The price of a training: from a card, or from the user; never a guess."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from dsforge.errors import UsageError
from dsforge.targets.load import load_prices, stale
from dsforge.targets.profile import PriceCard, Unit

GIVEN = "given with --price"

HOURS_A_MONTH = 730
"""365 days of 24 hours, parted by 12."""

_UNIT_SIZE: dict[Unit, int] = {"1K tokens": 1000, "1M tokens": 1_000_000, "hour": 1, "month": 1}


@dataclass(frozen=True)
class Price:
    """What one unit costs, by which source and when."""

    amount: Decimal
    currency: str
    unit: Unit
    source: str
    as_of: date
    verified: bool = True

    @property
    def per(self) -> int:
        """Tokens (or hours, or months) in one unit."""
        return _UNIT_SIZE[self.unit]


def parse_prices(options: Sequence[str]) -> dict[tuple[str, str], Decimal]:
    """`{(target, model): price}` of options written TARGET.MODEL=PRICE; the first dot parts the two.

    Raises:
        UsageError: one is written otherwise, or its price is not above zero.
    """
    prices = {}
    for option in options:
        name, equals, number = option.partition("=")
        target, dot, model = name.partition(".")
        if not (equals and dot and target.strip() and model.strip()):
            raise UsageError(f"--price {option}: write TARGET.MODEL=PRICE, for example zhipu.glm-4-9b=0.02")
        try:
            amount = Decimal(number.strip())
        except InvalidOperation:
            raise UsageError(f"--price {option}: {number!r} is no number") from None
        if not amount.is_finite() or amount <= 0:
            raise UsageError(f"--price {option}: a price must be above zero")
        prices[target.strip(), model.strip()] = amount
    return prices


@dataclass(frozen=True)
class Stated:
    """A price that a file of the user states, in the card's currency and unit: by which source, of which day."""

    amount: Decimal
    source: str
    as_of: date


@dataclass
class PriceBook:
    """Price cards by target; over them the prices that a plan states, and over all those that the user gave.

    Both are in the card's currency and unit.
    """

    given: dict[tuple[str, str], Decimal]
    today: date = field(default_factory=date.today)
    warnings: list[str] = field(default_factory=list)
    stated: dict[tuple[str, str], Stated] = field(default_factory=dict)

    def card(self, target: str) -> PriceCard | None:
        """The card of a target, None where there is none."""
        return load_prices(target)

    def find(self, target: str, model: str) -> Price | None:
        """The price of a model at a target, None where it is not known."""
        card = self.card(target)
        stated = self.stated.get((target, model))
        if (given := self.given.get((target, model))) is not None:
            stated = Stated(given, GIVEN, self.today)
        if stated:
            unit: Unit = card.unit if card else "1K tokens"
            return Price(stated.amount, card.currency if card else "CNY", unit, stated.source, stated.as_of)
        if card is None:
            return None
        if model in card.prices:
            return self._from_card(card, card.prices[model], card.unit)
        if model in card.monthly:
            return self._from_card(card, card.monthly[model], "month")
        return None

    def _from_card(self, card: PriceCard, amount: Decimal, unit: Unit) -> Price:
        warning = stale(card, f"prices at {card.target}", self.today)
        if warning and warning not in self.warnings:
            self.warnings.append(warning)
        return Price(amount, card.currency, unit, card.source, card.as_of, card.verified)

    def ask(self, target: str, model: str) -> str:
        """How to say that the price of a model is not known, and how to give it."""
        card = self.card(target)
        unit = (
            f"{card.currency} per {card.unit.replace('1K', '1,000').replace('1M', '1,000,000')}"
            if card
            else "CNY per 1,000 tokens"
        )
        where = f"; {card.source}" if card else ""
        return f"price not known: give --price {target}.{model}=... ({unit}{where})"


def rent(hours: Decimal, count: int, price: Price, told: str = "") -> tuple[Decimal, str]:
    """The rent of `count` GPUs for `hours`, and how it comes about; by the month, whole months are paid for.

    `told` is how the hours are written, to the hundredth where it is empty.
    """
    if price.unit == "month":
        months = max(1, math.ceil(hours / HOURS_A_MONTH))
        paid = f"{months} month{'s' if months > 1 else ''} x {count} x {price.amount} {price.currency} (whole months)"
        return months * count * price.amount, paid
    return hours * count * price.amount, f"{told or money(hours)} h x {count} x {price.amount} {price.currency}/h"


def money(amount: Decimal) -> str:
    """An amount for people: to the cent, or to a hundredth of one where it is small."""
    return f"{amount:,.2f}" if amount >= Decimal("0.1") else f"{amount:,.4f}"
