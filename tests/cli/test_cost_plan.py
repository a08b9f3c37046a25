"""`dsforge cost --plan`: the shipped example worked by hand, the object for programs, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from dsforge.resources import resource
from dsforge.schema_files import schema_files
from tests.cli.run import as_json, assert_one_line_error, dsforge

ROWS = resource("examples", "support", "support.sharegpt.jsonl")
PLAN = resource("examples", "support", "plan.yaml")


def _cost(*arguments: object) -> Any:
    return dsforge("cost", ROWS, "--tokenizer", "approximate", *arguments)


def test_the_shipped_plan_by_hand() -> None:
    result = as_json(_cost("--plan", PLAN, "--json"))
    rows, tokens = result["rows_out"], result["quotes"][0]["tokens_billed"]
    assert [(quote["target"], quote["model"]) for quote in result["quotes"]] == [("bailian-intl", "qwen3-14b")]
    assert result["hardware"] == []
    bill = result["plan"]
    by_hand = {
        "preparing rows": round(rows * 4.8 / 60 * 100, 4),
        "writing rows with gpt-4o-mini": 2000 * (300 * 0.15 + 200 * 0.60) / 1e6,
        "training qwen3-14b at bailian-intl": round(20 * tokens * 3 * 0.0016 / 1000, 4),
        # rank 16 on 40 layers, hidden 5,120, MLP 17,408, 40 heads and 8 for keys and values of 128:
        # q and o 2 x (5,120 + 5,120), k and v 2 x (5,120 + 1,024), MLP 3 x (5,120 + 17,408); 4 bytes; 12 months at 0.12
        "keeping models": round(20 * 40 * 16 * (20_480 + 12_288 + 67_584) * 4 / 1e9 * 12 * 0.12, 4),
        "hosted instance": 12 * 20_000,
        "rented a10": 12 * 4_000,
        "serverless": 12 * 30_000 * (300 + 200) / 1e6,
        "bought machine": 25_000 + 12 * (0.6 * 220 * 0.6 + 4 * 100),
    }
    assert {line["what"]: line["amount"] for line in bill["lines"]} == pytest.approx(by_hand)
    assert [line["what"] for line in bill["lines"] if not line["counted"]] == [
        "hosted instance", "serverless", "bought machine",
    ]  # fmt: skip
    yuan = by_hand["preparing rows"] + by_hand["keeping models"] + by_hand["rented a10"]
    dollars = by_hand["writing rows with gpt-4o-mini"] + by_hand["training qwen3-14b at bailian-intl"]
    assert bill["subtotals"] == pytest.approx({"CNY": yuan, "USD": dollars}, abs=2e-4)
    assert bill["total"]["amount"] == pytest.approx(yuan * 0.14 + dollars, abs=2e-4)
    assert (bill["total"]["currency"], bill["total"]["rates"]) == ("USD", "1 CNY = 0.14 USD")
    assert [(even["against"], even["months"]) for even in bill["break_even"]] == [
        ("hosted instance", pytest.approx(25_000 / (20_000 - 479.2), abs=1e-4)),
        ("rented a10", pytest.approx(25_000 / (4_000 - 479.2), abs=1e-4)),
        ("serverless", None),
    ]
    assert bill["unknown"] == []
    assert any("the price of deployment.hosted is of 2025-03-01" in note for note in bill["notes"])


def test_every_line_has_its_source_and_day() -> None:
    lines = as_json(_cost("--plan", PLAN, "--json"))["plan"]["lines"]
    assert all(line["source"] and line["as_of"] and line["formula"] and line["currency"] for line in lines)


def test_the_bill_for_people() -> None:
    done = _cost("--plan", PLAN)
    assert done.returncode == 1, "rows were rejected"
    for part in ("The whole project (plan.yaml)", "48,000.00 CNY", "hosted instance (not counted)", "in CNY: ",
                 "at 1 CNY = 0.14 USD", "bought pays for itself against rented a10 after 7.1 months"):  # fmt: skip
        assert part in done.stdout


def test_rates_and_prices_given_go_over_the_plans_own() -> None:
    options = ("--rate", "USD/CNY=7", "--price", "bailian-intl.qwen3-14b=0.0032", "--json")
    once = as_json(_cost("--plan", PLAN, "--json"))["plan"]
    twice = as_json(_cost("--plan", PLAN, *options))["plan"]
    training = [bill["lines"][2] for bill in (once, twice)]
    assert training[1]["amount"] == pytest.approx(2 * training[0]["amount"], abs=2e-4)
    assert training[1]["source"] == "given with --price"
    assert (twice["total"]["currency"], twice["total"]["rates"]) == ("CNY", "1 USD = 7 CNY")


def test_without_a_rate_there_are_sums_and_no_total(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.read_text(encoding="utf-8").replace("rate: {CNY/USD: 0.14}", ""), encoding="utf-8")
    done = _cost("--plan", plan)
    assert "no total: nothing is exchanged without a rate; give --rate CNY/USD=..." in done.stdout
    assert "in CNY: " in done.stdout
    assert "in USD: " in done.stdout


def test_a_price_that_is_not_known_leaves_the_total_open(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("currency: CNY\ntraining: {target: zhipu}\ndata: {minutes_per_row: 1, wage_per_hour: 60}\n")
    done = _cost("--plan", plan)
    assert "total: at least 90.00 CNY" in done.stdout
    assert "not in it, since a price is not known: training glm-4-9b at zhipu" in done.stdout


def test_what_is_compared_beside_the_bill() -> None:
    result = as_json(_cost("--plan", PLAN, "--target", "zhipu", "--json"))
    assert [quote["target"] for quote in result["quotes"]] == ["zhipu"]
    assert result["plan"]["lines"][2]["what"] == "training qwen3-14b at bailian-intl"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plan", "nowhere.yaml"], "nowhere.yaml does not exist"),
        (
            ["--plan", str(PLAN), "--epochs", "5"],
            "epochs is not an option: state training.epochs in plan.yaml",
        ),
        (["--plan", str(PLAN), "--max-tokens", "5"], "state training.max_tokens in plan.yaml"),
        (["--plan", str(PLAN), "--sharding", "none"], "state training.sharding in plan.yaml"),
        (["--plan", str(PLAN), "--rate", "RMB/USD=0.14"], "did you mean 'CNY'"),
        (["--plan", str(PLAN), "--price", "zipu.x=1"], "did you mean 'zhipu'"),
        (["--rate", "CNY=0.14"], "for example CNY/USD=0.14"),
    ],
)
def test_what_is_refused(arguments: list[str], message: str) -> None:
    assert_one_line_error(_cost(*arguments), message)


def test_a_plan_with_a_slip(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("currency: CNY\ntrainig: {target: zhipu}\n")
    assert_one_line_error(_cost("--plan", plan), "plan.yaml, line 2: trainig is no field; did you mean 'training'?")


def test_an_empty_dataset(tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    rows.write_text("[]")
    assert_one_line_error(dsforge("cost", rows, "--tokenizer", "approximate"), "there is no row to price")


def test_the_shipped_plan_fits_its_schema() -> None:
    schema = schema_files()["plan.schema.json"]
    plan = yaml.load(PLAN.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    numbers = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
    for name in ("hosted", "serverless", "bought"):
        numbers["deployment"][name]["as_of"] = plan["deployment"][name]["as_of"]
    numbers["augmentation"]["as_of"] = plan["augmentation"]["as_of"]
    validator = jsonschema_rs.validator_for(schema)
    validator.validate(numbers)
    assert not validator.is_valid({**numbers, "trainig": {}})
