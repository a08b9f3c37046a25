"""Exchange only at a rate that was stated, and the words for one that makes no sense."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dsforge.cost.currency import Rates, parse_rates
from dsforge.errors import UsageError


def test_a_rate_holds_both_ways() -> None:
    rates = parse_rates(["CNY/USD=0.14"])
    assert rates.convert(Decimal(1000), "CNY", "USD") == Decimal("140.00")
    assert rates.convert(Decimal(140), "USD", "CNY") == Decimal(1000)
    assert rates.convert(Decimal(7), "EUR", "EUR") == Decimal(7)
    assert str(rates) == "1 CNY = 0.14 USD"


def test_nothing_is_exchanged_without_a_rate_of_its_own() -> None:
    rates = parse_rates(["CNY/USD=0.14", "EUR/USD=1.1"])
    assert rates.convert(Decimal(1), "CNY", "JPY") is None
    assert rates.convert(Decimal(1), "CNY", "EUR") is None, "by way of USD is a rate that nobody stated"
    assert Rates().convert(Decimal(1), "CNY", "USD") is None


def test_amounts_are_compared_in_the_currency_that_rates_lead_to() -> None:
    rates = parse_rates(["cny/usd=0.14", "EUR/USD=1.1"])
    assert rates.common(["CNY", "USD"]) == "USD"
    assert rates.common(["CNY", "EUR"]) == "USD"
    assert rates.common(["USD", "EUR", "CNY"]) == "USD"
    assert rates.common(["CNY"]) == "CNY"
    assert rates.common(["CNY", "JPY"]) is None
    assert rates.common([]) is None


def test_what_is_given_goes_over_what_a_plan_says() -> None:
    given = parse_rates(["USD/CNY=7"]).over(parse_rates(["CNY/USD=0.14", "EUR/USD=1.1"]))
    assert given.given == {("USD", "CNY"): Decimal(7), ("EUR", "USD"): Decimal("1.1")}


def test_rates_that_concern_no_amount() -> None:
    assert parse_rates(["GBP/JPY=190", "CNY/USD=0.14"]).unused(["CNY"]) == ["GBP/JPY"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["CNY=0.14"], "for example CNY/USD=0.14"),
        (["CNY/USD"], "for example CNY/USD=0.14"),
        (["CNY/USD=x"], "'x' is no number"),
        (["CNY/USD=0"], "above zero"),
        (["CNY/USD=-1"], "above zero"),
        (["CNY/USD=nan"], "above zero"),
        (["RMB/USD=0.14"], "did you mean 'CNY'"),
        (["Chinese/USD=0.14"], "no currency"),
        (["USD/USD=1"], "no rate to itself"),
        (["CNY/USD=0.14", "USD/CNY=7"], "stated twice"),
        (["CNY/USD=0.14", "CNY/USD=0.15"], "stated twice"),
    ],
)
def test_rates_that_make_no_sense(options: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as told:
        parse_rates(options)
    assert str(told.value).startswith("--rate ")
