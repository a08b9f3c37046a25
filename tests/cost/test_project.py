"""Bills of whole projects, worked by hand from the figures of the seeds' cost sections."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dsforge.cost.bill import Bill, Line
from dsforge.cost.count import Columns, TokenCount
from dsforge.cost.currency import Rates, parse_rates
from dsforge.cost.estimate import estimate_cost
from dsforge.cost.plan import read_plan
from dsforge.cost.project import make_bill, resolve
from dsforge.errors import ConfigError, UsageError
from dsforge.tokens.counter import get_counter
from dsforge.tokens.rows import RowTokens


def _bill(folder: Path, text: str, *, rows: int = 10, tokens: int = 100, prices: tuple[str, ...] = (),
          rates: Rates = Rates()) -> Bill:  # fmt: skip  # noqa: B008
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    plan = read_plan(path)
    resolved = resolve(plan, "plan.yaml", prices)
    columns = Columns()
    for _ in range(rows):
        columns.append(RowTokens(total=tokens, trained=tokens // 2, longest=tokens, messages=2))
    count = TokenCount(get_counter("approximate"), columns, rows_in=rows)
    estimate = estimate_cost(count, resolved)
    return make_bill(plan, "plan.yaml", rows, estimate, resolved.book, rates.over(plan.rates))


def _only(bill: Bill) -> Line:
    (line,) = bill.lines
    return line


def test_preparing_rows(tmp_path: Path) -> None:
    """1,000 rows in two weeks of 40 hours are 4.8 minutes a row: 80 hours, at 100 an hour 8,000."""
    line = _only(_bill(tmp_path, "data: {rows: 1000, minutes_per_row: 4.8, wage_per_hour: 100, currency: CNY}"))
    assert (line.amount, line.currency) == (Decimal(8000), "CNY")
    assert line.formula == "1,000 rows x 4.8 min / 60 x 100 CNY/h"
    assert line.source == "stated in plan.yaml"


def test_preparing_the_rows_of_the_dataset(tmp_path: Path) -> None:
    """10 rows x 6 minutes are an hour."""
    assert _only(_bill(tmp_path, "data: {minutes_per_row: 6, wage_per_hour: 30, currency: EUR}")).amount == 30


def test_twenty_trainings_of_half_an_hour(tmp_path: Path) -> None:
    """An RTX 4090 for 2 yuan an hour: 20 trainings of half an hour are 10 hours, 20 yuan (the seed: "under 40")."""
    line = _only(_bill(tmp_path, "experiments: 20\ntraining: {gpu: rtx-4090, hours: 0.5}"))
    assert (line.amount, line.currency, line.as_of) == (Decimal(20), "CNY", "2025-03-01")
    assert line.formula == "10.00 h x 1 x 2 CNY/h; 0.50 h x 20 experiments (stated)"


def test_zhipu_at_a_stated_price(tmp_path: Path) -> None:
    """10 rows x 100 tokens x 3 epochs x 0.02 / 1,000 = 0.06, five times 0.30."""
    plan = (
        "experiments: 5\n"
        "training: {target: zhipu, model: glm-4-9b, price: 0.02, source: the pricing page, as_of: 2026-11-20}"
    )
    line = _only(_bill(tmp_path, plan))
    assert (line.amount, line.currency, line.source, line.as_of) == (
        Decimal("0.30"), "CNY", "the pricing page", "2026-11-20",
    )  # fmt: skip
    given = _only(_bill(tmp_path, plan, prices=("zhipu.glm-4-9b=0.04",)))
    assert (given.amount, given.source) == (Decimal("0.60"), "given with --price")


def test_bailian_bills_tokens_that_it_mixes_in(tmp_path: Path) -> None:
    """(1,000 training tokens + 500 mixed in) x 2 epochs x 0.006 / 1,000 = 0.018."""
    plan = "training: {target: bailian, model: qwen-plus, epochs: 2, mixed_tokens: 500, price: 0.006}"
    assert _only(_bill(tmp_path, plan)).amount == Decimal("0.018")


def test_together_bills_evaluations(tmp_path: Path) -> None:
    """(1,000 tokens x 3 epochs + 4 evaluations x 250 tokens) x 0.5 / 1,000,000 = 0.002."""
    plan = "training: {target: together, model: some-8b, evaluations: 4, validation_tokens: 250, price: 0.5}"
    line = _only(_bill(tmp_path, plan))
    assert (line.amount, line.currency) == (Decimal("0.002"), "USD")
    assert line.formula == "(1,000 tokens x 3 epochs + 4 evaluations x 250 tokens) x 0.5 USD / 1,000,000"


def test_mistrals_minimum_is_for_each_job(tmp_path: Path) -> None:
    plan = "experiments: 3\ntraining: {target: mistral, model: open-mistral-7b, price: 1}"
    assert _only(_bill(tmp_path, plan)).amount == 12


def test_a_price_that_is_not_known_is_asked_for(tmp_path: Path) -> None:
    bill = _bill(tmp_path, "training: {target: zhipu, model: glm-4-9b}\ndata: {minutes_per_row: 6, wage_per_hour: 60, "
                           "currency: CNY}")  # fmt: skip
    training = bill.lines[1]
    assert training.amount is None
    assert "give --price zhipu.glm-4-9b=... (CNY per 1,000 tokens" in training.formula
    assert "or training.price in plan.yaml" in training.formula
    assert bill.unknown == ["training glm-4-9b at zhipu"]
    assert bill.subtotals == {"CNY": Decimal(60)}


def test_a_hundred_models_of_13b(tmp_path: Path) -> None:
    """Trained whole, 26 GB each, 2.6 TB in all; 2,603 GB x 0.1 a GB and month = 260.3. Llama 2 has 13,015,864,320."""
    plan = (
        "experiments: 100\nstorage: {price_per_gb_month: 0.1, currency: CNY}\n"
        "training: {gpu: a100-80gb, model: llama-2-13b, method: full, hours: 1, price: 1}\n"
    )
    storage = _bill(tmp_path, plan).lines[1]
    assert storage.amount == Decimal("260.3172864")
    assert storage.formula == "100 x 26.03 GB (llama-2-13b, 2 bytes a parameter) x 1 month x 0.1 CNY"


def test_a_hundred_adapters_are_far_smaller(tmp_path: Path) -> None:
    """Rank 8 on all matrices of Llama 2 13B's 40 layers: 4 x 8 x (5,120 + 5,120) and 3 x 8 x (5,120 + 13,824).

    40 x (327,680 + 454,656) = 31,293,440 parameters of 4 bytes: 0.125 GB; 100 for a month at 0.1: 1.25.
    """
    plan = (
        "experiments: 100\nstorage: {price_per_gb_month: 0.1, currency: CNY}\n"
        "training: {gpu: a100-80gb, model: llama-2-13b, rank: 8, hours: 1, price: 1}\n"
    )
    assert _bill(tmp_path, plan).lines[1].amount == Decimal("1.2517376")


def test_storage_as_it_is_stated(tmp_path: Path) -> None:
    """(3 models x 2 GB + 100 GB) x 6 months x 0.12 = 76.32."""
    plan = (
        "experiments: 3\nstorage: {gb_per_model: 2, data_gb: 100, price_per_gb_month: 0.12, months: 6, currency: CNY}"
    )
    line = _only(_bill(tmp_path, plan))
    assert line.amount == Decimal("76.32")
    assert line.formula == "(3 x 2 GB + 100 GB) x 6 months x 0.12 CNY"


def test_the_size_of_a_hosted_model_is_asked_for(tmp_path: Path) -> None:
    plan = "storage: {price_per_gb_month: 1, currency: CNY}\ntraining: {target: bailian, model: qwen-plus}"
    assert "state storage.gb_per_model" in _bill(tmp_path, plan).lines[1].formula


def test_augmentation_at_a_stated_price(tmp_path: Path) -> None:
    """2,000 rows x (300 x 0.15 + 200 x 0.60) / 1,000,000 = 0.33."""
    plan = (
        "augmentation: {rows: 2000, prompt_tokens: 300, answer_tokens: 200, input_price: 0.15, output_price: 0.60, "
        "currency: USD}"
    )
    assert _only(_bill(tmp_path, plan)).amount == Decimal("0.33")


DEPLOYMENT = """\
currency: CNY
deployment:
  months: 12
  choice: hosted
  hosted: {price_per_month: 20000}
  rented: {gpu: a10}
  bought: {price: 25000, watts: 500, price_per_kwh: 0.8, hours_per_month: 200, upkeep_hours_per_month: 2,
           wage_per_hour: 60}
"""


def test_ways_of_deployment_and_when_buying_pays(tmp_path: Path) -> None:
    """Hosted 12 x 20,000; an A10 12 x 4,000; bought 25,000 + 12 x (0.5 kW x 200 h x 0.8 + 2 x 60 = 200) = 27,400.

    Bought against hosted: 25,000 / (20,000 - 200) months; against the A10: 25,000 / (4,000 - 200).
    """
    bill = _bill(tmp_path, DEPLOYMENT)
    assert [(line.what, line.amount, line.counted) for line in bill.lines] == [
        ("hosted instance", 240_000, True),
        ("rented a10", 48_000, False),
        ("bought machine", 27_400, False),
    ]
    assert bill.subtotals == {"CNY": Decimal(240_000)}
    hosted, rented = bill.break_even
    assert hosted.months == Decimal(25_000) / 19_800
    assert rented.months == Decimal(25_000) / 3_800
    assert rented.formula == "25,000.00 CNY / (4,000.00 - 200.00 a month)"


def test_hours_and_requests(tmp_path: Path) -> None:
    """Hosted 20 an hour x 176 h x 2 months x 2; an RTX 4090 at 2 x 730 h; 1,000 requests x (500 + 500) / 1M."""
    plan = """\
currency: CNY
deployment:
  months: 2
  choice: serverless
  hosted: {price_per_hour: 20, hours_per_month: 176, instances: 2}
  rented: {gpu: rtx-4090}
  serverless: {requests_per_month: 1000, prompt_tokens: 500, answer_tokens: 500, input_price: 1, output_price: 1}
"""
    assert [line.amount for line in _bill(tmp_path, plan).lines] == [14_080, 2_920, 2]


def test_buying_that_never_pays(tmp_path: Path) -> None:
    plan = """\
currency: CNY
deployment:
  choice: bought
  hosted: {price_per_month: 50}
  bought: {price: 25000, watts: 500, price_per_kwh: 1, hours_per_month: 100}
"""
    (even,) = _bill(tmp_path, plan).break_even
    assert (even.months, even.formula) == (None, "never: a month costs 50.00 CNY, running what is bought 50.00")


TWO = """\
data: {rows: 60, minutes_per_row: 1, wage_per_hour: 1000, currency: CNY}
augmentation: {rows: 1000, prompt_tokens: 1000, answer_tokens: 1000, input_price: 5, output_price: 5, currency: USD}
"""


def test_currencies_are_added_up_apart_and_joined_only_by_a_rate(tmp_path: Path) -> None:
    """1,000 CNY and 10 USD; at 0.14 they are 140 + 10 = 150 USD."""
    bill = _bill(tmp_path, TWO)
    assert bill.subtotals == {"CNY": Decimal(1000), "USD": Decimal(10)}
    assert bill.total(Rates()) is None
    total = bill.total(parse_rates(["CNY/USD=0.14"]))
    assert total
    assert (total.amount, total.currency, total.rates) == (Decimal(150), "USD", "1 CNY = 0.14 USD")


def test_one_currency_needs_no_rate(tmp_path: Path) -> None:
    total = _bill(tmp_path, DEPLOYMENT).total(Rates())
    assert total
    assert (total.amount, total.currency, total.rates) == (Decimal(240_000), "CNY", "")


def test_break_even_in_two_currencies_needs_a_rate(tmp_path: Path) -> None:
    plan = DEPLOYMENT.replace("{price_per_month: 20000}", "{price_per_month: 1400, currency: USD}")
    assert "give --rate USD/CNY=..." in _bill(tmp_path, plan).break_even[0].formula
    with_rate = _bill(tmp_path, plan, rates=parse_rates(["CNY/USD=0.14"])).break_even[0]
    assert with_rate.months == Decimal(25_000) / (Decimal(1400) / Decimal("0.14") - 200)


def test_old_prices_and_idle_rates_are_told(tmp_path: Path) -> None:
    plan = TWO.replace("currency: CNY", "currency: CNY, source: a survey, as_of: 2020-01-01") + "rate: {GBP/JPY: 190}\n"
    notes = _bill(tmp_path, plan).notes
    assert any("the price of data is of 2020-01-01" in note and "check a survey" in note for note in notes)
    assert "the rate GBP/JPY is not used: the amounts are in CNY and USD" in notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: {target: zhipu, model: glm-4-9c}", "plan.yaml: training: no model 'glm-4-9c'.*'glm-4-9b'"),
        ("training: {target: zipu}", "did you mean 'zhipu'"),
        ("training: {gpu: rtx4090}", "did you mean 'rtx-4090'"),
        ("deployment: {rented: {gpu: a11}}", "plan.yaml: deployment.rented.gpu: no GPU 'a11'; did you mean 'a10'"),
    ],
)
def test_names_that_do_not_exist(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _bill(tmp_path, text)


def test_a_price_for_what_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--price zipu\.glm-4-9b: no target"):
        _bill(tmp_path, TWO, prices=("zipu.glm-4-9b=1",))
