"""Amounts of money on the command line, and in what it prints."""

from __future__ import annotations

import re
from decimal import Decimal

from dsforge.errors import UsageError

_AMOUNT = re.compile(r"\s*([\d.]+)\s*([A-Za-z]{3})\s*")


def parse_money(option: str, text: str, example: str, *, zero: bool = False) -> tuple[Decimal, str]:
    """The amount and the currency of `text`, which is written 100CNY; `zero` is whether nothing may be an amount.

    Raises:
        UsageError: it is written otherwise; the message names `option` and shows `example`.
    """
    match = _AMOUNT.fullmatch(text)
    try:
        amount = Decimal(match[1]) if match else Decimal(-1)
    except ArithmeticError:
        amount = Decimal(-1)
    if match is None or amount < 0 or (amount == 0 and not zero):
        what = "an amount" if zero else "an amount above zero"
        raise UsageError(f"{option} {text}: write {what} and its currency, as {example}")
    return amount, match[2].upper()
