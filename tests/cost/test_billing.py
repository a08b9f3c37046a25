"""What platforms bill beside tokens x epochs x price: evaluations, a minimum; and models that no profile lists."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dsforge.cost.count import Columns, TokenCount
from dsforge.cost.estimate import Choices, estimate_cost, plan_estimate
from dsforge.cost.hosted import quote_hosted, training_bill
from dsforge.cost.prices import Price, PriceBook, parse_prices, rent
from dsforge.errors import InputError, UsageError
from dsforge.targets.load import all_facts, load_prices, load_target
from dsforge.targets.profile import PriceCard, Target
from dsforge.tokens.counter import get_counter
from dsforge.tokens.rows import RowTokens

TODAY = date(2026, 11, 27)


def _columns(*rows: RowTokens) -> Columns:
    columns = Columns()
    for row in rows:
        columns.append(row)
    return columns


def _count(*rows: RowTokens) -> TokenCount:
    return TokenCount(get_counter("approximate"), _columns(*rows), rows_in=len(rows))


ROW = RowTokens(total=1000, trained=400, longest=1000, messages=2)


def test_together_bills_training_and_evaluations() -> None:
    """(1 epoch x 65,536,000 + 10 evaluations x 1,000,000) tokens, of its documents' example: 75,536,000 at 0.5 a 1M."""
    bill = training_bill(65_536_000, 1, Decimal("0.5"), 1_000_000, evaluated=10 * 1_000_000)
    assert bill == Decimal("37.768")


def test_a_job_costs_no_less_than_the_minimum() -> None:
    """Mistral: 4 USD a job. 100,000 tokens x 3 epochs at 1 USD a 1M would be 0.30; 10,000,000 tokens are 30."""
    minimum = load_prices("mistral").minimum  # type: ignore[union-attr]
    assert minimum == 4
    assert training_bill(100_000, 3, Decimal(1), 1_000_000, minimum=minimum) == 4
    assert training_bill(10_000_000, 3, Decimal(1), 1_000_000, minimum=minimum) == 30
    book = PriceBook(parse_prices(["mistral.open-mistral-7b=1"]), TODAY)
    quote = quote_hosted(load_target("mistral"), "open-mistral-7b", "lora", _columns(ROW), 3, book)
    assert (quote.amount, quote.currency) == (4.0, "USD")
    assert quote.formula == "1,000 tokens x 3 epochs x 1 USD / 1,000,000, no less than 4 USD = 4.00 USD"


def test_together_has_no_minimum() -> None:
    assert load_prices("together").minimum is None  # type: ignore[union-attr]


def test_openai_counts_the_prompt_of_a_pair_with_each_answer() -> None:
    """DPO: prompt 10, chosen 8, rejected 2: 28 tokens; 4 messages (two prompts, two answers) x 4, two sequences x 3."""
    pair = RowTokens(total=30, trained=10, shared=10, longest=18, messages=4, pair=True)
    book = PriceBook(parse_prices(["openai.gpt-4.1=25"]), TODAY)
    quote = quote_hosted(load_target("openai"), "gpt-4.1", "lora", _columns(*[pair] * 10), 2, book)
    assert quote.tokens_billed == 10 * (30 + 4 * 4 + 3 * 2)
    assert quote.amount == 0.026  # 520 x 2 x 25 / 1,000,000


def test_a_model_that_no_profile_lists_is_billed_where_the_target_is_named() -> None:
    name = "Meta-Llama-3.1-8B-Instruct-Reference"
    plan = plan_estimate(Choices(targets=["together"], models=[name], prices=[f"together.{name}=0.5"], epochs=2))
    quote = estimate_cost(_count(*[ROW] * 5), plan).quotes[0]
    assert (quote.model, quote.tokens_billed, quote.amount, quote.currency) == (name, 5000, 0.005, "USD")
    with pytest.raises(UsageError, match="no model"):
        plan_estimate(Choices(models=[name]))


def test_every_platform_says_in_which_currency_and_unit_its_prices_are() -> None:
    hosted = {target.name for target in all_facts(Target) if target.kind == "hosted"}
    assert hosted <= {card.target for card in all_facts(PriceCard)}


def test_a_dataset_without_rows_has_no_bill() -> None:
    plan = plan_estimate(Choices(targets=["bailian-intl"]))
    with pytest.raises(InputError, match="no row"):
        estimate_cost(TokenCount(get_counter("approximate")), plan)
    rejected = TokenCount(get_counter("approximate"), rows_in=1)
    estimate = estimate_cost(rejected, plan)
    assert estimate.quotes == []
    assert "no row could be read: nothing is priced" in estimate.notes


def test_rent_is_for_hours_or_for_whole_months() -> None:
    hourly = Price(Decimal(2), "CNY", "hour", "somebody", TODAY)
    monthly = Price(Decimal(4000), "CNY", "month", "somebody", TODAY)
    assert rent(Decimal("0.5") * 20, 1, hourly)[0] == 20  # 20 trainings of half an hour at 2 an hour
    assert rent(Decimal(10), 2, monthly)[0] == 8000
    assert rent(Decimal(731), 1, monthly)[0] == 8000
