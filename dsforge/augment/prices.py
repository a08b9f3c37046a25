"""What a request costs: at prices that the user states, or at those of the package genai-prices; never a guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dsforge.errors import UsageError
from dsforge.tokens.prices import CURRENCY, PER, look_up

_ASK = "state what 1,000,000 tokens cost: --price-in 0.15USD --price-out 0.60USD"


@dataclass(frozen=True)
class Prices:
    """`cost(prompt_tokens, completion_tokens)` is exact, in `currency`; `source` says where it comes from."""

    cost: Callable[[int, int], Decimal]
    currency: str
    source: str


def stated_prices(prompt: Decimal, completion: Decimal, currency: str) -> Prices:
    """Prices of 1,000,000 tokens each."""

    def cost(prompt_tokens: int, completion_tokens: int) -> Decimal:
        return (prompt_tokens * prompt + completion_tokens * completion) / PER

    return Prices(cost, currency, f"{prompt} and {completion} {currency} for {PER:,} prompt and completion tokens")


def known_prices(model: str, url: str, day: date) -> Prices | str:
    """What genai-prices knows of `model` at the API's address `url`; or why there is nothing.

    The address has to be one of a provider it knows: elsewhere a model of the same name may cost something else.
    """
    found = look_up(model, 1000, 1000, day, url=url)
    if isinstance(found, str):
        return found

    def cost(prompt_tokens: int, completion_tokens: int) -> Decimal:
        one = look_up(model, prompt_tokens, completion_tokens, day, url=url)
        assert not isinstance(one, str)  # it was known above
        return one.total

    return Prices(cost, CURRENCY, found.source)


@dataclass(frozen=True)
class Funds:
    """What requests cost, None where it is not known, and what they may cost in all, None where nothing limits it."""

    prices: Prices | None = None
    cap: Decimal | None = None


def find_funds(
    budget: tuple[Decimal, str] | None,
    price_in: tuple[Decimal, str] | None,
    price_out: tuple[Decimal, str] | None,
    model: str,
    url: str,
) -> Funds:
    """The funds of options, each an amount and its currency; prices are looked up where they are not stated.

    Raises:
        UsageError: one price without the other, different currencies, or a budget without prices.
    """
    if (price_in is None) != (price_out is None):
        raise UsageError("--price-in and --price-out go together: state both")
    prices: Prices | str
    if price_in is not None and price_out is not None:
        if price_in[1] != price_out[1]:
            raise UsageError(
                f"--price-in is in {price_in[1]}, --price-out in {price_out[1]}: state both in one currency"
            )
        prices = stated_prices(price_in[0], price_out[0], price_in[1])
    else:
        prices = known_prices(model, url, date.today())
    if budget is None:
        return Funds(None if isinstance(prices, str) else prices)
    if isinstance(prices, str):
        raise UsageError(f"--budget needs prices: {_ASK} ({prices})")
    if prices.currency != budget[1]:
        raise UsageError(
            f"--budget is in {budget[1]}, the prices are in {prices.currency} ({prices.source}): give the budget in "
            f"{prices.currency}, or the prices in {budget[1]} by --price-in and --price-out"
        )
    return Funds(prices, budget[0])
