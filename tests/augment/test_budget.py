"""The budget is never passed: by any prices, usages, faults, concurrency, and any number of kills."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.augment.ask import Asker, Patience, Unpaid
from dsforge.augment.budget import LONGEST_ANSWER, Bound, Ledger
from dsforge.augment.client import Client, Refused, TryAgain
from dsforge.augment.limits import Pace
from dsforge.augment.prices import Funds, find_funds, stated_prices
from dsforge.augment.request import Answer, ChatMessage, Request
from dsforge.augment.run import Asking, augment
from dsforge.augment.server import Server
from dsforge.augment.wish import Wish
from dsforge.engine.journal import Journal
from dsforge.errors import UsageError
from tests.augment.faulty_server import FaultyServer, Reply, echo, serving
from tests.augment.test_run import KEY, QUICK, rows_of, seeds

URL = "http://127.0.0.1:1/v1"
HASTE = Patience(attempts=3, timeout=1, first_wait=0.0001, longest_wait=0.0001)
BYTES = Bound(None)


@dataclass
class FakeClient:
    """Answers in a few turns of the loop, with faults; its bill is what a real provider would charge."""

    funds: Funds
    draw: random.Random
    fault_share: float
    bill: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    answered: list[bytes] = field(default_factory=list)
    server: Server = field(default_factory=lambda: Server(URL, KEY))

    async def ask(self, request: Request) -> Answer:
        for _ in range(self.draw.randrange(4)):
            await asyncio.sleep(0)
        faulty = self.draw.random() < self.fault_share
        fault = self.draw.choice(["429", "refused", "lost", "uncounted"]) if faulty else ""
        if fault == "429":
            raise TryAgain("429")
        if fault == "refused":
            raise Refused("400")
        prompt = self.draw.randint(1, BYTES.prompt(request))
        completion = self.draw.randint(0, request.max_tokens or LONGEST_ANSWER)
        assert self.funds.prices is not None
        self.bill += self.funds.prices.cost(prompt, completion)
        if fault == "lost":
            raise TryAgain("the connection broke", paid=True)
        self.answered.append(request.key(URL))
        counted = (0, 0) if fault == "uncounted" else (prompt, completion)
        return Answer("x", prompt_tokens=counted[0], completion_tokens=counted[1])


def requests_of(lengths: Sequence[int], max_tokens: int | None) -> list[Request]:
    return [
        Request("m", (ChatMessage("user", "é" * length),), draw=number, max_tokens=max_tokens)
        for number, length in enumerate(lengths)
    ]


async def _asked(client: FakeClient, journal: Journal, requests: Sequence[Request], concurrency: int,
                 steps: int | None) -> tuple[Ledger, list[Answer | BaseException]]:  # fmt: skip
    """Ask all; after `steps` turns of the loop the run is killed: its tasks end where they are."""
    ledger = Ledger(client.funds, journal, BYTES)
    asker = Asker(cast(Client, client), journal, ledger, Pace(), concurrency, HASTE, lambda usage: None)
    tasks = [asyncio.create_task(asker.ask(request)) for request in requests]
    if steps is not None:
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
    return ledger, await asyncio.gather(*tasks, return_exceptions=True)


prices = st.decimals(min_value=0, max_value=100, places=4)


@settings(max_examples=150, deadline=None)
@given(
    price_in=prices, price_out=prices, cap=st.decimals(min_value="0.0001", max_value=3, places=4),
    lengths=st.lists(st.integers(0, 300), min_size=1, max_size=25), max_tokens=st.none() | st.integers(1, 2000),
    concurrency=st.integers(1, 12), fault_share=st.sampled_from([0, 0.2, 0.7]),
    kills=st.lists(st.integers(0, 30), max_size=3), seed=st.integers(0, 2**32),
)  # fmt: skip
def test_no_bill_passes_the_cap(
    price_in: Decimal, price_out: Decimal, cap: Decimal, lengths: list[int], max_tokens: int | None,
    concurrency: int, fault_share: float, kills: list[int], seed: int,
) -> None:  # fmt: skip
    funds = Funds(stated_prices(price_in, price_out, "USD"), cap)
    client = FakeClient(funds, random.Random(seed), fault_share)
    requests = requests_of(lengths, max_tokens)
    with Journal(":memory:") as journal:
        for steps in [*kills, None]:
            ledger, outcomes = asyncio.run(_asked(client, journal, requests, concurrency, steps))
            assert client.bill <= cap
        assert client.bill <= ledger.before + ledger.spent <= cap
        assert ledger.in_flight == 0
        assert len(client.answered) == len(set(client.answered)) or kills  # else only what was in flight comes again
        if any(isinstance(outcome, Unpaid) for outcome in outcomes):
            assert ledger.refused is not None
            assert ledger.before + ledger.spent + ledger.refused > cap
        else:
            assert ledger.refused is None
        if not fault_share and not kills:
            assert ledger.spent == client.bill
            assert ledger.uncertain == 0
        assert Ledger(funds, journal, BYTES).before == ledger.before + ledger.spent


def test_what_does_not_fit_waits_for_what_is_in_flight() -> None:
    """Each can cost .49 and costs far less: one after the other, all fit into a budget of one."""
    funds = Funds(stated_prices(Decimal(0), Decimal(100), "USD"), Decimal("0.6"))
    client = FakeClient(funds, random.Random(1), 0)
    client.draw.randint = lambda low, high: min(high, 10)  # type: ignore[method-assign]
    with Journal(":memory:") as journal:
        ledger, outcomes = asyncio.run(_asked(client, journal, requests_of([5] * 50, 4900), 8, None))
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert ledger.spent == Decimal("0.05")


def test_a_server_that_counts_more_than_expected_makes_the_next_holds_larger() -> None:
    funds = Funds(stated_prices(Decimal(1), Decimal(1), "USD"), Decimal(1))
    (request,) = requests_of([1], 10)

    async def holds() -> tuple[Decimal, Decimal]:
        with Journal(":memory:") as journal:
            ledger = Ledger(funds, journal, BYTES)
            first = await ledger.reserve(b"a", request)
            ledger.settle(first, b"a", Answer("x", prompt_tokens=BYTES.prompt(request) + 500, completion_tokens=17))
            second = await ledger.reserve(b"b", request)
        assert first
        assert second
        return first.amount, second.amount

    first, second = asyncio.run(holds())
    assert second - first == Decimal(507) / 1_000_000


def test_answers_of_a_run_without_prices_are_counted_by_their_tokens() -> None:
    funds = Funds(stated_prices(Decimal(1), Decimal(2), "USD"))
    with Journal(":memory:") as journal:
        free = Ledger(Funds(), journal, BYTES)
        free.settle(None, b"a", Answer("x", prompt_tokens=1_000_000, completion_tokens=500_000))
        free.settle(None, b"b", Answer("x"))
        ledger = Ledger(funds, journal, BYTES)
        assert (ledger.before, ledger.unpriced) == (Decimal(2), 1)


def test_a_journal_of_another_currency_is_refused() -> None:
    async def charge(journal: Journal) -> None:
        dollars = Ledger(Funds(stated_prices(Decimal(1), Decimal(1), "USD")), journal, BYTES)
        await dollars.reserve(b"a", requests_of([1], 1)[0])

    with Journal(":memory:") as journal:
        asyncio.run(charge(journal))
        with pytest.raises(UsageError, match="USD"):
            Ledger(Funds(stated_prices(Decimal(1), Decimal(1), "CNY")), journal, BYTES)


@pytest.mark.parametrize(
    ("budget", "price_in", "price_out", "said"),
    [
        ((Decimal(5), "USD"), None, None, "--price-in 0.15USD"),
        (None, (Decimal(1), "USD"), None, "go together"),
        (None, (Decimal(1), "USD"), (Decimal(1), "CNY"), "one currency"),
        ((Decimal(5), "CNY"), (Decimal(1), "USD"), (Decimal(1), "USD"), "USD"),
    ],
)
def test_options_that_do_not_fit(budget: Any, price_in: Any, price_out: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_funds(budget, price_in, price_out, "m", URL)


def test_prices_of_a_known_server_are_looked_up() -> None:
    pytest.importorskip("genai_prices")
    funds = find_funds((Decimal(5), "USD"), None, None, "gpt-4o-mini", "https://api.openai.com/v1")
    assert funds.prices is not None
    assert funds.prices.cost(300, 200) > 0


def _run(server: FaultyServer, source: Path, output: Path, cap: str | None, concurrency: int = 4) -> Any:
    funds = Funds(stated_prices(Decimal(1000), Decimal(1000), "USD"), None if cap is None else Decimal(cap))
    return augment(
        str(source), output, Wish("paraphrase", "m", max_tokens=50), Server(server.url, KEY),
        Asking(concurrency=concurrency, patience=QUICK, funds=funds),
    )  # fmt: skip


def test_a_budget_that_ends_writes_what_is_paid_for_and_goes_on_with_a_larger_one(tmp_path: Path) -> None:
    """Every answer costs 13 x .001 USD; what one can cost is some .6 USD."""
    source, output = seeds(tmp_path, 40), tmp_path / "out.jsonl"
    with serving() as server:
        result = _run(server, source, output, "0.9")
        asked = sum(server.log.asked.values())
        assert 0 < asked < 40
        assert result.spent == asked * Decimal("0.013") <= Decimal("0.9")
        assert (result.rows_kept, result.unpaid, result.failures) == (asked, 40 - asked, [])
        assert result.next_cost is not None
        assert result.spent + result.next_cost > Decimal("0.9")
        assert len(rows_of(output)) == asked
        again = _run(server, source, output, "5")
        assert set(server.log.asked.values()) == {1}
        assert (again.unpaid, again.requests, again.from_journal) == (0, 40 - asked, asked)
        assert again.spent + again.spent_before == 40 * Decimal("0.013")
        calm = tmp_path / "calm.jsonl"
        _run(server, source, calm, None)
    assert [row | {"provenance": 0} for row in rows_of(calm)] == [row | {"provenance": 0} for row in rows_of(output)]


def test_lost_and_uncounted_answers_are_paid_for_at_their_most(tmp_path: Path) -> None:
    uncounted = json.dumps({"choices": [{"message": {"content": "Why?"}}]}).encode()

    def script(prompt: str, times: int) -> Reply:
        if "Question 0" in prompt:
            return Reply(body=uncounted)
        return Reply("half", cut=True) if "Question 1" in prompt and times == 1 else echo(prompt, times)

    with serving(script) as server:
        result = _run(server, seeds(tmp_path, 3), tmp_path / "out.jsonl", "100", concurrency=1)
    assert result.rows_kept == 3
    assert result.uncertain > 2 * Decimal("0.05")
    assert result.spent == result.uncertain + 2 * Decimal("0.013")


def test_a_failure_that_the_server_told_costs_nothing(tmp_path: Path) -> None:
    with serving(lambda prompt, times: Reply(status=503) if times == 1 else echo(prompt, times)) as server:
        result = _run(server, seeds(tmp_path, 3), tmp_path / "out.jsonl", "100")
    assert (result.spent, result.uncertain, result.retries) == (3 * Decimal("0.013"), 0, 3)


def test_a_model_that_wants_the_limit_by_its_new_name_gets_it(tmp_path: Path) -> None:
    said = b'{"error": {"message": "Unsupported parameter: use \'max_completion_tokens\' instead of \'max_tokens\'"}}'

    def script(prompt: str, times: int) -> Reply:
        return Reply(status=400, body=said) if "max_tokens" in server.log.bodies[-1] else echo(prompt, times)

    with serving(script) as server:
        result = _run(server, seeds(tmp_path, 3), tmp_path / "out.jsonl", "100", concurrency=1)
        assert [body.get("max_completion_tokens") for body in server.log.bodies] == [None, 50, 50, 50]
    assert (result.rows_kept, result.spent) == (3, 3 * Decimal("0.013"))
