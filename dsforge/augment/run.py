"""Asks for new rows, many at a time, and writes them in the order of their seeds, whatever the order of answers."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dsforge.augment.ask import Asker, Failed, Patience, Stopped, Unpaid, Usage
from dsforge.augment.budget import LONGEST_ANSWER, Bound, Ledger
from dsforge.augment.client import Client
from dsforge.augment.estimate import own_counter
from dsforge.augment.expect import expected_answers
from dsforge.augment.gate import NEAR, Gate
from dsforge.augment.limits import Pace
from dsforge.augment.prices import Funds
from dsforge.augment.request import Answer
from dsforge.augment.result import AugmentResult, Failure, Interrupted
from dsforge.augment.seeds import Find, Seed, SeedReader
from dsforge.augment.server import Server
from dsforge.augment.talk import Dropped, Made, Talker
from dsforge.augment.trace import Provenance, noted, traced, utc
from dsforge.augment.wish import Wish
from dsforge.engine.journal import Journal
from dsforge.errors import RowError, ServiceError
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


def augment(
    source: str,
    output: str | Path,
    wish: Wish,
    server: Server,
    *,
    concurrency: int = 8,
    patience: Patience | None = None,
    journal: str | Path | None = None,
    rejects: str | Path | None = None,
    with_seeds: bool = False,
    funds: Funds | None = None,
    pace: Pace | None = None,
    check: Check = lambda fmt, value, raw, before: "",
    find: Find | None = None,
    on_change: Callable[[Usage], None] = lambda usage: None,
) -> AugmentResult:
    """Write the rows that a model makes of the seeds in `source` to `output`, each in its seed's format.

    Every answer is in the journal before it is used, so the same call after a crash, an interruption or failed requests
    asks only for what is missing, and gives the same bytes. `with_seeds` writes each seed before its rows. `funds` are
    prices and the most that all runs with this journal may cost; where they end, what is paid for is written. `pace`
    limits requests and tokens per minute, beside what the server's headers tell. A new row that `check` says anything
    of is not kept, for that reason. `find` tells a method that mends rows what is wrong with each.

    Raises:
        UsageError, ConfigError, InputError, OutputError, MissingExtraError: before anything is asked.
        ServiceError: the server cannot be reached, or refuses all requests.
        Interrupted: the user pressed Ctrl-C; requests in flight were finished, and nothing was written.
    """
    rejects = rejects or rejects_path(output)
    journal = Path(journal) if journal else journal_path(output)
    check_outputs([source], [output, rejects], others=[journal])
    seeds = SeedReader(source, wish, find, with_seeds=with_seeds)
    spill = Spill()
    try:
        funds, patience, pace = funds or Funds(), patience or Patience(), pace or Pace()
        client = Client(server, patience.timeout, None if funds.cap is None else LONGEST_ANSWER, pace.heard)
        with Journal(journal) as answers, NearTexts(NEAR) as near:
            ledger = Ledger(funds, answers, Bound(own_counter(wish.model) if funds.prices else None))
            if not seeds.method.in_place:
                near.add_many(seeds.texts_alone())
            run = _Run(seeds, wish, spill, with_seeds, check, near, AugmentResult(str(journal)))
            asker = Asker(client, answers, ledger, pace, concurrency, patience, on_change)
            asker.usage.wanted = expected_answers(source, wish)
            _until_done(run, asker, client, concurrency)
        run.result.check(with_seeds, seeds.method.in_place)
        _write(spill, [*seeds.rejects, *run.refused], output, rejects)
    finally:
        spill.close()
    return run.result


def _until_done(run: _Run, asker: Asker, client: Client, concurrency: int) -> None:
    try:
        asyncio.run(_with_client(run, asker, client, concurrency))
    except (asyncio.CancelledError, KeyboardInterrupt):  # Ctrl-C a second time, or the grace is over
        asker.stop()
    run.take(asker.usage)
    run.take_money(asker.ledger)
    if asker.error is not None:
        kept = f"; {asker.usage.answered} answers are kept, the same command goes on from there"
        raise ServiceError(f"{asker.error}{kept if asker.usage.answered else ''}")
    if asker.stopped:
        raise Interrupted(
            asker.usage.answered, Path(run.result.journal), run.result.spent, run.result.currency
        )  # fmt: skip


async def _with_client(run: _Run, asker: Asker, client: Client, concurrency: int) -> None:
    task = asyncio.current_task()
    assert task is not None
    watch = asyncio.create_task(_end_after_stop(asker, task))
    try:
        with _interruptible(asker, task):
            await run.ask_all(asker, _AHEAD + 16 * concurrency)
    finally:
        watch.cancel()
        await client.close()


async def _end_after_stop(asker: Asker, task: asyncio.Task[None]) -> None:
    """Answers in flight when the run stops are paid for: they have some time to reach the journal."""
    await asker.stopping.wait()
    await asyncio.sleep(_GRACE_OF_USER if asker.error is None else _GRACE)
    task.cancel()


@contextmanager
def _interruptible(asker: Asker, task: asyncio.Task[None]) -> Iterator[None]:
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


class _Run:
    """Takes answers in the order of the seeds and puts the rows they make aside."""

    def __init__(
        self,
        seeds: SeedReader,
        wish: Wish,
        spill: Spill,
        with_seeds: bool,
        check: Check,
        near: NearTexts,
        result: AugmentResult,
    ) -> None:
        self.result = result
        self._check = check
        self._seeds, self._wish, self._spill, self._with_seeds = seeds, wish, spill, with_seeds
        self.refused: list[Reject] = []
        self._gate = Gate(seeds.method, wish.to_language, near)
        self._talker = Talker(seeds, wish, self._gate)
        self._dropped: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._pending: deque[_Pending] = deque()
        self._begun = 0

    async def ask_all(self, asker: Asker, ahead: int) -> None:
        """Begin the rows of every seed, at most `ahead` before the oldest is settled."""
        wanted = 0
        try:
            for seed in self._seeds:
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
            self._spill.append(one_line(seed.row))
        kept = sum(self._settled(seed, number, row) for number, row in enumerate(pending.rows, 1))
        if self._seeds.method.in_place and not kept:
            self._spill.append(one_line(seed.row))
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
        method = self._seeds.method
        try:
            value, lost = seed.fmt.written(self._traced(seed, number, made))
        except RowError as error:
            self._refuse(seed, made.answer, error.reason)
            return False
        raw = dumps(value)
        if not method.notes and (reason := self._check(seed.fmt, value, raw, seed if method.in_place else None)):
            self._refuse(seed, made.answer, reason)
            return False
        self._spill.append(raw)
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
            prompt=self._seeds.prompt.digest,
            request=made.answer.id,
            time=utc(made.answer.created),
            score=made.score,
            mended=sorted({found.code for found in seed.found}),
        )
        method = self._seeds.method
        if method.notes:
            return noted(made.example, provenance, method.notes)
        return traced(made.example, provenance, strip=self._wish.strip_meta, same_row=method.in_place)

    def _refuse(self, seed: Seed, answer: Answer, reason: str) -> None:
        """Count an answer that makes no row, and put it where it can be looked at."""
        self._dropped[reason] += 1
        row = seed.row
        raw = answer.text.encode(errors="replace")
        self.refused.append(Reject(self._seeds.path, row.number, row.line, REFUSED, reason, "", raw))

    def take(self, usage: Usage) -> None:
        """Bring the counts together."""
        result = self.result
        result.rows_in, result.rows_rejected = self._seeds.rows_in, len(self._seeds.rejects)
        result.rows_out = len(self._spill)
        result.requests, result.retries, result.from_journal = usage.requests, usage.retries, usage.from_journal
        result.prompt_tokens, result.completion_tokens = usage.prompt_tokens, usage.completion_tokens
        result.dropped, result.lost = dict(sorted(self._dropped.items())), dict(sorted(self._lost.items()))
        result.unchanged = dict(sorted((+self._left).items()))
        rejected = [*self._seeds.rejects[:1], *self.refused[:1]]
        result.first_reject = rejected[0].reason if rejected else ""

    def take_money(self, ledger: Ledger) -> None:
        """Bring the amounts together."""
        if ledger.currency:
            result = self.result
            result.spent, result.spent_before, result.currency = ledger.spent, ledger.before, ledger.currency
            result.uncertain, result.next_cost, result.unpriced = ledger.uncertain, ledger.refused, ledger.unpriced


def _write(spill: Spill, rejected: list[Reject], output: str | Path, rejects: str | Path) -> None:
    with rows_together([output, *([rejects] if rejected else [])]) as files:
        for number in range(len(spill)):
            files[0].write(spill[number])
        for reject in rejected:
            files[1].write(reject.to_json())
    if not rejected and str(rejects) != "-":
        with suppress(OSError):
            Path(rejects).unlink(missing_ok=True)  # one of an earlier run would tell of rows that are fine now
