"""Prices of inference: looked up where genai-prices is installed, asked for where it is not or does not know them."""

from __future__ import annotations

import sys
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from dsforge.cost.bill import Line
from dsforge.cost.inference import price_calls
from dsforge.cost.plan import TokenUse

TODAY = date(2026, 11, 27)


def _line(use: TokenUse) -> Line:
    return price_calls("augmentation", "rows", use, 1000, "1,000 rows", "CNY", ("the plan", TODAY), TODAY)


def _use(model: str = "small", provider: str = "") -> TokenUse:
    return TokenUse(model=model, provider=provider, prompt_tokens=300, answer_tokens=200)


class FakePrices:
    """As much of genai-prices as is used: one model, 1 USD for 1,000 tokens in and 2 for as many out."""

    providers = (SimpleNamespace(id="acme", models=[SimpleNamespace(id="small"), SimpleNamespace(id="small-latest")]),)

    class Usage(SimpleNamespace):
        input_tokens: int
        output_tokens: int

    def calc_price(
        self, usage: Usage, *, model_ref: str, provider_id: str | None, genai_request_timestamp: datetime
    ) -> Any:
        assert genai_request_timestamp.isoformat() == "2026-11-27T12:00:00+00:00"
        if (provider_id or "acme", model_ref) != ("acme", "small"):
            raise LookupError(model_ref)
        paid = Decimal(usage.input_tokens) / 1000, Decimal(2 * usage.output_tokens) / 1000
        return SimpleNamespace(
            input_price=paid[0], output_price=paid[1], total_price=sum(paid),
            model=SimpleNamespace(id="small"), provider=SimpleNamespace(id="acme"),
        )  # fmt: skip


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", FakePrices())  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "genai_prices.data", FakePrices)  # type: ignore[arg-type]
    monkeypatch.setattr("dsforge.tokens.prices.version", lambda name: "1.0")


@pytest.mark.usefixtures("fake")
def test_a_price_that_is_looked_up() -> None:
    """1,000 calls x (300 / 1,000 x 1 + 200 / 1,000 x 2) = 700 USD."""
    line = _line(_use())
    assert (line.amount, line.currency, line.source, line.as_of) == (
        Decimal(700), "USD", "genai-prices 1.0, acme/small", "2026-11-27",
    )  # fmt: skip
    assert line.formula == "1,000 rows x (300 prompt tokens for 0.3 + 200 answer tokens for 0.4) USD"


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("model", "provider", "message"),
    [
        ("smal", "", "no model 'smal'; near: small"),
        ("small", "acne", "no provider 'acne'; did you mean 'acme'?"),
        ("zzz", "acme", "no model 'zzz' of acme"),
    ],
)
def test_a_model_that_is_not_known_is_asked_for(model: str, provider: str, message: str) -> None:
    line = _line(_use(model, provider))
    assert line.amount is None
    assert line.formula.startswith("price not known: state input_price and output_price; ")
    assert message in line.formula


def test_without_the_package_the_price_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    line = _line(_use())
    assert line.amount is None
    assert "pip install 'dsforge[prices]'" in line.formula


def test_a_stated_price_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    use = TokenUse(prompt_tokens=300, answer_tokens=200, input_price=Decimal(2), output_price=Decimal(8))
    line = _line(use)
    assert (line.amount, line.currency, line.source) == (Decimal("2.2"), "CNY", "the plan")


def test_the_real_package() -> None:
    pytest.importorskip("genai_prices")
    line = _line(_use("gpt-4o-mini", "openai"))
    assert line.amount
    assert line.currency == "USD"
    assert line.source.endswith("openai/gpt-4o-mini")
    assert "near: " in _line(_use("gpt-4o-minni", "openai")).formula
