"""A plan that does not fit is told with file, line, key and what to write instead."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dsforge.cost.plan import read_plan
from dsforge.errors import ConfigError
from dsforge.resources import resource


def _plan(folder: Path, text: str) -> Path:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_plan_fits() -> None:
    plan = read_plan(resource("examples", "support", "plan.yaml"))
    assert plan.deployment
    assert list(plan.deployment.ways) == ["hosted", "rented", "serverless", "bought"]
    assert plan.rates.given == {("CNY", "USD"): Decimal("0.14")}


def test_a_price_is_what_is_written() -> None:
    """0.1 in YAML is no binary fraction."""
    plan = read_plan(resource("examples", "support", "plan.yaml"))
    assert plan.storage
    assert plan.storage.price_per_gb_month == Decimal("0.12")


DATA = "currency: CNY\ndata:\n  minutes_per_row: 3\n  wage_per_hour: 60\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", "", "a mapping of fields is expected"),
        ("currency: CNY\n", "line 1", "no section: state training, data"),
        ("data: [1\n", "line 2", "expected"),
        (DATA + "experiment: 3\n", "line 5", "experiment is no field; did you mean 'experiments'?"),
        (DATA + "  minutes: 3\n", "line 5", "data.minutes is no field; did you mean 'minutes_per_row'?"),
        (DATA + "  wage_per_hour: 70\n", "line 5", "wage_per_hour stands twice; leave one"),
        (DATA.replace("60", "0"), "line 4", "data.wage_per_hour: input should be greater than 0, not 0"),
        (DATA.replace("60", "-5"), "line 4", "data.wage_per_hour: input should be greater than 0, not -5"),
        (DATA.replace("60", "sixty"), "line 4", "data.wage_per_hour: input should be a valid decimal, not 'sixty'"),
        (DATA.replace("60", ".nan"), "line 4", "data.wage_per_hour: input should be a finite number"),
        (DATA.replace("CNY", "yuan"), "line 1", "currency: string should match pattern"),
        (DATA.removeprefix("currency: CNY\n"), "line 1", "data.currency is missing: state it there, or `currency`"),
        (DATA + "rate: {CNY/USD: 0}\n", "line 5", "greater than 0, not 0"),
        (DATA + "rate: {RMB/USD: 0.14}\n", "line 5", "'RMB' is no code of ISO 4217; did you mean 'CNY'?"),
        (DATA + "experiments: 0\n", "line 5", "experiments: input should be greater than 0"),
        ("training: {model: glm-4-9b}\n", "line 1", "training: state one of target (a hosted platform) and gpu"),
        ("training: {gpu: a10, target: zhipu}\n", "line 1", "state one of target"),
        ("training: {target: zhipu, hours: 2}\n", "line 1", "training: hours: not for a target"),
        ("training: {target: zhipu, method: qlora}\n", "line 1", "qlora is for a gpu"),
        ("training: {gpu: a10, mixed_tokens: 5}\n", "line 1", "mixed_tokens: not for a gpu"),
        ("training: {target: zhipu, evaluations: 2}\n", "line 1", "validation_tokens and evaluations together"),
        ("currency: CNY\nstorage: {price_per_gb_month: 1}\n", "line 1", "storage.gb_per_model is missing"),
        ("deployment: {months: 3}\n", "line 1", "at least one of hosted, rented, serverless and bought"),
        ("currency: CNY\ndeployment:\n  rented: {gpu: a10}\n  hosted: {price_per_month: 1}\n", "line 2",
         "choice is missing: say which of hosted, rented is counted"),
        ("deployment:\n  choice: bought\n  rented: {gpu: a10}\n", "line 1", "choice is 'bought', which is not stated"),
        ("deployment:\n  hosted: {price_per_month: 1, price_per_hour: 2}\n", "line 2", "one of price_per_month and"),
        ("deployment:\n  rented: {gpu: a10, hours_per_month: 800}\n", "line 2", "less than or equal to 744, not 800"),
        ("augmentation: {rows: 1, prompt_tokens: 1, answer_tokens: 1}\n", "line 1", "or the model whose prices"),
        ("augmentation: {rows: 1, prompt_tokens: 1, answer_tokens: 1, input_price: 1}\n", "line 1", "or neither"),
    ],
)  # fmt: skip
def test_a_plan_that_does_not_fit(tmp_path: Path, text: str, line: str, message: str) -> None:
    path = _plan(tmp_path, text)
    with pytest.raises(ConfigError) as told:
        read_plan(path)
    assert str(told.value).startswith(f"{path}")
    assert line in str(told.value)
    assert message in str(told.value)
    assert "\n" not in str(told.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = _plan(tmp_path, "currency: CNY\ndata:\n  minutes_per_row: 0\n  wage: 5\n")
    with pytest.raises(ConfigError) as told:
        read_plan(path)
    for part in (
        "line 3: data.minutes_per_row",
        "line 2: data.wage_per_hour is missing",
        "line 4: data.wage is no field",
    ):
        assert part in str(told.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist: check the path"):
        read_plan(tmp_path / "plan.yaml")
