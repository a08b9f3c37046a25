"""What tokens of hosted models cost by the package genai-prices, all of whose prices are in USD."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from decimal import Decimal
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any

from dsforge.errors import MissingExtraError
from dsforge.extras import require

PER = 1_000_000
"""Tokens that a price of inference is for."""

CURRENCY = "USD"
"""What genai-prices states its prices in."""


@dataclass(frozen=True)
class CallCost:
    """What one call costs in USD: its prompt, its answer, and by which source."""

    prompt: Decimal
    answer: Decimal
    total: Decimal
    source: str


def look_up(
    model: str, prompt_tokens: int, answer_tokens: int, day: date, *, provider: str = "", url: str = ""
) -> CallCost | str:
    """What one call of `model` costs at `provider`, or at the API's address `url`; or why it is not known.

    It is asked for one call, since some prices depend on how long a prompt is, and for noon (UTC), since some are
    lower by night: the same plan costs the same at any hour.
    """
    try:
        prices = require("genai_prices", "prices", f"looking up what {model} costs")
    except MissingExtraError as error:
        return str(error)
    usage = prices.Usage(input_tokens=prompt_tokens, output_tokens=answer_tokens)
    noon = datetime.combine(day, time(12), timezone.utc)
    where = {"provider_api_url": url} if url else {"provider_id": provider or None}
    try:
        found = prices.calc_price(usage, model_ref=model, genai_request_timestamp=noon, **where)
    except LookupError:
        return f"genai-prices knows no price of {model!r} at {url}" if url else _not_known(model, provider)
    source = f"genai-prices {version('genai-prices')}, {found.provider.id}/{found.model.id}"
    return CallCost(found.input_price, found.output_price, found.total_price, source)


def _not_known(model: str, provider: str) -> str:
    """That genai-prices does not know a model or provider, with the nearest names."""
    providers: list[Any] = require("genai_prices.data", "prices", "the names of models").providers
    names = [each.id for each in providers]
    if provider and provider not in names:
        near = get_close_matches(provider, names, n=1)
        return f"genai-prices knows no provider {provider!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    models = {m.id for each in providers if provider in ("", each.id) for m in each.models}
    near = get_close_matches(model, sorted(models), n=3)
    at = f" of {provider}" if provider else ""
    return f"genai-prices knows no model {model!r}{at}" + (f"; near: {', '.join(near)}" if near else "")
