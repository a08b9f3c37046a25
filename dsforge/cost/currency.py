"""Amounts in several currencies: exchanged only at a rate that the user states, never in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from dsforge.errors import UsageError

_EXAMPLE = "write FROM/TO=AMOUNT, for example CNY/USD=0.14 where 1 CNY is 0.14 USD"
_CODE = re.compile("[A-Z]{3}")
_NOT_ISO = {
    "RMB": "CNY",
    "CNH": "CNY",
    "YUAN": "CNY",
    "DOLLAR": "USD",
    "EURO": "EUR",
    "$": "USD",
    "¥": "CNY",
    "€": "EUR",
}
"""What people write for a currency, and its code by ISO 4217."""


@dataclass(frozen=True)
class Rates:
    """Exchange rates as they were stated: `given[a, b]` is what one unit of `a` is in `b`."""

    given: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)

    def convert(self, amount: Decimal, currency: str, to: str) -> Decimal | None:
        """`amount` in another currency, not rounded; None where no rate is stated between the two.

        A rate holds in both directions. Rates are not chained: from CNY to EUR by way of USD would be a rate that
        nobody stated.
        """
        if currency == to:
            return amount
        if rate := self.given.get((currency, to)):
            return amount * rate
        if rate := self.given.get((to, currency)):
            return amount / rate
        return None

    def common(self, currencies: Iterable[str]) -> str | None:
        """The currency that amounts in all of `currencies` can be compared in, None where there is none.

        Where there are several, it is one that a rate leads to: with CNY/USD, amounts in both are compared in USD.
        """
        wanted = set(currencies)
        if len(wanted) == 1:
            return wanted.pop()
        ends = dict.fromkeys([*(to for _, to in self.given), *(start for start, _ in self.given)])
        one = Decimal(1)
        return next((end for end in ends if wanted and all(self.convert(one, code, end) for code in wanted)), None)

    def over(self, others: Rates) -> Rates:
        """These rates, and of the others those between currencies that these do not say."""
        kept = {pair: rate for pair, rate in others.given.items() if not {pair, pair[::-1]} & self.given.keys()}
        return Rates({**self.given, **kept})

    def unused(self, currencies: Iterable[str]) -> list[str]:
        """The rates (`CNY/USD`) that concern none of the amounts, each of which may be a slip."""
        wanted = set(currencies)
        return [f"{start}/{to}" for start, to in self.given if start not in wanted and to not in wanted]

    def __str__(self) -> str:
        return ", ".join(f"1 {start} = {rate} {to}" for (start, to), rate in self.given.items())


def _code(text: str, option: str) -> str:
    code = text.strip().upper()
    if code in _NOT_ISO:
        raise UsageError(f"--rate {option}: {text.strip()!r} is no code of ISO 4217; did you mean {_NOT_ISO[code]!r}?")
    if not _CODE.fullmatch(code):
        raise UsageError(f"--rate {option}: {text.strip()!r} is no currency; {_EXAMPLE}")
    return code


def parse_rates(options: Sequence[str]) -> Rates:
    """The rates of options written FROM/TO=AMOUNT; FROM and TO are codes of ISO 4217.

    Raises:
        UsageError: one is written otherwise, is not above zero, or says something else than another does.
    """
    rates: dict[tuple[str, str], Decimal] = {}
    for option in options:
        pair, equals, number = option.partition("=")
        start, slash, to = pair.partition("/")
        if not (equals and slash):
            raise UsageError(f"--rate {option}: {_EXAMPLE}")
        codes = _code(start, option), _code(to, option)
        if codes[0] == codes[1]:
            raise UsageError(f"--rate {option}: a currency needs no rate to itself; {_EXAMPLE}")
        try:
            rate = Decimal(number.strip())
        except InvalidOperation:
            raise UsageError(f"--rate {option}: {number!r} is no number; {_EXAMPLE}") from None
        if not rate.is_finite() or rate <= 0:
            raise UsageError(f"--rate {option}: a rate must be above zero")
        if codes[::-1] in rates or rates.get(codes, rate) != rate:
            raise UsageError(f"--rate {option}: {'/'.join(codes)} is stated twice; give one rate, it holds both ways")
        rates[codes] = rate
    return Rates(rates)
