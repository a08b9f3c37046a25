"""What calls of a model cost that is paid by the token: at a stated price, or one from the package genai-prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dsforge.cost.bill import Line, Origin, priced, unpriced
from dsforge.cost.plan import TokenUse
from dsforge.tokens.prices import CURRENCY, PER, look_up


@dataclass(frozen=True)
class CallPrice:
    """What one call costs: how that comes about, in which currency, by which source, of which day."""

    amount: Decimal
    formula: str
    currency: str
    origin: Origin


def price_calls(
    section: str, what: str, use: TokenUse, calls: int, called: str, currency: str, origin: Origin, today: date
) -> Line:
    """A line for `calls` calls, which are told as `called`: calls x (prompt x its price + answer x its price).

    `currency` and `origin` are those of the prices that `use` states. Without prices they are looked up;
    where they are not known, the line says how to state them.
    """
    one = _stated(use, currency, origin) or _looked_up(use, today)
    if isinstance(one, str):
        return unpriced(section, what, f"price not known: state input_price and output_price; {one}")
    return priced(section, what, f"{called} x {one.formula}", calls * one.amount, one.currency, one.origin)


def _stated(use: TokenUse, currency: str, origin: Origin) -> CallPrice | None:
    if use.input_price is None or use.output_price is None:
        return None
    amount = (use.prompt_tokens * use.input_price + use.answer_tokens * use.output_price) / PER
    formula = (
        f"({use.prompt_tokens:,} prompt tokens x {use.input_price} + {use.answer_tokens:,} answer tokens "
        f"x {use.output_price}) {currency} / {PER:,}"
    )
    return CallPrice(amount, formula, currency, origin)


def _looked_up(use: TokenUse, today: date) -> CallPrice | str:
    """The price by genai-prices; or why it is not known."""
    found = look_up(use.model, use.prompt_tokens, use.answer_tokens, today, provider=use.provider)
    if isinstance(found, str):
        return found
    formula = (
        f"({use.prompt_tokens:,} prompt tokens for {found.prompt} + {use.answer_tokens:,} answer tokens for "
        f"{found.answer}) {CURRENCY}"
    )
    return CallPrice(found.total, formula, CURRENCY, (found.source, today))
