"""What calls of a model cost that is paid by the token: at a stated price, or one from the package genai-prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from decimal import Decimal
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any

from dsforge.cost.bill import Line, Origin, priced, unpriced
from dsforge.cost.plan import TokenUse
from dsforge.errors import MissingExtraError
from dsforge.extras import require

PER = 1_000_000
"""Tokens that a price of inference is for."""


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
    """The price by genai-prices, all of whose prices are in USD; or why it is not known.

    It is asked for one call, since some prices depend on how long a prompt is, and for noon (UTC), since some are
    lower by night: the same plan costs the same at any hour.
    """
    try:
        prices = require("genai_prices", "prices", f"looking up what {use.model} costs")
    except MissingExtraError as error:
        return str(error)
    usage = prices.Usage(input_tokens=use.prompt_tokens, output_tokens=use.answer_tokens)
    noon = datetime.combine(today, time(12), timezone.utc)
    try:
        found = prices.calc_price(
            usage, model_ref=use.model, provider_id=use.provider or None, genai_request_timestamp=noon
        )
    except LookupError:
        return _not_known(use)
    source = f"genai-prices {version('genai-prices')}, {found.provider.id}/{found.model.id}"
    formula = (
        f"({use.prompt_tokens:,} prompt tokens for {found.input_price} + {use.answer_tokens:,} answer tokens for "
        f"{found.output_price}) USD"
    )
    return CallPrice(found.total_price, formula, "USD", (source, today))


def _not_known(use: TokenUse) -> str:
    """That genai-prices does not know a model or provider, with the nearest names."""
    providers: list[Any] = require("genai_prices.data", "prices", "the names of models").providers
    names = [provider.id for provider in providers]
    if use.provider and use.provider not in names:
        near = get_close_matches(use.provider, names, n=1)
        return f"genai-prices knows no provider {use.provider!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    models = {m.id for provider in providers if use.provider in ("", provider.id) for m in provider.models}
    near = get_close_matches(use.model, sorted(models), n=3)
    at = f" of {use.provider}" if use.provider else ""
    return f"genai-prices knows no model {use.model!r}{at}" + (f"; near: {', '.join(near)}" if near else "")
