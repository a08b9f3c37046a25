"""A bill of several things: one line for each, sums by currency, a total only at rates that are stated."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeAlias

import msgspec

from dsforge.cost.currency import Rates

Origin: TypeAlias = tuple[str, date]
"""(source, day) of a price."""


class Line(msgspec.Struct, frozen=True):
    """One thing that is paid for. `amount` is exact, None where a price is not known: `formula` says what to state.

    `as_of` is a date by ISO 8601. `counted` is False for a way of deployment that is told only to be compared.
    """

    section: str
    what: str
    formula: str
    amount: Decimal | None
    currency: str
    source: str
    as_of: str
    counted: bool = True


def priced(section: str, what: str, formula: str, amount: Decimal, currency: str, origin: Origin) -> Line:
    """A line whose price is known, by which source and of which day."""
    source, as_of = origin
    return Line(section, what, formula, amount, currency, source, as_of.isoformat())


def unpriced(section: str, what: str, ask: str) -> Line:
    """A line whose price is not known; `ask` says why, and how to state it."""
    return Line(section, what, ask, None, "", "", "")


class BreakEven(msgspec.Struct, frozen=True):
    """After how many months a bought machine has cost less than another way; `months` None is never, or not known."""

    against: str
    months: Decimal | None
    formula: str


class Total(msgspec.Struct, frozen=True):
    """All amounts that are known, in one currency. `rates` are the exchange rates it was made with, "" for none."""

    amount: Decimal
    currency: str
    rates: str


@dataclass
class Bill:
    """The lines of a bill. `notes` are cautions for the reader, each one line."""

    lines: list[Line] = field(default_factory=list)
    break_even: list[BreakEven] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> list[str]:
        """What is counted, but has no price that is known."""
        return [line.what for line in self.lines if line.counted and line.amount is None]

    @property
    def subtotals(self) -> dict[str, Decimal]:
        """The sum of the counted amounts in each currency."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            if line.counted and line.amount is not None:
                sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.amount
        return sums

    def total(self, rates: Rates) -> Total | None:
        """The sum of all counted amounts, None where they are in currencies that no rate joins."""
        sums = self.subtotals
        currency = rates.common(sums)
        if currency is None:
            return None
        amounts = [rates.convert(amount, code, currency) for code, amount in sums.items()]
        amount = sum((amount for amount in amounts if amount is not None), Decimal(0))
        return Total(amount, currency, str(rates) if len(sums) > 1 else "")
