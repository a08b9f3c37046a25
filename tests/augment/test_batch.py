"""Rounds of the Batch API, against a server of files and batches that misbehaves on purpose; kills, money, services."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from dsforge.augment.ask import Asker, Failed, Patience, Stopped, Unpaid, Usage
from dsforge.augment.batch import BatchAsker, Batching, Pending, Polling, in_rounds, requests_at_server
from dsforge.augment.batch_api import batch_funds, batch_service, line_of
from dsforge.augment.budget import LONGEST_ANSWER, Bound, Ledger
from dsforge.augment.client import Client
from dsforge.augment.limits import Pace
from dsforge.augment.prices import Funds, stated_prices
from dsforge.augment.request import Answer, ChatMessage, Request
from dsforge.augment.run import Asking, augment
from dsforge.augment.server import Server
from dsforge.augment.wish import Wish
from dsforge.engine.journal import Journal
from dsforge.errors import OutputError, ServiceError, UsageError
from dsforge.targets.load import load_fact
from dsforge.targets.profile import BatchService
from tests.augment import faulty_server
from tests.augment.batch_server import BatchServer, Fault, Result, echo, serving_batches
from tests.augment.test_run import KEY

QUICK = Polling(first=0.002, longest=0.01, attempts=12)
OPENAI, ZHIPU, COMPATIBLE = (load_fact(name, BatchService) for name in ("openai", "zhipu", "compatible"))
SERVICES = {"openai": OPENAI, "zhipu": ZHIPU}
CAP = Decimal(1)
FUNDS = Funds(stated_prices(Decimal(1000), Decimal(1000), "USD"), CAP)
"""Each token costs .001 USD live, and half of it in a batch: an answer of 10 + 3 tokens costs .0065 USD."""
EACH = Decimal("0.0065")
BYTES = Bound(None)


def request(prompt: str, model: str = "m", **more: Any) -> Request:
    return Request(model, (ChatMessage("user", prompt),), max_tokens=20, **more)


class Session:
    """What one run of the command does: opens the journal, goes over the prompts in rounds, and keeps the outcomes."""

    def __init__(
        self, server: BatchServer, path: Path, *, funds: Funds | None = None, polling: Polling = QUICK,
        service: BatchService | None = None, submit_again: bool = False, steps: int = 1, model: str = "m",
    ) -> None:  # fmt: skip
        self.server, self.path, self.polling, self.submit_again = server, path, polling, submit_again
        self.service = service or SERVICES[server.dialect]
        self.funds = batch_funds(funds, self.service) if funds else Funds()
        self.steps, self.model = steps, model
        self.outcomes: list[Answer | BaseException] = []
        self.heard: list[tuple[int, int, int]] = []
        self.passes = 0

    async def pipeline(self, asker: BatchAsker, prompt: str) -> Answer:
        answer = await asker.ask(request(prompt, self.model))
        for step in range(1, self.steps):
            answer = await asker.ask(request(f"{step}: {answer.text}", self.model))
        return answer

    def hear(self, usage: Usage) -> None:
        self.heard.append((usage.answered, usage.at_server, usage.done))  # type: ignore[attr-defined]

    async def _run(self, prompts: Sequence[str], during: Callable[[BatchAsker], Any] | None) -> BatchAsker:
        client = Client(Server(self.server.url, KEY), 5, LONGEST_ANSWER if self.funds.cap else None)
        try:
            with Journal(self.path) as journal:
                ledger = Ledger(self.funds, journal, BYTES)
                self.asker = BatchAsker(
                    client, journal, ledger, self.hear,
                    service=self.service, polling=self.polling, submit_again=self.submit_again,
                )  # fmt: skip

                async def one_pass() -> None:
                    self.passes += 1
                    tasks = [self.pipeline(self.asker, prompt) for prompt in prompts]
                    self.outcomes = list(await asyncio.gather(*tasks, return_exceptions=True))
                    assert all(isinstance(one, Answer | Failed | Stopped) for one in self.outcomes)

                side = asyncio.create_task(during(self.asker)) if during else None
                await in_rounds(self.asker, one_pass)
                if side:
                    await side
        finally:
            await client.close()
        return self.asker

    def run(self, prompts: Sequence[str], during: Callable[[BatchAsker], Any] | None = None) -> BatchAsker:
        return asyncio.run(self._run(prompts, during))

    @property
    def texts(self) -> list[str]:
        return [one.text if isinstance(one, Answer) else type(one).__name__ for one in self.outcomes]


def money_of(path: Path) -> tuple[Decimal, Decimal]:
    """What the journal says is spent, and what of it is uncertain."""
    with Journal(path) as journal:
        ledger = Ledger(FUNDS, journal, BYTES)
        return ledger.before, ledger.uncertain


def waiting_in(path: Path, server: BatchServer) -> int:
    with Journal(path) as journal:
        return requests_at_server(journal, server.url)


PROMPTS = ["a", "b", "ü", "d"]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "j.sqlite"


@pytest.mark.parametrize("service", ["openai", "zhipu"])
def test_a_pipeline_of_three_steps_takes_three_batches(journal: Path, service: str) -> None:
    with serving_batches(service) as server:
        session = Session(server, journal, steps=3, funds=FUNDS)
        asker = session.run([*PROMPTS, "a"])
        assert [len(batch) for batch in server.log.batches] == [4, 4, 4]
        assert set(server.log.asked.values()) == {1}
        assert server.log.keys == {f"Bearer {KEY}"}
        ids = {line["custom_id"] for line in server.log.batches[0]}
        assert ids == {request(prompt).key(server.url).hex() for prompt in PROMPTS}
    assert session.texts == ["2: 1: A", "2: 1: B", "2: 1: Ü", "2: 1: D", "2: 1: A"]
    usage = asker.usage
    assert (usage.requests, usage.answered, usage.retries, usage.from_journal) == (12, 12, 0, 0)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.at_server, usage.done) == (120, 36, 0, 0)
    assert (usage.spent, asker.ledger.in_flight, session.passes) == (12 * EACH, 0, 4)
    assert money_of(journal) == (12 * EACH, 0)
    assert (0, 4, 0) in session.heard
    assert not asker.stopped


def test_a_second_run_asks_for_nothing(journal: Path) -> None:
    with serving_batches() as server:
        Session(server, journal).run(PROMPTS)
        calls = len(server.log.calls)
        again = Session(server, journal)
        asker = again.run(PROMPTS)
        assert len(server.log.calls) == calls
    assert again.texts == ["A", "B", "Ü", "D"]
    assert (asker.usage.from_journal, asker.usage.requests, again.passes) == (4, 0, 1)


def test_bodies_and_keys_are_those_of_live_requests(journal: Path) -> None:
    """What a batch brought serves a live run, and the line's body is what a live request sends."""
    asked = [request("a", temperature=0.3, schema='{"type": "object"}'), request("b", draw=2)]

    async def live(url: str, longest: int | None) -> list[Answer]:
        client = Client(Server(url, KEY), 5, longest)
        with Journal(journal) as answers:
            ledger = Ledger(Funds(), answers, BYTES)
            asker = Asker(client, answers, ledger, Pace(), 1, Patience(attempts=1), lambda usage: None)
            found = [await asker.ask(one) for one in asked]
        await client.close()
        return found

    async def batch(url: str) -> None:
        client = Client(Server(url, KEY), 5)
        with Journal(journal) as answers:
            asker = BatchAsker(client, answers, Ledger(Funds(), answers, BYTES), lambda usage: None, polling=QUICK)
            for one in asked:
                with pytest.raises(Pending):
                    await asker.ask(one)
            assert await asker.run_round()
            assert not await asker.run_round()
        await client.close()

    with serving_batches() as server:
        asyncio.run(batch(server.url))
        calls = len(server.log.calls)
        assert [answer.text for answer in asyncio.run(live(server.url, None))] == ["A", "B"]
        assert len(server.log.calls) == calls
    with faulty_server.serving(lambda prompt, times: faulty_server.Reply("x")) as other:
        asyncio.run(live(other.url, None))
        bodies = other.log.bodies
    assert [line["body"] for line in server.log.batches[0]] == bodies
    assert "response_format" in bodies[0]


def test_order_duplicates_and_unreadable_lines(journal: Path) -> None:
    """The first answer of a request counts; a line that cannot be read is asked for again, and counts as paid."""

    def script(body: dict[str, Any], times: int) -> Result:
        prompt = body["messages"][-1]["content"]
        return Result(raw=b'{"custom_id": "') if prompt == "b" and times == 1 else echo(body, times)

    def arrange(lines: list[bytes]) -> list[bytes]:
        other = lines[0].replace(b"A", b"WRONG")
        return [b"", b"[]", b'{"custom_id": "zz"}', *lines[::-1], lines[0], other]

    with serving_batches(script=script) as server:
        server.arrange = arrange
        session = Session(server, journal, funds=FUNDS)
        asker = session.run(PROMPTS)
        assert [len(batch) for batch in server.log.batches] == [4, 1]
    assert session.texts == ["A", "B", "Ü", "D"]
    assert (asker.usage.requests, asker.usage.retries, asker.usage.answered) == (4, 1, 4)
    spent, uncertain = money_of(journal)
    assert spent == uncertain + 4 * EACH
    assert uncertain > EACH
    assert spent == asker.usage.spent


@pytest.mark.parametrize("service", ["openai", "zhipu"])
def test_errors_of_lines(journal: Path, service: str) -> None:
    """A refusal is final; overload is tried in three batches; both cost nothing."""

    def script(body: dict[str, Any], times: int) -> Result:
        prompt = body["messages"][-1]["content"]
        told = {"error": {"code": "1301", "message": f"no {prompt}, says {KEY}"}}
        faults = {
            "refused": Result(status=400, body=told, where="error"),
            "busy": Result(status=429, body=told, where="error"),
            "once": Result(status=500, body=told, where="error") if times == 1 else echo(body, times),
            "bare": Result(status=None, error={"code": "x", "message": "timed out"}, where="output"),
        }
        return faults.get(prompt) or echo(body, times)

    with serving_batches(service, script) as server:
        session = Session(server, journal, funds=FUNDS)
        asker = session.run(["good", "refused", "busy", "once", "bare"])
        asked = {line["body"]["messages"][0]["content"]: server.log.asked[line["custom_id"]]
                 for line in server.log.batches[0]}  # fmt: skip
    assert asked == {"good": 1, "refused": 1, "busy": 3, "once": 2, "bare": 3}
    assert session.texts == ["GOOD", "Failed", "Failed", "ONCE", "Failed"]
    said = [str(session.outcomes[at]) for at in (1, 2, 4)]
    assert said == [
        "400: no refused, says ***",
        "given up after 3 batches, the last: 429: no busy, says ***",
        "given up after 3 batches, the last: timed out",
    ]
    assert (asker.usage.requests, asker.usage.retries, asker.usage.answered) == (5, 5, 2)
    assert money_of(journal) == (2 * EACH, 0)
    assert not asker.stopped


def test_a_failed_request_is_tried_anew_by_the_next_run(journal: Path) -> None:
    refuse = True

    def script(body: dict[str, Any], times: int) -> Result:
        return Result(status=400, body={"error": "no"}, where="error") if refuse else echo(body, times)

    with serving_batches(script=script) as server:
        first = Session(server, journal)
        first.run(["a"])
        assert first.texts == ["Failed"]
        refuse = False
        second = Session(server, journal)
        second.run(["a"])
        assert second.texts == ["A"]


def test_answers_without_a_message_or_a_count_are_paid_for_at_their_most(journal: Path) -> None:
    def script(body: dict[str, Any], times: int) -> Result:
        prompt = body["messages"][-1]["content"]
        if prompt == "empty" and times == 1:
            return Result(body={"choices": []})
        return Result("X", usage=None) if prompt == "uncounted" else echo(body, times)

    with serving_batches(script=script) as server:
        session = Session(server, journal, funds=FUNDS)
        asker = session.run(["empty", "uncounted", "good"])
    assert session.texts == ["EMPTY", "X", "GOOD"]
    most = [BYTES.prompt(request(prompt)) + 20 for prompt in ("empty", "uncounted")]
    assert money_of(journal) == (2 * EACH + sum(most) * Decimal("0.0005"), sum(most) * Decimal("0.0005"))
    assert asker.ledger.in_flight == 0


@pytest.mark.parametrize("end", ["expired", "cancelled"])
@pytest.mark.parametrize("told", [True, False])
def test_a_batch_that_ends_early_brings_what_it_has(journal: Path, end: str, told: bool) -> None:
    """The rest is asked for again, whether the file of errors tells of it or not, and cost nothing."""

    def script(body: dict[str, Any], times: int) -> Result:
        if body["messages"][-1]["content"] in "ab" or times > 1:
            return echo(body, times)
        error = {"code": f"batch_{end}", "message": "not in time"}
        return Result(status=None, error=error, where="error" if told else "")

    with serving_batches(script=script) as server:
        server.ends = lambda number: end if number == 0 else "completed"
        session = Session(server, journal, funds=FUNDS)
        session.run(PROMPTS)
        assert [len(batch) for batch in server.log.batches] == [4, 2]
    assert session.texts == ["A", "B", "Ü", "D"]
    assert money_of(journal) == (4 * EACH, 0)


def test_a_damaged_file_of_an_expired_batch(journal: Path) -> None:
    """The line that cannot be read may have been an answer, of any request that has none: they count as paid."""

    def script(body: dict[str, Any], times: int) -> Result:
        return Result(raw=b'{"cus') if body["messages"][-1]["content"] == "b" and times == 1 else echo(body, times)

    with serving_batches(script=script) as server:
        server.ends = lambda number: "completed" if number else "expired"
        Session(server, journal, funds=FUNDS).run(PROMPTS)
    most = (BYTES.prompt(request("b")) + 20) * Decimal("0.0005")
    assert money_of(journal) == (4 * EACH + most, most)


def test_lines_that_a_completed_batch_lacks_are_asked_again_and_counted(journal: Path) -> None:
    def script(body: dict[str, Any], times: int) -> Result:
        return Result(where="") if body["messages"][-1]["content"] == "b" else echo(body, times)

    with serving_batches("zhipu", script) as server:
        session = Session(server, journal, funds=FUNDS)
        session.run(PROMPTS)
        assert [len(batch) for batch in server.log.batches] == [4, 1, 1]
    assert session.texts == ["A", "Failed", "Ü", "D"]
    most = 3 * (BYTES.prompt(request("b")) + 20) * Decimal("0.0005")
    assert money_of(journal) == (3 * EACH + most, most)


def test_a_batch_that_the_server_finds_fault_with(journal: Path) -> None:
    with serving_batches() as server:
        server.ends = lambda number: "failed"
        server.errors = {"object": "list", "data": [{"code": "model_not_found", "line": 1, "message": f"no m, {KEY}"}]}
        with pytest.raises(ServiceError, match=r"refuses the batch batch_0; it said line 1: no m, \*\*\*$"):
            Session(server, journal, funds=FUNDS).run(PROMPTS)
        assert len(server.log.batches) == 1
        assert waiting_in(journal, server) == 0
    assert money_of(journal) == (0, 0)


def test_a_full_queue_is_waited_for(journal: Path) -> None:
    """OpenAI fails a batch that its queue has no room for, once it is made; others may refuse to make it."""
    with serving_batches() as server:
        server.ends = lambda number: "failed" if number == 1 else "completed"
        server.errors = {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]}
        session = Session(server, journal, service=OPENAI.model_copy(update={"max_requests": 2}), funds=FUNDS)

        def fault(call: str, number: int) -> Fault | None:
            ended = all(batch["status"] in ("completed", "failed") for batch in server.batches.values())
            return Fault(400) if call == "POST /batches" and len(server.batches) == 2 and not ended else None

        server.fault = fault
        session.run(["a", "b", "c", "d", "e", "f"])
        assert [len(batch) for batch in server.log.batches] == [2, 2, 2, 2]
    assert session.texts == ["A", "B", "C", "D", "E", "F"]
    assert money_of(journal) == (6 * EACH, 0)


def test_requests_that_are_all_refused_end_the_run(journal: Path) -> None:
    with serving_batches(script=lambda body, times: Result(status=422, body={"error": "no"}, where="error")) as server:
        with pytest.raises(ServiceError, match="all of 6 requests failed, the last: 422: no"):
            Session(server, journal).run(list("abcdef"))
        few = Session(server, journal)
        few.run(["a"])
        assert few.texts == ["Failed"]


def test_files_keep_to_the_limits_and_to_one_model(journal: Path) -> None:
    body = Client(Server("http://x/v1", KEY), 1).body(request("a"))
    line = len(line_of(bytes(16), body, OPENAI))
    with serving_batches() as server:
        by_count = Session(server, journal, service=OPENAI.model_copy(update={"max_requests": 3}))
        by_count.run(list("abcdefg"))
        assert [len(batch) for batch in server.log.batches] == [3, 3, 1]
        by_size = Session(server, journal, service=OPENAI.model_copy(update={"max_bytes": 2 * (line + 1)}), model="n")
        by_size.run(list("abcde"))
        assert [len(batch) for batch in server.log.batches[3:]] == [2, 2, 1]
        assert max(len(content) for name, content in server.files.items() if "put" not in name) <= 3 * (line + 1)
        small = Session(server, journal, service=OPENAI.model_copy(update={"max_bytes": 10}), model="o")
        small.run(list("ab"))
        assert [len(batch) for batch in server.log.batches[6:]] == [1, 1]
    assert by_count.texts + by_size.texts + small.texts == list("ABCDEFG") + list("ABCDE") + list("AB")


def test_each_model_has_a_file_of_its_own(journal: Path) -> None:
    async def both(asker: BatchAsker) -> None:
        for prompt in "ab":
            for model in ("writer", "judge"):
                await asyncio.gather(asker.ask(request(prompt, model)), return_exceptions=True)

    async def run(url: str) -> None:
        client = Client(Server(url, KEY), 5)
        with Journal(journal) as answers:
            asker = BatchAsker(client, answers, Ledger(Funds(), answers, BYTES), lambda usage: None, polling=QUICK)
            await in_rounds(asker, lambda: both(asker))
        await client.close()

    with serving_batches() as server:
        asyncio.run(run(server.url))
        models = [[line["body"]["model"] for line in batch] for batch in server.log.batches]
    assert models == [["writer", "writer"], ["judge", "judge"]]


@pytest.mark.parametrize(
    ("status", "where", "said"),
    [
        (401, "POST /files", "refuses the key"),
        (403, "POST /batches", "does not allow"),
        (404, "POST /files", "has the server no Batch API"),
        (400, "POST /files", "the server refuses it; it said 400: out of"),
        (405, "POST /batches", "takes no batches"),
    ],
)
def test_refusals_end_the_run_in_one_line_and_cost_nothing(journal: Path, status: int, where: str, said: str) -> None:
    body = json.dumps({"error": {"message": f"out of {KEY}"}}).encode()
    with serving_batches() as server:
        server.fault = lambda call, number: Fault(status, body) if call == where else None
        with pytest.raises(ServiceError, match=said) as caught:
            Session(server, journal, funds=FUNDS).run(PROMPTS)
        assert server.log.calls.count(where) == 1
        assert waiting_in(journal, server) == 0
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert server.url in str(caught.value)
    assert money_of(journal) == (0, 0)


def test_an_error_that_is_told_with_status_200(journal: Path) -> None:
    with serving_batches("zhipu") as server:
        body = b'{"error": {"code": "1210", "message": "model not in the list"}}'
        server.fault = lambda call, number: Fault(200, body) if call == "POST /files" else None
        with pytest.raises(ServiceError, match="model not in the list"):
            Session(server, journal).run(PROMPTS)
        assert server.log.calls == ["POST /files"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_while_polling_leaves_the_batch_for_the_next_run(journal: Path, status: int) -> None:
    with serving_batches() as server:
        server.fault = lambda call, number: Fault(status) if call.startswith("GET /batches/") else None
        session = Session(server, journal, funds=FUNDS)
        with pytest.raises(ServiceError, match=r"a batch stays at the server \(4 requests\): the same command goes on"):
            session.run(PROMPTS)
        assert session.asker.error is not None
        assert waiting_in(journal, server) == 4
        server.fault = lambda call, number: None
        again = Session(server, journal, funds=FUNDS)
        asker = again.run(PROMPTS)
        assert len(server.log.batches) == 1
    assert again.texts == ["A", "B", "Ü", "D"]
    assert (asker.ledger.before, asker.ledger.spent, asker.ledger.uncertain) == (0, 4 * EACH, 0)
    assert money_of(journal) == (4 * EACH, 0)


@pytest.mark.parametrize(
    "fault",
    [Fault(500), Fault(503), Fault(408), Fault(), Fault(200, b"<html>"), Fault(429, headers={"retry-after-ms": "5"})],
    ids=["500", "503", "408", "broken", "html", "429"],
)
def test_storms_are_sat_out(journal: Path, fault: Fault) -> None:
    """Two of three calls fail, done or not; each request is in one batch all the same."""
    draw = random.Random(7)

    def storm(call: str, number: int) -> Fault | None:
        return replace(fault, done=draw.random() < 0.5) if draw.random() < 0.67 else None

    with serving_batches() as server:
        server.fault = storm
        session = Session(server, journal, funds=FUNDS, polling=replace(QUICK, attempts=300), steps=2)
        session.run(PROMPTS)
        assert set(server.log.asked.values()) == {1}
    assert session.texts == ["1: A", "1: B", "1: Ü", "1: D"]
    assert money_of(journal) == (8 * EACH, 0)


def test_retry_after_is_waited_for(journal: Path) -> None:
    with serving_batches() as server:
        server.fault = lambda call, number: Fault(429, headers={"retry-after-ms": "400"}) if number == 3 else None
        began = time.monotonic()
        Session(server, journal).run(PROMPTS)
    assert time.monotonic() - began > 0.4


def test_a_storm_without_end(journal: Path) -> None:
    with serving_batches() as server:
        server.fault = lambda call, number: Fault(500) if number > 2 else None
        with pytest.raises(ServiceError, match="after 12 attempts, the last: 500: out of order; a batch stays"):
            Session(server, journal).run(PROMPTS)
        server.fault = lambda call, number: None
        Session(server, journal).run(PROMPTS)
        assert len(server.log.batches) == 1


def test_a_server_that_is_not_there(journal: Path) -> None:
    with serving_batches() as server:
        pass
    with pytest.raises(ServiceError, match="cannot be reached"):
        Session(server, journal, funds=FUNDS).run(PROMPTS)
    assert money_of(journal) == (0, 0)


def test_polling_slows_down(journal: Path) -> None:
    assert [Polling().wait(times) for times in (1, 2, 3, 20, 10_000)] == [1, 1.5, 2.25, 60, 60]
    with serving_batches() as server:
        server.open.clear()

        async def later(asker: BatchAsker) -> None:
            await asyncio.sleep(1)
            server.open.set()

        Session(server, journal, polling=Polling(0.01, 0.2)).run(PROMPTS, later)
        looks = server.log.calls.count("GET /batches/batch_0")
    assert 8 <= looks <= 18


@pytest.mark.parametrize("metadata", [True, False])
def test_a_batch_that_was_made_in_secret_is_found(journal: Path, metadata: bool) -> None:
    """The connection breaks after the server made the batch: by metadata or by its file, it is told in the list.

    Others make batches too, so that it is on the list's second page.
    """

    def others(number: int) -> None:
        while server.log.calls[-1] == "POST /batches" and len(server.batches) < 6:
            server.files[f"other{len(server.batches)}"] = b""
            server.create({"endpoint": OPENAI.endpoint, "input_file_id": f"other{len(server.batches)}"})

    with serving_batches() as server:
        server.metadata = metadata
        server.done = others
        server.fault = lambda call, number: Fault(done=True) if call == "POST /batches" else None
        session = Session(server, journal)
        session.run(PROMPTS)
        assert set(server.log.asked.values()) == {1}
    assert session.texts == ["A", "B", "Ü", "D"]


def test_a_batch_that_was_made_in_secret_is_found_by_the_next_run(journal: Path) -> None:
    with serving_batches() as server:
        server.fault = lambda call, number: None if number == 1 else Fault(500, done=call == "POST /batches")
        with pytest.raises(ServiceError, match="given up after 12 attempts"):
            Session(server, journal, funds=FUNDS).run(PROMPTS)
        server.fault = lambda call, number: None
        session = Session(server, journal, funds=FUNDS)
        session.run(PROMPTS)
        assert set(server.log.asked.values()) == {1}
    assert session.texts == ["A", "B", "Ü", "D"]
    assert money_of(journal) == (4 * EACH, 0)


def test_what_an_earlier_run_asked_is_counted_once(journal: Path) -> None:
    with serving_batches() as server:
        Session(server, journal).run(PROMPTS)
        session = Session(server, journal, steps=3)
        asker = session.run(PROMPTS)
    assert (session.passes, asker.usage.from_journal, asker.usage.answered) == (3, 4, 8)


def test_a_server_without_a_list_is_not_guessed_about(journal: Path) -> None:
    def fault(call: str, number: int) -> Fault | None:
        if call == "GET /batches":
            return Fault(404)
        return Fault(done=True) if call == "POST /batches" and number < 4 else None

    with serving_batches() as server:
        server.fault = fault
        for _ in range(2):
            with pytest.raises(ServiceError, match=r"what became of 4 requests nobody can tell.*file-0.*submit-again"):
                Session(server, journal, funds=FUNDS).run(PROMPTS)
        assert len(server.log.batches) == 1
        session = Session(server, journal, funds=FUNDS, submit_again=True)
        session.run(PROMPTS)
        assert len(server.log.batches) == 2
    assert session.texts == ["A", "B", "Ü", "D"]
    spent, uncertain = money_of(journal)
    assert (spent - uncertain, uncertain > 4 * EACH) == (4 * EACH, True)


def test_a_batch_that_the_server_has_forgotten(journal: Path) -> None:
    with serving_batches() as server:
        _leave(server, journal)
        server.batches.clear()
        with pytest.raises(ServiceError, match=r"batch batch_0.*what became of 4 requests nobody can tell"):
            Session(server, journal).run(PROMPTS)
        session = Session(server, journal, submit_again=True)
        session.run(PROMPTS)
    assert session.texts == ["A", "B", "Ü", "D"]


def _leave(server: BatchServer, journal: Path, funds: Funds | None = None) -> Session:
    """A run that the user stops while it waits."""
    server.open.clear()

    async def stop(asker: BatchAsker) -> None:
        while "GET /batches/batch_0" not in server.log.calls:
            await asyncio.sleep(0.01)
        asker.stop()

    session = Session(server, journal, funds=funds, polling=Polling(30, 60))
    asker = session.run(PROMPTS, stop)
    assert (asker.stopped, asker.error, asker.usage.interrupted) == (True, None, True)
    assert asker.left_behind == "a batch stays at the server (4 requests): the same command goes on from there"
    assert all(isinstance(outcome, Stopped) for outcome in session.outcomes)
    server.open.set()
    return session


def test_stopped_while_waiting_it_goes_on_with_the_same_batch(journal: Path) -> None:
    with serving_batches() as server:
        began = time.monotonic()
        _leave(server, journal, FUNDS)
        assert time.monotonic() - began < 10
        assert waiting_in(journal, server) == 4
        assert requests_elsewhere(journal) == 0
        again = Session(server, journal, funds=FUNDS)
        asker = again.run([*PROMPTS, "new"])
        assert [len(batch) for batch in server.log.batches] == [4, 1]
    assert again.texts == ["A", "B", "Ü", "D", "NEW"]
    assert (asker.usage.spent, asker.ledger.before) == (5 * EACH, 0)


def requests_elsewhere(path: Path) -> int:
    with Journal(path) as journal:
        return requests_at_server(journal, "http://other/v1")


CHILD = """
import asyncio, sys
from pathlib import Path
from dsforge.augment.batch import Polling
from tests.augment import test_batch as t

class Url:
    dialect, url = sys.argv[2], sys.argv[3]

t.Session(Url(), Path(sys.argv[1]), funds=t.FUNDS, steps=2).run(t.PROMPTS)
"""


def _killed(server: BatchServer, journal: Path, at: int, done: bool) -> bool:
    """Run in a process that the server kills at its call number `at`, before or after it does what was asked."""
    arguments = [sys.executable, "-c", CHILD, str(journal), server.dialect, server.url]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def kill(number: int) -> None:
        if number == at:
            process.send_signal(signal.SIGKILL)
            process.wait()

    _interfere(server, kill, done, at)
    _, told = process.communicate(timeout=60)
    _leave_alone(server)
    assert process.returncode in (0, -signal.SIGKILL), told
    return process.returncode != 0


def _interfere(server: BatchServer, act: Callable[[int], None], done: bool, at: int) -> None:
    """Have `act` called at each call: when it is done, or before, and then the call number `at` is never done."""

    def fault(call: str, number: int) -> Fault | None:
        act(number)
        return Fault() if number == at else None

    if done:
        server.done = act
    else:
        server.fault = fault


def _leave_alone(server: BatchServer) -> None:
    server.fault = lambda call, number: None
    server.done = lambda number: None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9")
@pytest.mark.parametrize(("at", "done"), [(1, True), (2, False), (2, True), (3, True), (6, True)])
def test_kill_9_and_the_same_command_again(journal: Path, at: int, done: bool) -> None:
    """At the upload, at the creation before and after the server took it, while polling, at the file of answers."""
    with serving_batches("zhipu") as server:
        assert _killed(server, journal, at, done)
        again = Session(server, journal, funds=FUNDS, steps=2)
        again.run(PROMPTS)
        assert set(server.log.asked.values()) == {1}
    assert again.texts == ["1: A", "1: B", "1: Ü", "1: D"]
    assert money_of(journal) == (8 * EACH, 0)


def test_killed_at_every_call(journal: Path) -> None:
    """The run is cut off at each call in turn, before and after the server did it; no request comes twice."""
    with serving_batches() as server:
        for done in (False, True):
            cut = 0
            while True:
                cut += 1
                path = journal.with_name(f"{cut}{done}.sqlite")
                server.log.asked.clear()
                ended = asyncio.run(_cut_off(Session(server, path, funds=FUNDS, steps=2), cut, done))
                again = Session(server, path, funds=FUNDS, steps=2)
                again.run(PROMPTS)
                assert set(server.log.asked.values()) == {1}, (cut, done)
                assert again.texts == ["1: A", "1: B", "1: Ü", "1: D"]
                assert money_of(path) == (8 * EACH, 0), (cut, done)
                if ended:
                    break
            assert cut > 12


async def _cut_off(session: Session, cut: int, done: bool) -> bool:
    """Whether it ended before the call number `cut`."""
    task = asyncio.create_task(session._run(PROMPTS, None))
    loop, server = asyncio.get_running_loop(), session.server
    at, reached = len(server.log.calls) + cut, threading.Event()

    def cancel(number: int) -> None:
        if number == at:
            reached.set()
            loop.call_soon_threadsafe(task.cancel)
            time.sleep(0.02)  # so that it is cancelled before it hears of it

    _interfere(server, cancel, done, at)
    await asyncio.wait([task])
    _leave_alone(server)
    if not task.cancelled():
        task.result()
    return not reached.is_set()


def test_a_batch_is_collected_whole_or_not_at_all(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled = 0
    settle = Ledger.settle

    def failing(self: Ledger, hold: Any, key: bytes, answer: Answer) -> None:
        nonlocal settled
        settled += 1
        if settled == 3:
            raise OutputError("the disk is full")
        settle(self, hold, key, answer)

    with serving_batches() as server:
        monkeypatch.setattr(Ledger, "settle", failing)
        with pytest.raises(OutputError):
            Session(server, journal, funds=FUNDS).run(PROMPTS)
        monkeypatch.undo()
        with Journal(journal) as answers:
            assert len(answers) == 0
        again = Session(server, journal, funds=FUNDS)
        again.run(PROMPTS)
        assert len(server.log.batches) == 1
    assert again.texts == ["A", "B", "Ü", "D"]
    assert money_of(journal) == (4 * EACH, 0)


def test_a_budget_that_pays_for_a_part(journal: Path) -> None:
    """What may cost too much now waits for a later round; at no time is more set aside than the cap."""
    prompts = [f"{number:03}" for number in range(40)]
    most = (BYTES.prompt(request("000")) + 20) * Decimal("0.0005")
    funds = Funds(FUNDS.prices, 5 * most)
    with serving_batches() as server:
        session = Session(server, journal, funds=funds)
        peak = Decimal(0)
        hear = session.hear

        def watch(usage: Usage) -> None:
            nonlocal peak
            ledger = session.asker.ledger
            peak = max(peak, ledger.before + ledger.spent + ledger.in_flight)
            hear(usage)

        session.hear = watch  # type: ignore[method-assign]
        asker = session.run(prompts)
        answered = sum(isinstance(outcome, Answer) for outcome in session.outcomes)
        unpaid = sum(isinstance(outcome, Unpaid) for outcome in session.outcomes)
        assert len(server.log.batches[0]) == 5
        assert len(server.log.batches) > 2
        assert answered + unpaid == 40
        assert answered == sum(len(batch) for batch in server.log.batches) > 10
        assert session.texts[:answered] == prompts[:answered]
        assert asker.usage.unpaid == unpaid
        assert 4 * most < peak <= 5 * most
        spent, uncertain = money_of(journal)
        assert (spent, uncertain) == (answered * EACH, 0)
        assert asker.ledger.refused == most
        assert spent + most > 5 * most
        more = Session(server, journal, funds=FUNDS)
        more.run(prompts)
        assert more.texts == prompts
        assert set(server.log.asked.values()) == {1}
    assert money_of(journal)[0] == 40 * EACH


def test_a_run_that_goes_on_counts_what_is_at_the_server(journal: Path) -> None:
    """What the first run set aside is in flight in the second, which can pay for one more only afterwards."""
    most = (BYTES.prompt(request("a")) + 20) * Decimal("0.0005")
    funds = Funds(FUNDS.prices, 4 * most + Decimal("0.0005"))
    with serving_batches() as server:
        _leave(server, journal, funds)
        server.open.clear()
        session = Session(server, journal, funds=funds)
        seen = []

        async def look(asker: BatchAsker) -> None:
            await asyncio.sleep(0.1)
            seen.extend([asker.ledger.before, asker.ledger.in_flight >= 4 * most, len(server.log.batches)])
            server.open.set()

        session.run([*PROMPTS, "e"], look)
        assert seen == [0, True, 1]
        assert session.texts == ["A", "B", "Ü", "D", "E"]
    assert money_of(journal) == (5 * EACH, 0)


def test_a_budget_for_nothing(journal: Path) -> None:
    with serving_batches() as server:
        session = Session(server, journal, funds=Funds(FUNDS.prices, Decimal("0.00001")))
        asker = session.run(PROMPTS)
        assert server.log.calls == []
    assert session.texts == ["Unpaid"] * 4
    assert (asker.usage.unpaid, issubclass(Pending, Failed)) == (4, False)


def test_prices_may_come_or_go_while_a_batch_is_at_the_server(journal: Path) -> None:
    with serving_batches() as server:
        _leave(server, journal)
        with_prices = Session(server, journal, funds=FUNDS)
        with_prices.run(PROMPTS)
        assert with_prices.texts == ["A", "B", "Ü", "D"]
        other = journal.with_name("other.sqlite")
        server.log.calls.clear()
        server.batches.clear()
        server.log.batches.clear()
        _leave(server, other, FUNDS)
        without = Session(server, other)
        without.run(PROMPTS)
        assert without.texts == ["A", "B", "Ü", "D"]
    assert money_of(journal)[0] == 4 * 2 * EACH  # at the prices of the run that looks, which are live ones here
    assert money_of(other)[1] > 0


def test_a_model_that_wants_the_limit_by_its_new_name(journal: Path) -> None:
    def script(body: dict[str, Any], times: int) -> Result:
        told = {"error": {"message": "Unsupported parameter: use 'max_completion_tokens' instead of 'max_tokens'"}}
        return Result(status=400, body=told, where="error") if "max_tokens" in body else echo(body, times)

    with serving_batches(script=script) as server:
        session = Session(server, journal)
        session.run(PROMPTS)
        assert [body["max_completion_tokens"] for body in (line["body"] for line in server.log.batches[1])] == [20] * 4
    assert session.texts == ["A", "B", "Ü", "D"]


def test_the_file_of_answers_may_come_a_moment_after_the_end(journal: Path) -> None:
    with serving_batches() as server:
        step = server.step
        late: list[int] = []

        def slow(batch: dict[str, Any]) -> dict[str, Any]:
            told = step(batch)
            if told["status"] != "completed" or late:
                return told
            late.append(1)
            return told | {"output_file_id": None}

        server.step = slow  # type: ignore[method-assign]
        session = Session(server, journal, funds=FUNDS)
        session.run(PROMPTS)
        assert (len(server.log.batches), late) == (1, [1])
    assert session.texts == ["A", "B", "Ü", "D"]


def test_the_key_is_kept_nowhere(journal: Path) -> None:
    with serving_batches() as server:
        _leave(server, journal)
        for path in journal.parent.iterdir():
            assert KEY.encode() not in path.read_bytes()
        assert KEY not in json.dumps(server.log.created) + json.dumps(server.log.batches)
        assert server.log.created[0]["metadata"]["dsforge"]


def test_services_are_told_by_the_host() -> None:
    assert batch_service("https://open.bigmodel.cn/api/paas/v4") is ZHIPU
    assert batch_service("https://api.openai.com/v1") is OPENAI
    for url in ("https://bigmodel.cn.example.com/v4", "http://127.0.0.1:8000/v1", "https://notbigmodel.cn/v4"):
        assert batch_service(url) is COMPATIBLE


def test_prices_in_a_batch() -> None:
    for service, expected in ((OPENAI, "1"), (ZHIPU, "1"), (COMPATIBLE, "2")):
        prices = batch_funds(FUNDS, service).prices
        assert prices is not None
        assert (prices.cost(1500, 500), prices.currency) == (Decimal(expected), "USD")
    assert batch_funds(FUNDS, OPENAI).cap == CAP
    assert batch_funds(Funds(), OPENAI) == Funds()


def test_a_run_by_batches_writes_what_a_live_one_writes(tmp_path: Path) -> None:
    """All of augment over the Batch API: what cannot be read is asked again in a second round."""
    rows = [{"instruction": f"Question {number}?", "output": "Yes."} for number in range(5)]
    source = tmp_path / "seeds.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def evolved(prompt: str) -> str:
        if "cannot be used" not in prompt and "Question 3?" in prompt.rpartition("<instruction>")[2]:
            return "No JSON"
        about = prompt.rpartition("<instruction>\n")[2][:12]
        return json.dumps({"instruction": f"{about} {md5(about.encode()).hexdigest()}", "answer": "No."})

    asking = Asking(funds=Funds(FUNDS.prices), batch=Batching(polling=QUICK))
    with serving_batches("openai", lambda body, times: Result(evolved(body["messages"][-1]["content"]))) as server:
        target = Server(server.url, KEY)
        result = augment(str(source), tmp_path / "out.jsonl", Wish("evolve", "m"), target, asking)
        batches = len(server.log.batches)
        again = augment(str(source), tmp_path / "out.jsonl", Wish("evolve", "m"), target, asking)
        assert (len(server.log.batches), batches) == (2, 2)
    assert (result.rows_kept, result.requests, result.dropped, result.failures) == (5, 6, {}, [])
    assert (again.rows_kept, again.requests, again.from_journal) == (5, 0, 6)
    written = [json.loads(line)["instruction"][:11] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert written == ["Question 0?", "Question 1?", "Question 2?", "That answer", "Question 4?"]


def test_a_live_run_does_not_pay_for_what_is_in_a_batch(tmp_path: Path) -> None:
    source = tmp_path / "seeds.jsonl"
    source.write_text('{"instruction": "Question?", "output": "Yes."}\n')
    with serving_batches() as server:
        server.fault = lambda call, number: Fault(401) if call.startswith("GET /batches") else None
        target = Server(server.url, KEY)
        with pytest.raises(ServiceError, match="same command goes on"):
            augment(str(source), tmp_path / "out.jsonl", Wish("paraphrase", "m"), target,
                    Asking(batch=Batching(polling=QUICK)))  # fmt: skip
        with pytest.raises(UsageError, match="1 requests are in batches"):
            augment(str(source), tmp_path / "out.jsonl", Wish("paraphrase", "m"), target)
