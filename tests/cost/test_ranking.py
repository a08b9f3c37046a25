import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from dsforge.cost.compare import Named, parse_ways
from dsforge.cost.currency import Rates, parse_rates
from dsforge.cost.estimate import Estimate
from dsforge.cost.quote import HardwareQuote, Quote, TokenSummary
from dsforge.cost.ranking import Ranking, afford, as_csv, rank
from dsforge.errors import UsageError

TOKENS = TokenSummary(1000, 500, 20, "o200k_base", True)
RATE = parse_rates(["CNY/USD=0.1"])


def hosted(target: str, amount: float | None, currency: str = "CNY", epochs: int = 2) -> Quote:
    return Quote(target, "m", "lora", 1000, epochs, amount, currency, "formula", "source", "2026-11-01")


def own(gpu: str, amount: float | None, hours: float | None = 1.0, **more: Any) -> HardwareQuote:
    plain = {"gpu": gpu, "count": 1, "model": "m", "method": "lora", "memory_gib": 10.0, "fits": hours is not None,
             "hours": hours, "hours_range": None, "amount": amount, "currency": "CNY", "formula": "", "source": "",
             "as_of": "2026-11-01", "max_tokens": 20, "batch_size": 1}  # fmt: skip
    return HardwareQuote(**{**plain, **more})  # type: ignore[arg-type]


def ranked(*quotes: Quote | HardwareQuote, rates: Rates | None = None) -> Ranking:
    estimate = Estimate(TOKENS, [quote for quote in quotes if isinstance(quote, Quote)],
                        [quote for quote in quotes if isinstance(quote, HardwareQuote)])  # fmt: skip
    return rank(estimate, rates or Rates(), 2, {"a10": 24.0, "h100": 80.0})


def order(ranking: Ranking) -> list[tuple[str, list[str]]]:
    return [(way.where, way.marks) for way in ranking.ways]


def test_the_cheapest_come_first_and_the_fastest_is_marked() -> None:
    ranking = ranked(hosted("dear", 9), hosted("unknown", None), hosted("cheap", 0.5), own("a10", 2, 3.0),
                     own("h100", 5, 1.0), own("small", None, None))  # fmt: skip
    assert order(ranking) == [("cheap", ["cheapest"]), ("a10", []), ("h100", ["fastest"]), ("dear", []),
                              ("unknown", []), ("small", [])]  # fmt: skip
    assert ranking.currency == "CNY"
    assert [way.capacity_gib for way in ranking.ways] == [None, 24.0, 80.0, None, None, None]


def test_currencies_are_compared_at_a_rate_and_else_apart() -> None:
    quotes = hosted("a", 9, "CNY"), hosted("b", 1, "USD"), hosted("c", 11, "CNY")
    apart = ranked(*quotes)
    assert order(apart) == [("a", []), ("c", []), ("b", [])]
    assert apart.currency == ""
    together = ranked(*quotes, rates=RATE)
    assert order(together) == [("a", ["cheapest"]), ("b", []), ("c", [])]
    assert together.currency == "USD"
    assert [way.compared for way in together.ways] == [Decimal("0.90"), Decimal(1), Decimal("1.10")]


def test_one_alone_is_neither_cheapest_nor_fastest() -> None:
    assert order(ranked(own("a10", 2))) == [("a10", [])]


def test_what_does_not_fit_is_never_marked() -> None:
    ranking = ranked(own("a10", 1, 0.1, fits=False), own("h100", 5, 1.0), own("h200", 6, 2.0))
    assert order(ranking) == [("h100", ["cheapest", "fastest"]), ("h200", []), ("a10", [])]


def test_csv_holds_plain_numbers() -> None:
    ranking = ranked(hosted("a", 1234.5), hosted("b, and more", None), own("a10", 2, 0.25, count=2), rates=RATE)
    rows = [*csv.DictReader(io.StringIO(as_csv(ranking)))]
    assert [row["where"] for row in rows] == ["2 x a10", "a", "b, and more"]
    assert rows[1] | {"amount": "1234.5", "compared_cny": "1234.5", "hours": ""} == rows[1]
    assert (rows[2]["amount"], rows[0]["hours"], rows[0]["marks"]) == ("", "0.25", "cheapest")


def test_a_budget_pays_for_epochs_or_for_the_first_rows() -> None:
    """2 epochs of 4 rows of 10, 20, 30 and 40 tokens cost 8: 5 pay for 1 epoch, or for .625 of 100 tokens: 3 rows."""
    ranking = ranked(hosted("a", 8), hosted("cheap", 1), hosted("unknown", None))
    cheap, a, unknown = afford(ranking, Decimal(5), "CNY", Rates(), [10, 20, 30, 40])
    assert (a.epochs, a.rows, a.whole) == (1, 3, False)
    assert (cheap.epochs, cheap.rows, cheap.whole) == (10, 4, True)
    assert (unknown.epochs, unknown.rows, unknown.whole) == (None, None, None)


def test_a_budget_in_another_currency_needs_a_rate() -> None:
    ranking = ranked(hosted("a", 8))
    assert afford(ranking, Decimal(5), "USD", Rates(), [1])[0].whole is None
    assert afford(ranking, Decimal(5), "USD", RATE, [1])[0].epochs == 12


def test_a_rent_by_the_month_is_paid_as_a_whole() -> None:
    ranking = ranked(own("a10", 4000, monthly=True))
    assert afford(ranking, Decimal(3999), "CNY", Rates(), [1, 2])[0].whole is False
    assert afford(ranking, Decimal(4000), "CNY", Rates(), [1, 2])[0].rows == 2


def test_ways_as_they_are_written() -> None:
    written = "zhipu/glm-4-flash, openai/gpt-4.1-mini/full,local:qwen2.5-7b/qlora@4090,local:Qwen/Qwen2.5-7B"
    assert parse_ways(written) == [
        Named("zhipu", "glm-4-flash"), Named("openai", "gpt-4.1-mini", "full"),
        Named("local", "qwen2.5-7b", "qlora", "rtx-4090"), Named("local", "Qwen/Qwen2.5-7B"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "names nothing"), ("zhipu", "TARGET/MODEL"), ("/m", "TARGET/MODEL"), ("local:", "local:MODEL"),
     ("local:m@", "local:MODEL"), ("local:m@h", "which of h100, h200"), ("local:m@b200", "no such GPU")],
)  # fmt: skip
def test_ways_that_are_none(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_ways(text)
