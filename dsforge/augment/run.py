"""Asks for new rows, many at a time, and writes them in the order of their seeds, whatever the order of answers."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from dsforge.augment.ask import Asker, Failed, Patience, Stopped, Unpaid, Usage
from dsforge.augment.batch import BatchAsker, Batching, in_rounds, requests_at_server
from dsforge.augment.batch_api import batch_funds, batch_service
from dsforge.augment.budget import LONGEST_ANSWER, Bound, Ledger
from dsforge.augment.client import Client
from dsforge.augment.estimate import own_counter
from dsforge.augment.expect import expected_answers
from dsforge.augment.gate import NEAR, Gate
from dsforge.augment.limits import Pace
from dsforge.augment.prices import Funds
from dsforge.augment.request import Answer
from dsforge.augment.result import AugmentResult, Failure, Interrupted
from dsforge.augment.seeds import CheckSeed, Find, Seed, SeedReader, Source
from dsforge.augment.server import Server
from dsforge.augment.talk import Dropped, Made, Talker
from dsforge.augment.trace import Provenance, noted, traced, utc
from dsforge.augment.wish import Wish
from dsforge.engine.journal import Journal
from dsforge.errors import RowError, ServiceError, UsageError
from dsforge.example import JSON, Example
from dsforge.feature import Feature
from dsforge.formats.format import Format
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import Reject, rejects_path
from dsforge.io.rows import one_line
from dsforge.io.spill import Spill
from dsforge.io.together import check_outputs, rows_together
from dsforge.similarity.near import NearTexts

_AHEAD = 256
"""Requests begun before the oldest is answered, beside 16 for each that may run: one slow answer holds up no other."""
REFUSED = "A902"
"""The code of a reject that is an answer, with what the model wrote in place of the row."""
_GRACE = 10.0
"""Seconds that requests in flight have to end once the server has refused all."""
_GRACE_OF_USER = 60.0
"""Seconds that they have to end after Ctrl-C."""


Check: TypeAlias = "Callable[[Format, JSON, bytes, Seed | None], str]"
"""From the format of a new row, its value, its bytes and the seed that it takes the place of (None for a row beside
its seed) to what is wrong with it, "" for nothing."""


def journal_path(output: str | Path) -> Path:
    """Where the answers of a run are kept: beside its output, as `.NAME.journal.sqlite`."""
    if str(output) == "-":
        return Path(".augment.journal.sqlite")
    path = Path(output)
    return path.with_name(f".{path.name}.journal.sqlite")


@dataclass(frozen=True)
class Job:
    """What is to be made, and of what.

    `source` is a file, or opens what else holds seeds. A new row that `check` says anything of is not kept, for that
    reason, and no row of the source is a seed that `check_seed` says anything of. `find` tells a method that mends rows
    what is wrong with each. `with_seeds` has each seed before its rows.
    """

    source: str | Callable[[], Source]
    wish: Wish
    check: Check = lambda fmt, value, raw, before: ""
    find: Find | None = None
    with_seeds: bool = False
    check_seed: CheckSeed | None = None

    def seeds(self) -> SeedReader:
        """The seeds, from the first on."""
        return SeedReader(self.source, self.wish, self.find, self.check_seed, with_seeds=self.with_seeds)


@dataclass(frozen=True)
class Asking:
    """How the server is asked: so many requests at a time, with this patience, for so much money, at this pace.

    `funds` are prices and the most that all runs with the same journal may cost; where they end, what is paid for is
    written. `pace` limits requests and tokens per minute, beside what the server's headers tell. `batch` asks by the
    server's Batch API instead, whatever the concurrency and the pace.
    """

    concurrency: int = 8
    patience: Patience = field(default_factory=Patience)
    funds: Funds = field(default_factory=Funds)
    pace: Pace = field(default_factory=Pace)
    batch: Batching | None = None
    on_change: Callable[[Usage], None] = lambda usage: None


def augment(
    source: str,
    output: str | Path,
    wish: Wish,
    server: Server,
    asking: Asking | None = None,
    *,
    journal: str | Path | None = None,
    rejects: str | Path | None = None,
    with_seeds: bool = False,
    check: Check = lambda fmt, value, raw, before: "",
    find: Find | None = None,
    check_seed: CheckSeed | None = None,
) -> AugmentResult:
    """Write the rows that a model makes of the seeds in `source` to `output`, each in its seed's format.

    Every answer is in the journal before it is used, so the same call after a crash, an interruption or failed requests
    asks only for what is missing, and gives the same bytes. For what is not explained here see `Job`.

    Raises:
        UsageError, ConfigError, InputError, OutputError, MissingExtraError: before anything is asked.
        ServiceError: the server cannot be reached, or refuses all requests.
        Interrupted: the user pressed Ctrl-C; requests in flight were finished, and nothing was written.
    """
    rejects = rejects or rejects_path(output)
    journal = Path(journal) if journal else journal_path(output)
    check_outputs([source], [output, rejects], others=[journal])
    with made(Job(source, wish, check, find, with_seeds, check_seed), server, journal, asking or Asking()) as run:
        _write(run.rows, [*run.seeds.rejects, *run.refused], output, rejects)
    return run.result


@contextmanager
def made(job: Job, server: Server, journal: Path, asking: Asking) -> Iterator[Run]:
    """The rows of a job, in the order of their seeds, and what became of the rest.

    Raises:
        As `augment`.
    """
    if asking.batch is not None and job.source == "-":
        raise UsageError("batches take several passes over the seeds: give a file, not standard input")
    funds, patience = asking.funds, asking.patience
    client = Client(server, patience.timeout, None if funds.cap is None else LONGEST_ANSWER, asking.pace.heard)
    runs = _Runs(job, str(journal), _AHEAD + 16 * asking.concurrency)  # what is wrong with the job is told first
    try:
        with Journal(journal) as answers:
            asker = _asker(client, answers, job.wish, asking)
            if isinstance(job.source, str):
                asker.usage.wanted = expected_answers(job.source, job.wish)
            _until_done(runs, asker, client)
        runs.last.result.check(job.with_seeds, runs.last.seeds.method.in_place)
        yield runs.last
    finally:
        runs.close()


def _asker(client: Client, journal: Journal, wish: Wish, asking: Asking) -> Asker | BatchAsker:
    url = client.server.url
    bound = Bound(own_counter(wish.model) if asking.funds.prices else None)
    if asking.batch is not None:
        service = asking.batch.service or batch_service(url)
        ledger = Ledger(batch_funds(asking.funds, service), journal, bound)
        return BatchAsker(
            client, journal, ledger, asking.on_change, service=service, polling=asking.batch.polling,
            submit_again=asking.batch.submit_again,
        )  # fmt: skip
    if waiting := requests_at_server(journal, url):
        raise UsageError(
            f"{journal.path}: {waiting:,} requests are in batches at {url}, and would be paid for twice: go on with "
            f"--batch, or name another --journal"
        )
    ledger = Ledger(asking.funds, journal, bound)
    return Asker(client, journal, ledger, asking.pace, asking.concurrency, asking.patience, asking.on_change)


class _Runs:
    """The passes over a job: one where the server answers at once, one a round where it answers by batches."""

    def __init__(self, job: Job, journal: str, ahead: int) -> None:
        self._job, self._journal, self._ahead = job, journal, ahead
        self.last = Run(job, journal)
        self._begun = False

    async def pass_over(self, asker: Asker | BatchAsker) -> None:
        """Go over all seeds; only what the last pass made counts."""
        if self._begun:
            self.last.close()
            self.last = Run(self._job, self._journal)
        self._begun = True
        await self.last.ask_all(asker, self._ahead)

    def close(self) -> None:
        """Give the files back to the system."""
        self.last.close()


def _until_done(runs: _Runs, asker: Asker | BatchAsker, client: Client) -> None:
    try:
        asyncio.run(_with_client(runs, asker, client))
    except (asyncio.CancelledError, KeyboardInterrupt):  # Ctrl-C a second time, or the grace is over
        asker.stop()
    run, usage = runs.last, asker.usage
    run.take(usage)
    run.take_money(asker.ledger)
    if asker.error is not None:
        kept = f"; {usage.answered} answers are kept, the same command goes on from there"
        raise ServiceError(f"{asker.error}{kept if usage.answered else ''}")
    if asker.stopped:
        behind = asker.left_behind if isinstance(asker, BatchAsker) else ""
        raise Interrupted(usage.answered, Path(run.result.journal), run.result.spent, run.result.currency, behind)


async def _with_client(runs: _Runs, asker: Asker | BatchAsker, client: Client) -> None:
    task = asyncio.current_task()
    assert task is not None
    watch = asyncio.create_task(_end_after_stop(asker, task))
    try:
        with _interruptible(asker, task):
            if isinstance(asker, BatchAsker):
                await in_rounds(asker, partial(runs.pass_over, asker))
            else:
                await runs.pass_over(asker)
    finally:
        watch.cancel()
        await client.close()


async def _end_after_stop(asker: Asker | BatchAsker, task: asyncio.Task[None]) -> None:
    """Answers in flight when the run stops are paid for: they have some time to reach the journal."""
    await asker.stopping.wait()
    await asyncio.sleep(_GRACE_OF_USER if asker.error is None else _GRACE)
    task.cancel()


@contextmanager
def _interruptible(asker: Asker | BatchAsker, task: asyncio.Task[None]) -> Iterator[None]:
    """The first Ctrl-C stops the asker, a second cancels the task."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if asker.stopped:
            task.cancel()
        asker.stop()

    try:
        loop.add_signal_handler(signal.SIGINT, interrupt)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@dataclass
class _Pending:
    seed: Seed
    rows: list[asyncio.Task[Made]]


class Run:
    """Takes answers in the order of the seeds and puts the rows they make aside, as `rows`. Close it."""

    def __init__(self, job: Job, journal: str) -> None:
        self.result = AugmentResult(journal)
        self.seeds = job.seeds()
        self.rows = Spill()
        self._known = NearTexts(NEAR)
        if not self.seeds.method.in_place:
            self._known.add_many(self.seeds.texts_alone())
        self._check, self._wish, self._with_seeds = job.check, job.wish, job.with_seeds
        self.refused: list[Reject] = []
        self._gate = Gate(self.seeds.method, job.wish.to_language, self._known)
        self._talker = Talker(self.seeds, job.wish, self._gate)
        self._dropped: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._pending: deque[_Pending] = deque()
        self._begun = 0

    def close(self) -> None:
        """Give the files back to the system."""
        self.rows.close()
        self._known.close()

    async def ask_all(self, asker: Asker | BatchAsker, ahead: int) -> None:
        """Begin the rows of every seed, at most `ahead` before the oldest is settled."""
        wanted = 0
        try:
            for seed in self.seeds:
                rows = [asyncio.create_task(self._talker.make(asker, seed, number + 1)) for number in range(seed.count)]
                self._pending.append(_Pending(seed, rows))
                self._begun += len(rows)
                wanted += len(rows)
                await asyncio.sleep(0)
                while self._pending and (self._begun > ahead or all(row.done() for row in self._pending[0].rows)):
                    await self._settle_oldest()
                if asker.stopped:
                    break
            else:
                asker.usage.wanted = wanted
            while self._pending:
                await self._settle_oldest()
        finally:
            await self._cancel()

    async def _cancel(self) -> None:
        rows = [row for pending in self._pending for row in pending.rows]
        for row in rows:
            row.cancel()
        await asyncio.gather(*rows, return_exceptions=True)

    async def _settle_oldest(self) -> None:
        """Put the rows made of the oldest seed aside."""
        pending = self._pending[0]
        seed = pending.seed
        if pending.rows:
            await asyncio.wait(pending.rows)
        self._begun -= len(pending.rows)
        self._gate.seed(seed.example)
        if self._with_seeds:
            self.rows.append(one_line(seed.row))
        kept = sum(self._settled(seed, number, row) for number, row in enumerate(pending.rows, 1))
        if self.seeds.method.in_place and not kept:
            self.rows.append(one_line(seed.row))
            self.result.rows_unchanged += 1
            self._left[seed.as_it_is] += bool(seed.as_it_is)
        self._pending.popleft()

    def _settled(self, seed: Seed, number: int, row: asyncio.Task[Made]) -> bool:
        """Keep a row, or count why there is none; whether it is kept."""
        try:
            made = row.result()
        except Stopped:
            return False
        except Unpaid:
            self.result.unpaid += 1
            return False
        except Failed as error:
            self.result.failures.append(Failure(seed.row.number, seed.row.line, number, str(error)))
            return False
        except Dropped as error:
            self.result.rows_generated += 1
            self._refuse(seed, error.answer, error.reason)
            return False
        self.result.rows_generated += 1
        return self._keep(seed, number, made)

    def _keep(self, seed: Seed, number: int, made: Made) -> bool:
        if reason := self._gate.verdict(seed.example, made.example):
            self._refuse(seed, made.answer, reason)
            return False
        method = self.seeds.method
        try:
            value, lost = seed.fmt.written(self._traced(seed, number, made))
        except RowError as error:
            self._refuse(seed, made.answer, error.reason)
            return False
        raw = dumps(value)
        if not method.notes and (reason := self._check(seed.fmt, value, raw, seed if method.in_place else None)):
            self._refuse(seed, made.answer, reason)
            return False
        self.rows.append(raw)
        self.result.rows_kept += 1
        self._lost.update(feature.value for feature in lost - {Feature.METADATA})
        self.result.untraced += not self._wish.strip_meta and Feature.METADATA not in seed.fmt.holds
        return True

    def _traced(self, seed: Seed, number: int, made: Made) -> Example:
        source_id = seed.example.meta.get("id")
        provenance = Provenance(
            method=self._wish.method,
            model=self._wish.model,
            source_row=seed.row.number,
            source_id=None if source_id is None else str(source_id),
            number=number,
            prompt=self.seeds.prompt.digest,
            request=made.answer.id,
            time=utc(made.answer.created),
            score=made.score,
            mended=sorted({found.code for found in seed.found}),
        )
        method = self.seeds.method
        if method.notes:
            return noted(made.example, provenance, method.notes)
        return traced(made.example, provenance, strip=self._wish.strip_meta, same_row=method.in_place)

    def _refuse(self, seed: Seed, answer: Answer, reason: str) -> None:
        """Count an answer that makes no row, and put it where it can be looked at."""
        self._dropped[reason] += 1
        row = seed.row
        raw = answer.text.encode(errors="replace")
        self.refused.append(Reject(self.seeds.path, row.number, row.line, REFUSED, reason, "", raw))

    def take(self, usage: Usage) -> None:
        """Bring the counts together."""
        result = self.result
        result.rows_in, result.rows_rejected = self.seeds.rows_in, len(self.seeds.rejects)
        result.rows_out = len(self.rows)
        result.requests, result.retries, result.from_journal = usage.requests, usage.retries, usage.from_journal
        result.prompt_tokens, result.completion_tokens = usage.prompt_tokens, usage.completion_tokens
        result.dropped, result.lost = dict(sorted(self._dropped.items())), dict(sorted(self._lost.items()))
        result.unchanged = dict(sorted((+self._left).items()))
        rejected = [*self.seeds.rejects[:1], *self.refused[:1]]
        result.first_reject = rejected[0].reason if rejected else ""

    def take_money(self, ledger: Ledger) -> None:
        """Bring the amounts together."""
        if ledger.currency:
            result = self.result
            result.spent, result.spent_before, result.currency = ledger.spent, ledger.before, ledger.currency
            result.uncertain, result.next_cost, result.unpriced = ledger.uncertain, ledger.refused, ledger.unpriced


def _write(rows: Spill, rejected: list[Reject], output: str | Path, rejects: str | Path) -> None:
    with rows_together([output, *([rejects] if rejected else [])]) as files:
        for number in range(len(rows)):
            files[0].write(rows[number])
        for reject in rejected:
            files[1].write(reject.to_json())
    if not rejected and str(rejects) != "-":
        with suppress(OSError):
            Path(rejects).unlink(missing_ok=True)  # one of an earlier run would tell of rows that are fine now
