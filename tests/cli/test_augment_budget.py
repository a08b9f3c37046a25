"""`dsforge augment --budget` from the outside: what it prints, when it stops, and after kill -9."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

from dsforge.cli.spending import money
from tests.augment.faulty_server import Reply, echo, serving
from tests.cli.run import as_json, assert_one_line_error
from tests.cli.test_augment import OPTIONS, augment, seeds, start, wait_for

PRICES = ["--price-in", "1000USD", "--price-out", "1000USD", "--max-tokens", "50"]
ANSWER = Decimal("0.013")
"""What every answer of the server costs: 13 tokens."""


def test_a_budget_that_ends_says_what_is_missing_and_how_to_go_on(tmp_path: Path) -> None:
    seeds(tmp_path, 30)
    arguments = ["seeds.jsonl", *OPTIONS, "-o", "out.jsonl", *PRICES]
    with serving() as server:
        done = augment(server, tmp_path, *arguments, "--budget", "0.9USD")
        asked = sum(server.log.asked.values())
        assert done.returncode == 1
        assert f"spent    {money(asked * ANSWER, 'USD')}; the budget is 0.90 USD" in done.stdout
        assert (
            f"{30 - asked} requests not sent: {money(Decimal('0.9') - asked * ANSWER, 'USD')} of the budget is left"
            in done.stderr
        )
        assert "larger --budget" in done.stderr
        assert len((tmp_path / "out.jsonl").read_text().splitlines()) == asked
        result = as_json(augment(server, tmp_path, *arguments, "--budget", "9USD", "--json"))
        assert set(server.log.asked.values()) == {1}
    assert (result["rows_kept"], result["unpaid"], result["currency"], result["budget"]) == (30, 0, "USD", 9.0)
    assert result["spent"] == float((30 - asked) * ANSWER)
    assert result["spent_before"] == float(asked * ANSWER)


def test_a_dry_run_prices_what_it_counts(tmp_path: Path) -> None:
    seeds(tmp_path, 10)
    arguments = ["seeds.jsonl", *OPTIONS, "-o", "out.jsonl", "--dry-run", "--price-in", "1CNY", "--price-out", "2CNY"]
    with serving() as server:
        result = as_json(augment(server, tmp_path, *arguments, "--budget", "1CNY", "--json"))
        done = augment(server, tmp_path, *arguments, "--budget", "0.0001CNY")
        assert not server.log.asked
    tokens = result["prompt_tokens"], result["expected_completion_tokens"]
    assert result["expected_cost"] == pytest.approx((tokens[0] + 2 * tokens[1]) / 1_000_000)
    assert result["most_cost"] > 10 * 4096 * 2 / 1_000_000
    assert 10 * 3 <= tokens[1] <= 10 * 6
    assert "CNY expected, at most" in done.stdout
    assert "more than the budget of 0.0001 CNY" in done.stderr


def test_answers_are_limited_where_nothing_else_bounds_their_price(tmp_path: Path) -> None:
    seeds(tmp_path, 2)
    arguments = ["seeds.jsonl", *OPTIONS, "-o", "out.jsonl", "--price-in", "1USD", "--price-out", "1USD"]
    with serving() as server:
        augment(server, tmp_path, *arguments, "--rows", 1, "--budget", "1USD")
        augment(server, tmp_path, *arguments)
        assert [body.get("max_tokens") for body in server.log.bodies] == [4096, None]  # the first is not asked again


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--budget", "5USD"], "--price-in 0.15USD --price-out 0.60USD"),
        (["--budget", "5", *PRICES], "as 5USD"),
        (["--budget", "0USD", *PRICES], "above zero"),
        (["--budget", "5CNY", *PRICES], "the prices are in USD"),
        (["--price-in", "1USD"], "state both"),
        (["--price-in", "1", "--price-out", "1USD"], "0.15USD"),
    ],
)
def test_money_that_is_not_clear_is_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    seeds(tmp_path, 1)
    with serving() as server:
        assert_one_line_error(augment(server, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "o.jsonl", *options), said)
        assert not server.log.asked


def test_kill_9_again_and_again_does_not_pass_the_budget(tmp_path: Path) -> None:
    """What is in flight at each kill is charged by the server, and is counted by the next run at its most."""
    seeds(tmp_path, 60)
    charged = 0

    def slow(prompt: str, times: int) -> Reply:
        nonlocal charged
        charged += 1
        return Reply(echo(prompt, times).text, wait=0.03)

    with serving(slow) as server:
        for step in range(1, 4):
            process = start(server, tmp_path, *PRICES, "--budget", "4USD", "--concurrency", "3")
            wait_for(lambda step=step, process=process: charged >= 5 * step or process.poll() is not None)
            process.kill()
            process.communicate()
            time.sleep(0.1)
        done = augment(server, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "out.jsonl", *PRICES, "--budget", "4USD")
    assert charged * ANSWER <= 4
    assert "is the most that requests can have cost" in done.stderr
