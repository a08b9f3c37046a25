"""How `dsforge augment` takes budget and prices, and says what was spent or would be."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dsforge.cli.output import Output, quantity
from dsforge.money import parse_money

if TYPE_CHECKING:
    from dsforge.augment.prices import Funds
    from dsforge.augment.result import AugmentResult, Estimate


def funds_of(budget: str, price_in: str, price_out: str, model: str, url: str) -> Funds:
    """What the options say; prices that they do not are looked up.

    Raises:
        UsageError: an option is not written as money, or they do not fit together.
    """
    from dsforge.augment.prices import find_funds

    return find_funds(
        parse_money("--budget", budget, "5USD") if budget else None,
        parse_money("--price-in", price_in, "0.15USD", zero=True) if price_in else None,
        parse_money("--price-out", price_out, "0.60USD", zero=True) if price_out else None,
        model,
        url,
    )


def number(amount: Decimal | None) -> float | None:
    """An amount for `--json`."""
    return None if amount is None else float(amount)


def money(amount: Decimal, currency: str) -> str:
    """An amount to the millionth: one request often costs less than a hundredth of a cent."""
    whole, _, fraction = f"{amount:,.6f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')} {currency}"


def show_spent(out: Output, result: AugmentResult, funds: Funds) -> None:
    """What a run cost, and what the budget did not pay for."""
    if result.spent is None or result.spent_before is None:
        return
    in_all = result.spent + result.spent_before
    earlier = f", {money(in_all, result.currency)} with earlier runs" if result.spent_before else ""
    budget = f"; the budget is {money(funds.cap, result.currency)}" if funds.cap is not None else ""
    out.say(f"  spent    {money(result.spent, result.currency)}{earlier}{budget}")
    if result.uncertain:
        out.note(
            f"dsforge: {money(result.uncertain, result.currency)} of that is the most that requests can have cost "
            f"whose answers were lost, or came without a count of tokens"
        )
    if result.unpriced:
        out.note(f"dsforge: the cost of {quantity(result.unpriced, 'earlier answer')} is not known, and not counted")
    if result.unpaid and funds.cap is not None and result.next_cost is not None:
        out.note(
            f"dsforge: {quantity(result.unpaid, 'request')} not sent: {money(funds.cap - in_all, result.currency)} of "
            f"the budget is left, and the next can cost {money(result.next_cost, result.currency)}; the same command "
            f"with a larger --budget asks only for what is missing"
        )


def show_cost(out: Output, result: Estimate, funds: Funds) -> None:
    """What a run would cost."""
    out.say(f"  {result.completion_tokens:,} completion tokens expected, as many as the texts of the seeds have")
    if result.cost is None or result.spent is None or funds.prices is None:
        out.say("  the cost is not known: state --price-in and --price-out")
        return
    most = "" if result.most is None else f", at most {money(result.most, result.currency)} if each is asked once"
    earlier = f", beside {money(result.spent, result.currency)} already spent" if result.spent else ""
    out.say(f"  {money(result.cost, result.currency)} expected{most}{earlier}; by {funds.prices.source}")
    if funds.cap is not None and result.spent + result.cost > funds.cap:
        out.note(f"dsforge: that is more than the budget of {money(funds.cap, result.currency)}")
