"""Asks for new rows, many at a time, and writes them in the order of their seeds, whatever the order of answers."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dsforge.augment.ask import Asker, Failed, Patience, Stopped, Usage
from dsforge.augment.client import Client
from dsforge.augment.judge import Judge
from dsforge.augment.request import Answer
from dsforge.augment.result import AugmentResult, Failure, Interrupted
from dsforge.augment.seeds import Seed, SeedReader, Wish
from dsforge.augment.server import Server
from dsforge.augment.trace import Provenance, traced
from dsforge.engine.journal import Journal
from dsforge.errors import ServiceError
from dsforge.feature import Feature
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import rejects_path
from dsforge.io.rows import one_line
from dsforge.io.spill import Spill
from dsforge.io.together import check_outputs, rows_together

_AHEAD = 256
"""Requests begun before the oldest is answered, beside 16 for each that may run: one slow answer holds up no other."""
_GRACE = 10.0
"""Seconds that requests in flight have to end once the server has refused all."""


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
    on_change: Callable[[Usage], None] = lambda usage: None,
) -> AugmentResult:
    """Write the rows that a model makes of the seeds in `source` to `output`, each in its seed's format.

    Every answer is in the journal before it is used, so the same call after a crash, an interruption or failed requests
    asks only for what is missing, and gives the same bytes. `with_seeds` writes each seed before its rows.

    Raises:
        UsageError, ConfigError, InputError, OutputError, MissingExtraError: before anything is asked.
        ServiceError: the server cannot be reached, or refuses all requests.
        Interrupted: the user pressed Ctrl-C; requests in flight were finished, and nothing was written.
    """
    rejects = rejects or rejects_path(output)
    journal = Path(journal) if journal else journal_path(output)
    check_outputs([source], [output, rejects], others=[journal])
    seeds = SeedReader(source, wish)
    spill = Spill()
    try:
        client = Client(server, (patience or Patience()).timeout)
        with Journal(journal) as answers:
            run = _Run(seeds, wish, spill, with_seeds, AugmentResult(str(journal)))
            _until_done(
                run, Asker(client, answers, concurrency, patience or Patience(), on_change), client, concurrency
            )
        run.result.check(with_seeds)
        _write(spill, seeds, output, rejects)
    finally:
        spill.close()
    return run.result


def _until_done(run: _Run, asker: Asker, client: Client, concurrency: int) -> None:
    try:
        asyncio.run(_with_client(run, asker, client, concurrency))
    except (asyncio.CancelledError, KeyboardInterrupt):  # Ctrl-C a second time, or the grace is over
        asker.stop()
    run.take(asker.usage)
    if asker.error is not None:
        kept = f"; {asker.usage.answered} answers are kept, the same command goes on from there"
        raise ServiceError(f"{asker.error}{kept if asker.usage.answered else ''}")
    if asker.stopped:
        raise Interrupted(asker.usage.answered, Path(run.result.journal))


async def _with_client(run: _Run, asker: Asker, client: Client, concurrency: int) -> None:
    task = asyncio.current_task()
    assert task is not None
    watch = asyncio.create_task(_end_after_error(asker, task))
    try:
        with _interruptible(asker, task):
            await run.ask_all(asker, _AHEAD + 16 * concurrency)
    finally:
        watch.cancel()
        await client.close()


async def _end_after_error(asker: Asker, task: asyncio.Task[None]) -> None:
    """Answers in flight when the server refuses all are paid for: they have a little time to reach the journal."""
    await asker.stopping.wait()
    if asker.error is not None:
        await asyncio.sleep(_GRACE)
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
    answers: list[asyncio.Task[Answer]]


class _Run:
    """Takes answers in the order of the seeds and puts the rows they make aside."""

    def __init__(self, seeds: SeedReader, wish: Wish, spill: Spill, with_seeds: bool, result: AugmentResult) -> None:
        self.result = result
        self._seeds, self._wish, self._spill, self._with_seeds = seeds, wish, spill, with_seeds
        self._judge = Judge(seeds.method)
        self._dropped: Counter[str] = Counter()
        self._pending: deque[_Pending] = deque()
        self._begun = 0

    async def ask_all(self, asker: Asker, ahead: int) -> None:
        """Begin the requests of every seed, at most `ahead` before the oldest is settled."""
        try:
            for seed in self._seeds:
                tasks = [asyncio.create_task(asker.ask(request)) for request in seed.requests]
                self._pending.append(_Pending(seed, tasks))
                self._begun += len(tasks)
                await asyncio.sleep(0)
                while self._pending and (self._begun > ahead or all(task.done() for task in self._pending[0].answers)):
                    await self._settle_oldest()
                if asker.stopped:
                    break
            while self._pending:
                await self._settle_oldest()
        finally:
            await self._cancel()

    async def _cancel(self) -> None:
        tasks = [task for pending in self._pending for task in pending.answers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _settle_oldest(self) -> None:
        """Turn the answers to the oldest seed into rows."""
        pending = self._pending[0]
        seed = pending.seed
        if pending.answers:
            await asyncio.wait(pending.answers)
        self._begun -= len(pending.answers)
        self._judge.seed(seed.example)
        if self._with_seeds:
            self._spill.append(one_line(seed.row))
        for number, task in enumerate(pending.answers, 1):
            try:
                answer = task.result()
            except Stopped:
                continue
            except Failed as error:
                self.result.failures.append(Failure(seed.row.number, seed.row.line, number, str(error)))
                continue
            self._keep(seed, number, answer)
        self._pending.popleft()

    def _keep(self, seed: Seed, number: int, answer: Answer) -> None:
        self.result.rows_generated += 1
        verdict = self._judge.judge(seed.example, answer)
        if isinstance(verdict, str):
            self._dropped[verdict] += 1
            return
        source_id = seed.example.meta.get("id")
        provenance = Provenance(
            method=self._wish.method,
            model=self._wish.model,
            source_row=seed.row.number,
            source_id=None if source_id is None else str(source_id),
            number=number,
            prompt=self._seeds.prompt.digest,
        )
        self._spill.append(dumps(seed.fmt.encode(traced(verdict, provenance))))
        self.result.rows_kept += 1
        self.result.untraced += Feature.METADATA not in seed.fmt.holds

    def take(self, usage: Usage) -> None:
        """Bring the counts together."""
        result = self.result
        result.rows_in, result.rows_rejected = self._seeds.rows_in, len(self._seeds.rejects)
        result.rows_out = len(self._spill)
        result.requests, result.retries, result.from_journal = usage.requests, usage.retries, usage.from_journal
        result.prompt_tokens, result.completion_tokens = usage.prompt_tokens, usage.completion_tokens
        result.dropped = dict(sorted(self._dropped.items()))
        result.first_reject = self._seeds.rejects[0].reason if self._seeds.rejects else ""


def _write(spill: Spill, seeds: SeedReader, output: str | Path, rejects: str | Path) -> None:
    with rows_together([output, *([rejects] if seeds.rejects else [])]) as files:
        for number in range(len(spill)):
            files[0].write(spill[number])
        for reject in seeds.rejects:
            files[1].write(reject.to_json())
    if not seeds.rejects and str(rejects) != "-":
        with suppress(OSError):
            Path(rejects).unlink(missing_ok=True)  # one of an earlier run would tell of rows that are fine now
