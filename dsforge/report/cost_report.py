"""What the page about the cost of a training is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

_LEAST = Decimal("0.0001")


class Way(NamedTuple):
    """One way to train: at a platform, or on GPUs (`2 x a100-80gb`).

    `amount` is None where the price is not known, and then `option` gives it; `compared` is it in the currency of the
    report. `bills` are what as many epochs cost as the report's `drawn` say, in the currency of the report or, where it
    has none, in that of the way; there are none where the price is not known. `hours` are the fast and the slow end.
    `memory_gib` of each GPU is made of `parts`.
    """

    where: str
    model: str
    method: str
    amount: Decimal | None
    currency: str
    compared: Decimal | None = None
    option: str = ""
    bills: Sequence[Decimal] = ()
    hours: tuple[float, float] | None = None
    memory_gib: float | None = None
    capacity_gib: float | None = None
    parts: Sequence[tuple[str, float]] = ()
    fits: bool = True
    marks: Sequence[str] = ()

    @property
    def price(self) -> Decimal | None:
        """What it is compared by: the amount in the report's currency, or else as it is billed."""
        return self.amount if self.compared is None else self.compared


class Basis(NamedTuple):
    """How an amount comes about. `origin` is the source and the day of its price, "" where there is none."""

    what: str
    formula: str
    origin: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class CostReport:
    """A training in tokens, and the ways to do it, the best first.

    `sources` are files with their sizes in bytes. `currency` is what all amounts are compared in, "" where there is
    none. `drawn` are the numbers of epochs that bills are given for, ascending, with `epochs` among them. `usable` is
    the share of a GPU's memory that a training may take. `lengths` is a histogram of tokens as of
    dsforge.report.histogram, `shape` and `run` are what is told of the lengths and of the run, each a term and a fact.
    """

    sources: Sequence[tuple[str, int]]
    rows: int
    tokens: int
    trained: int
    longest: int
    epochs: int
    ways: Sequence[Way]
    currency: str
    drawn: Sequence[int]
    usable: float = 1.0
    basis: Sequence[Basis] = ()
    assumptions: Sequence[str] = ()
    lengths: Sequence[int] = ()
    shape: Sequence[tuple[str, str]] = ()
    run: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()


def money(amount: Decimal, currency: str = "") -> str:
    """An amount for people: to the cent, or to a hundredth of one where it is small."""
    if 0 < amount < _LEAST:
        told = f"<{_LEAST}"
    else:
        told = f"{amount:,.2f}" if amount >= Decimal("0.1") or not amount else f"{amount:,.4f}"
    return f"{told} {currency}".rstrip()


def duration(hours: Sequence[float]) -> str:
    """How long, or from how long to how long, in the unit that suits the longest, which comes last."""
    for unit, per_hour in (("h", 1), ("min", 60), ("s", 3600)):
        if hours[-1] * per_hour >= 1:
            return f"{' to '.join(f'{each * per_hour:,.1f}' for each in hours)} {unit}"
    return "under 1 s"
