"""Asks many requests at a time, each until it is answered or given up; what was answered once is not asked again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from weakref import WeakValueDictionary

import msgspec

from dsforge.augment.budget import Hold, Ledger, OverBudget
from dsforge.augment.client import Client, Refused, TryAgain
from dsforge.augment.limits import Pace, expected_tokens
from dsforge.augment.request import Answer, Request
from dsforge.engine.journal import Journal
from dsforge.errors import OutputError, ServiceError

UNREACHED = 3
"""Attempts after which a server that was never reached is taken to be not there."""
REFUSED = 5
"""Refusals before any answer after which it is the request's form, not one row, that the server refuses."""
_IN_A_ROW = 50
"""Requests given up one after another after which the server is taken to be down."""


@dataclass(frozen=True)
class Patience:
    """How long a request is tried: `attempts` of `timeout` seconds, with waits between them.

    The wait doubles from `first_wait` to `longest_wait`, and is drawn between half of it and all (so that requests
    that failed together do not come back together). A server's Retry-After is waited for by all requests, if it is
    no longer than `longest_asked`.
    """

    attempts: int = 8
    timeout: float = 300.0
    first_wait: float = 0.5
    longest_wait: float = 30.0
    longest_asked: float = 300.0

    def wait(self, attempt: int) -> float:
        """Seconds to wait after `attempt` (from 1) failed."""
        full = min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 1))
        return full * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing


class Usage(msgspec.Struct):
    """What was asked in this run. Tokens are the server's count; answers from the journal cost none.

    `wanted` is the number of answers that the whole run needs, 0 while it is not known. `unpaid` requests were not
    sent for want of money; `spent` is the money of this run, None where no price is known.
    """

    requests: int = 0
    answered: int = 0
    retries: int = 0
    from_journal: int = 0
    wanted: int = 0
    unpaid: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    spent: Decimal | None = None
    currency: str = ""
    last_trouble: str = ""
    interrupted: bool = False


class Failed(Exception):
    """A request was given up, for the reason said."""


class Unpaid(Failed):
    """A request was not sent, because the budget does not pay for it."""


class Stopped(Exception):
    """A request was not asked, because the run is stopping."""


class _Commits:
    """Brings what many tasks write to the disk by one flush: each round of the event loop has one commit at most."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._next: asyncio.Future[None] | None = None
        journal.hold_commits()

    async def on_disk(self) -> None:
        """Return once what was written before is on the disk; OutputError where it cannot be brought there."""
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.create_future()
            loop.call_soon(self._commit)
        await asyncio.shield(self._next)

    def _commit(self) -> None:
        done, self._next = self._next, None
        assert done is not None
        try:
            self._journal.commit()
        except OutputError as error:
            done.set_exception(error)
        else:
            done.set_result(None)


class Asker:
    """Answers requests from the journal or the server; `stop` ends it, `error` says why where that is an error."""

    def __init__(
        self,
        client: Client,
        journal: Journal,
        ledger: Ledger,
        pace: Pace,
        concurrency: int,
        patience: Patience,
        on_change: Callable[[Usage], None],
    ) -> None:
        self.usage = Usage(spent=ledger.spent if ledger.currency else None, currency=ledger.currency)
        self.ledger = ledger
        self._pace = pace
        self.error: ServiceError | None = None
        self._client, self._journal, self._patience, self._on_change = client, journal, patience, on_change
        self._slots = asyncio.Semaphore(concurrency)
        self._commits = _Commits(journal)
        self._most_in_a_row = max(_IN_A_ROW, 2 * concurrency)
        self.stopping = asyncio.Event()
        self._asking: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._pause_until = 0.0
        self._reached = False
        self._given_up = 0

    @property
    def stopped(self) -> bool:
        """Whether no further request is sent."""
        return self.stopping.is_set()

    def stop(self, error: ServiceError | None = None) -> None:
        """Send no further request; those in flight may end."""
        self.error = self.error or error
        self.stopping.set()
        self.usage.interrupted = error is None
        self._on_change(self.usage)

    async def ask(self, request: Request) -> Answer:
        """The answer to `request`. It is in the journal when this returns.

        Raises:
            Failed: it was given up; Unpaid: for want of money.
            Stopped: the run ends, before this request was answered.
            OutputError: the journal cannot be written.
        """
        key = request.key(self._client.server.url)
        lock = self._asking.setdefault(key, asyncio.Lock())
        async with lock:  # equal requests of equal rows: the second finds the answer of the first
            stored = self._journal.get(key)
            if stored is not None:
                self.usage.from_journal += 1
                self._on_change(self.usage)
                return msgspec.json.decode(stored, type=Answer)
            async with self._slots:
                answer = await self._until_answered(key, request)
        self._count(answer)
        return answer

    def _count(self, answer: Answer) -> None:
        self._given_up = 0
        self.usage.answered += 1
        if self.ledger.currency:
            self.usage.spent = self.ledger.spent
        self.usage.prompt_tokens += answer.prompt_tokens
        self.usage.completion_tokens += answer.completion_tokens
        self._on_change(self.usage)

    async def _until_answered(self, key: bytes, request: Request) -> Answer:
        for attempt in range(1, self._patience.attempts + 1):
            hold = await self._ready(key, request)
            if attempt == 1:
                self.usage.requests += 1
            else:
                self.usage.retries += 1
            try:
                answer = await self._client.ask(request)
            except TryAgain as trouble:
                reason = trouble.reason
                self._lost(hold, trouble)
                await self._back_off(trouble, attempt)
            except Refused as error:
                self.ledger.release(hold)
                raise self._give_up(str(error), refused=True) from None
            except ServiceError as error:
                self.ledger.release(hold)
                self.stop(error)
                raise Stopped from error
            else:
                self._reached = True
                self.ledger.settle(hold, key, answer)
                await self._commits.on_disk()
                if answer.counted:
                    self._pace.correct(_expected(request), answer.prompt_tokens + answer.completion_tokens)
                return answer
        raise self._give_up(f"given up after {self._patience.attempts} attempts, the last: {reason}")

    async def _ready(self, key: bytes, request: Request) -> Hold | None:
        """Wait until `request` may be sent and there is money for it, which is set aside."""
        now = asyncio.get_running_loop().time
        tokens = _expected(request)
        while (left := max(self._pause_until - now(), self._pace.wait(tokens))) > 0:
            await self._sleep(left)
        if self.stopped:
            raise Stopped
        self._pace.take(tokens)
        try:
            hold = await self.ledger.reserve(key, request)
        except OverBudget:
            if self.stopped:
                raise Stopped from None
            self.usage.unpaid += 1
            self._on_change(self.usage)
            raise Unpaid("not asked: the budget does not pay for it") from None
        if hold is not None:
            await self._commits.on_disk()
        if self.stopping.is_set():  # while it waited for money
            self.ledger.release(hold)
            raise Stopped
        return hold

    def _lost(self, hold: Hold | None, trouble: TryAgain) -> None:
        """An attempt brought no answer: it costs nothing, or is counted as if it had brought the longest."""
        if trouble.paid:
            self.ledger.forfeit(hold)
        else:
            self.ledger.release(hold)

    async def _back_off(self, trouble: TryAgain, attempt: int) -> None:
        self.usage.last_trouble = trouble.reason
        self._on_change(self.usage)
        self._reached = self._reached or trouble.reached
        if not self._reached and attempt >= min(UNREACHED, self._patience.attempts):
            self.stop(ServiceError(
                f"{self._client.server.url} cannot be reached ({trouble.reason}): is the server running, and its "
                f"address right?"
            ))  # fmt: skip
        if self.stopped:
            raise Stopped
        if attempt == self._patience.attempts:
            return
        if trouble.wait is None:
            await self._sleep(self._patience.wait(attempt))
        elif trouble.wait > self._patience.longest_asked:
            raise self._give_up(f"{trouble.reason} (the server asks to wait {trouble.wait:.0f} s)")
        else:
            until = asyncio.get_running_loop().time() + trouble.wait
            self._pause_until = max(self._pause_until, until)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or raise Stopped as soon as the run stops."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except asyncio.TimeoutError:
            return
        raise Stopped

    def _give_up(self, reason: str, refused: bool = False) -> Failed:
        self._given_up += 1
        self.usage.last_trouble = reason
        self._on_change(self.usage)
        hopeless = refused and not self.usage.answered and self._given_up >= REFUSED
        if hopeless or self._given_up >= self._most_in_a_row:
            self.stop(ServiceError(
                f"{self._client.server.url}: {self._given_up} requests in a row failed, the last: {reason}"
            ))  # fmt: skip
        return Failed(reason)


def _expected(request: Request) -> int:
    return expected_tokens("".join(message.content for message in request.messages), request.max_tokens)
