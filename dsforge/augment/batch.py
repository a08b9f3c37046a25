"""Asks by the Batch API: what a pass over the rows wants is noted, sent as files, and answered within a day.

    asker = BatchAsker(client, journal, ledger, on_change)
    await in_rounds(asker, one_pass)         # one_pass goes over all rows with `asker` in place of an Asker

`ask` answers from the journal. What is not there it notes, and raises Pending. After the pass `run_round` sends what
was noted, waits, and puts the answers into the journal, where the next pass finds them; a pass that lacks nothing ends
it. What does not fit into the budget while others are in flight is left to a later round: most cost less than they can.

A run may be killed at any moment, and goes on with the same command. Before a batch is made, its keys and what they may
cost are in the journal; then the id of its file; then its own id. A run that finds a file without a batch looks for
the batch in the server's list, by the file's id and by the name in its metadata, so that none is made twice. What no
client can rule out: a server that made a batch and does not list it when we look. A server that lists no batches at
all is not guessed about: the error says what to look at, and `submit_again` goes on as if there were none.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from uuid import uuid4

import msgspec

from dsforge.augment.ask import REFUSED, UNREACHED, Failed, Stopped, Unpaid, Usage
from dsforge.augment.batch_api import (
    ENDED,
    MARK,
    Batch,
    BatchApi,
    Missing,
    Trouble,
    batch_service,
    line_of,
    results,
    told_of,
)
from dsforge.augment.budget import Hold, Ledger, NotYet, OverBudget
from dsforge.augment.client import Client, TryAgain
from dsforge.augment.request import Answer, Request
from dsforge.engine.journal import Journal
from dsforge.errors import ServiceError
from dsforge.targets.profile import BatchService

T = TypeVar("T")

_ROUNDS = 3
"""Batches that a request may be in without an answer before it is given up."""
_LONGEST_ASKED = 3600.0
"""Seconds that a server's Retry-After is waited for at most."""


@dataclass(frozen=True)
class Polling:
    """How the server is asked, in seconds: at first every `first`, in the end every `longest`.

    A call that fails is made `attempts` times in a row, with waits that grow alike: an hour or so with a day's work at
    the server. A server's Retry-After is waited for, up to an hour.
    """

    first: float = 1.0
    longest: float = 60.0
    attempts: int = 60

    def wait(self, times: int) -> float:
        """Seconds to wait after `times` (from 1) calls."""
        return min(self.longest, self.first * 1.5 ** min(times - 1, 100))


@dataclass(frozen=True)
class Batching:
    """How batches are asked for: of which service (None: told by the server's host), see `BatchAsker`."""

    service: BatchService | None = None
    polling: Polling = field(default_factory=Polling)
    submit_again: bool = False


class Pending(Stopped):
    """The request is noted for the next batch, or in one: the pass after the next `run_round` may find its answer."""


class BatchUsage(Usage):
    """As Usage; `at_server` requests are in batches that are not collected, of which the server has answered `done`."""

    at_server: int = 0
    done: int = 0


class _Submission(msgspec.Struct):
    """A batch as the journal knows it: `file` and `id` are "" as long as the server told none."""

    name: str
    server: str
    keys: list[bytes]
    holds: list[Hold | None]
    file: str = ""
    id: str = ""
    done: int = 0


def _submissions(journal: Journal, server: str) -> Iterator[_Submission]:
    for stored in journal.batches():
        sent = msgspec.json.decode(stored, type=_Submission)
        if sent.server == server:
            yield sent


def requests_at_server(journal: Journal, server: str) -> int:
    """Requests in batches at the base URL `server` that no run has collected: asked live, they are paid for twice."""
    return sum(len(sent.keys) for sent in _submissions(journal, server))


@dataclass
class _Noted:
    request: Request
    hold: Hold | None


class BatchAsker:
    """Stands in for Asker in a pass; what it noted there is asked for by `run_round`.

    The prices of `ledger` are those of batches: `batch_funds` makes them. `service` is told by the server's host unless
    it is given. With `submit_again`, batches that the server cannot tell of are taken for lost: they count as spent,
    and what they asked for is asked again.

    Raises:
        InputError: on construction, where the journal cannot be read.
    """

    def __init__(
        self,
        client: Client,
        journal: Journal,
        ledger: Ledger,
        on_change: Callable[[Usage], None],
        *,
        service: BatchService | None = None,
        polling: Polling | None = None,
        submit_again: bool = False,
    ) -> None:
        self.usage = BatchUsage(spent=ledger.spent if ledger.currency else None, currency=ledger.currency)
        self.ledger = ledger
        self.error: ServiceError | None = None
        self.stopping = asyncio.Event()
        self._api = BatchApi(client, service or batch_service(client.server.url))
        self._client, self._journal, self._on_change = client, journal, on_change
        self._polling, self._submit_again = polling or Polling(), submit_again
        self._noted: dict[bytes, _Noted] = {}
        self._tried: Counter[bytes] = Counter()
        self._given_up: dict[bytes, str] = {}
        self._answered: set[bytes] = set()
        self._reached = False
        self._refusal = ""
        self._sent = {sent.name: sent for sent in _submissions(journal, client.server.url)}
        for sent in self._sent.values():
            for hold in sent.holds:
                ledger.take_over(hold)
        self._keys_sent = {key for sent in self._sent.values() for key in sent.keys}
        self.usage.at_server = len(self._keys_sent)

    @property
    def stopped(self) -> bool:
        """Whether nothing further is sent or waited for."""
        return self.stopping.is_set()

    @property
    def left_behind(self) -> str:
        """What stays at the server when the run ends now, and how to go on; "" for nothing."""
        waiting = sum(bool(sent.id) for sent in self._sent.values())
        if not waiting:
            return ""
        batches = f"{waiting} batches stay" if waiting > 1 else "a batch stays"
        return f"{batches} at the server ({self.usage.at_server} requests): the same command goes on from there"

    def stop(self, error: ServiceError | None = None) -> None:
        """Send and wait no further; batches stay at the server, and the next run goes on with them."""
        self.error = self.error or error
        self.stopping.set()
        self.usage.interrupted = error is None
        self._on_change(self.usage)

    async def ask(self, request: Request) -> Answer:
        """The answer to `request`, from the journal.

        Raises:
            Pending: it is not there yet.
            Failed: it was given up; Unpaid: for want of money.
            Stopped: the run ends.
            OutputError: the journal cannot be read.
        """
        key = request.key(self._client.server.url)
        stored = self._journal.get(key)
        if stored is not None:
            if key not in self._answered:
                self.usage.from_journal += 1
                self._on_change(self.usage)
            return msgspec.json.decode(stored, type=Answer)
        if self.stopped:
            raise Stopped
        if key in self._given_up:
            raise Failed(self._given_up[key])
        if key not in self._noted and key not in self._keys_sent:
            self._note(key, request)
        raise Pending

    def _note(self, key: bytes, request: Request) -> None:
        try:
            self._noted[key] = _Noted(request, self.ledger.set_aside(request))
        except NotYet:  # those of this round cost less than is set aside for them: the next may pay for it
            raise Pending from None
        except OverBudget:
            self.usage.unpaid += 1
            self._on_change(self.usage)
            raise Unpaid("not asked: the budget does not pay for it") from None

    async def run_round(self) -> bool:
        """Send what the pass noted, and wait for all batches at the server; False where there was nothing to do.

        Raises:
            Stopped: the run was stopped.
            ServiceError: the server cannot be reached, or does not do it. It is in `error` too.
            OutputError: the journal cannot be written.
        """
        if not self._noted and not self._sent:
            return False
        if self.stopped:
            raise Stopped
        before = self.usage.answered, len(self._given_up)
        self._refusal = ""
        try:
            await self._look_for_lost()
            for keys, lines in self._files():
                await self._submit(keys, lines)
            await self._wait_for_all()
            self._judge_round(*before)
        except ServiceError as error:
            rest = f"; {self.left_behind}" if self.left_behind else ""
            told = ServiceError(f"{error}{rest}")
            self.stop(told)
            raise told from None
        self.usage.from_journal = self.usage.unpaid = 0  # the next pass counts them anew
        return True

    def _judge_round(self, answered: int, given_up: int) -> None:
        """A round without any answer tells of the server, not of its requests."""
        if self.usage.answered > answered:
            return
        url = self._client.server.url
        if self._refusal:
            raise ServiceError(self._refusal)
        if not self.usage.answered and len(self._given_up) - given_up >= REFUSED:
            last = next(reversed(self._given_up.values()))
            raise ServiceError(f"{url}: all of {len(self._given_up)} requests failed, the last: {last}")

    async def _look_for_lost(self) -> None:
        """Find the batches that may have been made when an earlier run ended; drop what surely was not."""
        for sent in [sent for sent in self._sent.values() if not sent.id]:
            if sent.file:  # no batch is made before its file is noted
                try:
                    sent.id = await self._patiently(partial(self._api.find, sent.file, sent.name))
                except Missing as error:
                    self._lose(sent, error)
                    continue
            if sent.id:
                self._keep(sent)
            else:
                self._drop(sent)

    def _files(self) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Keys and lines of one file after the other; OpenAI takes one model in a file."""
        by_model: dict[str, list[bytes]] = {}
        for key, noted in self._noted.items():
            by_model.setdefault(noted.request.model, []).append(key)
        service = self._api.service
        for model_keys in by_model.values():
            keys: list[bytes] = []
            lines: list[bytes] = []
            size = 0
            for key in model_keys:
                line = line_of(key, self._client.body(self._noted[key].request), service)
                size += len(line) + 1
                if lines and (len(lines) == service.max_requests or size > service.max_bytes):
                    yield keys, lines
                    keys, lines, size = [], [], len(line) + 1
                keys.append(key)
                lines.append(line)
            yield keys, lines

    async def _submit(self, keys: list[bytes], lines: list[bytes]) -> None:
        """Make a batch: what it holds and costs is in the journal before the server hears of it."""
        sent = _Submission(uuid4().hex, self._client.server.url, keys, [])
        with self._journal.together():
            sent.holds = [self.ledger.note(key, self._noted.pop(key).hold) for key in keys]
            self._keep(sent)
        unsure = False

        async def create() -> str:
            nonlocal unsure
            if unsure and (found := await self._api.find(sent.file, sent.name)):
                return found
            try:
                return await self._api.create(sent.file, sent.name)
            except TryAgain as trouble:
                unsure = unsure or trouble.reached
                raise

        try:
            sent.file = await self._patiently(partial(self._api.upload, f"{MARK}-{sent.name}.jsonl", lines))
            self._keep(sent)
            sent.id = await self._patiently(create)
            self._keep(sent)
        except (ServiceError, Stopped) as error:
            if unsure and isinstance(error, Missing):
                self._lose(sent, error)
                return
            if unsure:  # the next run looks for it
                raise
            self._drop(sent)
            if isinstance(error, Stopped) or not self._sent:
                raise
            self._refusal = str(error)  # perhaps its queue is full, and has room once the others are through
        else:
            tried = sum(key in self._tried for key in keys)
            self.usage.retries += tried
            self.usage.requests += len(keys) - tried
            self._on_change(self.usage)

    async def _wait_for_all(self) -> None:
        times = 0
        while self._sent:
            for sent in list(self._sent.values()):
                try:
                    await self._look(sent)
                except Missing as error:
                    self._lose(sent, error)
            if self._sent:
                times += 1
                await self._sleep(self._polling.wait(times))

    async def _look(self, sent: _Submission) -> None:
        """Ask how it stands with a batch; collect it where it has ended."""
        batch = await self._patiently(partial(self._api.batch, sent.id))
        sent.done = batch.done
        self.usage.done = sum(one.done for one in self._sent.values())
        self._on_change(self.usage)
        if batch.status in ENDED:
            await self._collect(sent, batch)

    async def _collect(self, sent: _Submission, batch: Batch) -> None:
        """Put what came of a batch into the journal: all of it, or, in a crash, none."""
        found: dict[bytes, Answer | Trouble] = {}
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            for key, result in results(await self._patiently(partial(self._api.content, file)), self._client):
                if not isinstance(found.get(key), Answer):
                    found[key] = result
        missing = self._missing(batch, damaged=b"" in found)
        with self._journal.together():
            for key, hold in zip(sent.keys, sent.holds, strict=True):
                self._take(key, hold, found.get(key, missing))
            self._forget(sent)
        if self.ledger.currency:
            self.usage.spent = self.ledger.spent
        self._on_change(self.usage)

    def _missing(self, batch: Batch, damaged: bool) -> Trouble:
        """What is to be thought of a request that the files of an ended batch say nothing of."""
        if batch.status == "failed":
            reason = f"the server refuses the batch {batch.id}; it said {self._client.short(told_of(batch.errors))}"
            self._refusal = f"{self._client.server.url}: {reason}"
            return Trouble(reason)
        if batch.status == "completed" or damaged:  # it may have been answered, and charged for
            return Trouble(f"the files of the {batch.status} batch {batch.id} hold no answer to it", paid=True)
        return Trouble(f"the batch {batch.id} is {batch.status}")

    def _take(self, key: bytes, hold: Hold | None, result: Answer | Trouble) -> None:
        if isinstance(result, Answer):
            self.ledger.settle(hold, key, result)
            self._answered.add(key)
            self.usage.answered += 1
            self.usage.prompt_tokens += result.prompt_tokens
            self.usage.completion_tokens += result.completion_tokens
            return
        if result.paid:
            self.ledger.forfeit(hold)
        else:
            self.ledger.release(hold)
        self.usage.last_trouble = result.reason
        self._tried[key] += 1
        if result.final:
            self._given_up[key] = result.reason
        elif self._tried[key] >= _ROUNDS:
            self._given_up[key] = f"given up after {_ROUNDS} batches, the last: {result.reason}"

    def _lose(self, sent: _Submission, error: Missing) -> None:
        """The server cannot tell of a batch: ask for its requests again where the user wants it."""
        if not self._submit_again:
            raise ServiceError(
                f"{error}; what became of {len(sent.keys)} requests nobody can tell: look at the server's page, and "
                f"where no batch of the file {sent.file} goes on there, ask for them again by --submit-again"
            )
        self._drop(sent, paid=True)

    def _drop(self, sent: _Submission, paid: bool = False) -> None:
        """Nothing comes of it: it costs nothing, or, where it may have been made, what it could."""
        with self._journal.together():
            for hold in sent.holds:
                if paid:
                    self.ledger.forfeit(hold)
                else:
                    self.ledger.release(hold)
            self._forget(sent)

    def _keep(self, sent: _Submission) -> None:
        self._journal.put_batch(sent.name, msgspec.json.encode(sent))
        self._sent[sent.name] = sent
        self._keys_sent.update(sent.keys)
        self._count_sent()

    def _forget(self, sent: _Submission) -> None:
        self._journal.drop_batch(sent.name)
        del self._sent[sent.name]
        self._keys_sent.difference_update(sent.keys)
        self._count_sent()

    def _count_sent(self) -> None:
        self.usage.at_server = len(self._keys_sent)
        self.usage.done = sum(sent.done for sent in self._sent.values())
        self._on_change(self.usage)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` gives, tried again as long as there is hope."""
        url, attempts = self._client.server.url, self._polling.attempts
        for attempt in range(1, attempts + 1):
            if self.stopped:
                raise Stopped
            try:
                value = await call()
            except TryAgain as trouble:
                reason, wait = trouble.reason, trouble.wait
                self._reached = self._reached or trouble.reached
            else:
                self._reached = True
                return value
            self.usage.last_trouble = reason
            self._on_change(self.usage)
            if not self._reached and attempt >= UNREACHED:
                raise ServiceError(f"{url} cannot be reached ({reason}): is the server running, and its address right?")
            await self._sleep(self._polling.wait(attempt) if wait is None else min(wait, _LONGEST_ASKED))
        raise ServiceError(f"{url}: given up after {attempts} attempts, the last: {reason}")

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or raise Stopped as soon as the run stops."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except asyncio.TimeoutError:
            return
        raise Stopped


async def in_rounds(asker: BatchAsker, one_pass: Callable[[], Awaitable[object]]) -> None:
    """Go over the rows until nothing is missing any more; ends early where `asker` is stopped, which it then says.

    Each pass must begin anew: the last one sees every answer, and its output is the run's.

    Raises:
        ServiceError, OutputError: as `BatchAsker.run_round`.
    """
    with suppress(Stopped):
        await one_pass()
        while await asker.run_round():
            await one_pass()
