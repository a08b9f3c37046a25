"""`dsforge augment` against a server that is fast, that fails, and through `kill -9`.

    python benchmarks/augment.py [rate] [faults] [kills] [--requests N] [--concurrency N] [--latency SECONDS]
                                 [--faulty N] [--kills N] [--killed N]

The server is a process of its own on this machine, in OpenAI's form, and answers the same to the same request (its id
and time too), `--latency` after it came. It and dsforge share the cores, so what the server takes of them is told.

- rate: N requests, without prices and with a budget. Ideal is that the last answer comes when N / concurrency times the
  latency have passed since the first request.
- faults: N requests of which 30% go wrong, each in one of the ways of `FAULTS`, drawn anew for each attempt. Each row
  wanted must be kept, dropped for a reason, or told as failed.
- kills: runs of N requests are killed at random moments and started again, until one ends: its rows and rejects must
  be those of a run that nobody disturbs, to the byte. No answer that the journal held after a kill may be asked for
  again. Answers that the server gave and the journal did not yet hold are told as lost: they were on their way, and
  there are at most as many as requests at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson

RATE, MEGABYTES = 0.95, 300
"""What is asked of a run: this share of the ideal rate, and less memory than that."""
SHARE = 0.3
"""Of the attempts that go wrong."""
TIMEOUT = 2.0
"""Seconds that dsforge waits for an answer where some hang."""
BUDGET = ("--budget", "1000USD", "--price-in", "0.15USD", "--price-out", "0.60USD", "--max-tokens", "100")

# -- the rows ------------------------------------------------------------------------------------------

_SYLLABLES = ("ba", "ko", "ri", "ten", "mul", "sa", "ver", "lin", "do", "pe", "gar", "hu", "ni", "zo", "fa", "mi")


def sentence(pick: random.Random) -> str:
    """Twenty words that hardly any other sentence shares."""
    return " ".join("".join(pick.choices(_SYLLABLES, k=3)) for _ in range(20))


def write_seeds(path: Path, count: int) -> None:
    """Rows of ChatML."""
    pick = random.Random(3)
    with path.open("wb") as file:
        for number in range(count):
            asked = {"role": "user", "content": f"{number}: {sentence(pick)}?"}
            file.write(orjson.dumps({"messages": [asked, {"role": "assistant", "content": sentence(pick)}]}) + b"\n")


# -- the server ----------------------------------------------------------------------------------------


def _response(body: bytes, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b" % (
        status, headers, len(body), body,
    )  # fmt: skip


def _answer(request: bytes, finish: str = "stop", model: str = "bench", choices: bool = True) -> bytes:
    """A good answer to a request, the same for the same one."""
    asked = _id(request)
    number = int(asked, 16)
    message = {"role": "assistant", "content": sentence(random.Random(number))}
    return orjson.dumps({
        "id": asked, "object": "chat.completion", "created": 1_700_000_000 + number % 10_000_000, "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}] if choices else [],
        "usage": {"prompt_tokens": 200, "completion_tokens": 40, "total_tokens": 240},
    })  # fmt: skip


def _id(request: bytes) -> str:
    return blake2b(request, digest_size=8).hexdigest()


def _error(status: bytes, headers: bytes = b"") -> bytes:
    return _response(b'{"error": {"message": "not now"}}', status, headers)


def _cut(body: bytes) -> bytes:
    return body[: len(body) // 2]


FAULTS: dict[str, Callable[[bytes], bytes | None]] = {
    "429": lambda request: _error(b"429 Too Many Requests"),
    "429 with Retry-After": lambda request: _error(b"429 Too Many Requests", b"retry-after: 1\r\n"),
    "429 with retry-after-ms": lambda request: _error(b"429 Too Many Requests", b"retry-after-ms: 50\r\n"),
    "500": lambda request: _error(b"500 Internal Server Error"),
    "503, a web page": lambda request: _response(b"<html>busy</html>", b"503 Service Unavailable"),
    "hang": lambda request: None,
    "drip": lambda request: _response(_answer(request)),
    "reset": lambda request: b"",
    "broken off": lambda request: _cut(_response(_answer(request))),
    "truncated JSON": lambda request: _response(_cut(_answer(request))),
    "no JSON": lambda request: _response(b"upstream said hello"),
    "no choices": lambda request: _response(_answer(request, choices=False)),
    "content_filter": lambda request: _response(_answer(request, finish="content_filter")),
    "another model": lambda request: _response(_answer(request, model="some-other-model")),
}
"""From the body of a request to what is sent, None for nothing. The last two are answers, and not asked for again."""
_CLOSING = ("reset", "broken off")


@dataclass
class _Server:
    """`asked` and `answered` are ids of requests, in order; `spans` the times of the first and of the last of them."""

    latency: float
    share: float
    asked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    span: list[float] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)

    def fault(self, request: str) -> str:
        """The way in which this attempt at a request goes wrong, "" for none; the same in each run."""
        if not self.share:
            return ""
        self.attempts[request] += 1
        pick = random.Random(f"{request} {self.attempts[request]}")
        return pick.choice([*FAULTS]) if pick.random() < self.share else ""

    def told(self) -> dict[str, Any]:
        """What happened since the last time."""
        times = time.process_time()
        report = {"asked": self.asked, "answered": self.answered, "faults": self.faults, "span": self.span}
        self.asked, self.answered, self.faults, self.span = [], [], Counter(), []
        self.attempts.clear()
        return {**report, "cpu": times}


_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """One connection, that is kept: one request after another."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return
        self._buffer = b""
        server, loop = self._server, asyncio.get_running_loop()
        server.asked.append(_id(body))
        if not server.span:
            server.span = [time.monotonic()] * 2
        loop.call_later(server.latency, self._reply, body)

    def _reply(self, body: bytes) -> None:
        if self._transport.is_closing():
            return
        server, request = self._server, _id(body)
        server.span[1:] = [time.monotonic()]
        fault = server.fault(request)
        if fault:
            server.faults[fault] += 1
        sent = FAULTS[fault](body) if fault else _response(_answer(body))
        if fault == "drip" and sent is not None:
            asyncio.create_task(self._drip(sent))  # noqa: RUF006 - ends with its connection
            return
        if sent:
            self._transport.write(sent)
        if not fault:
            server.answered.append(request)
        if fault == "reset":
            self._transport.abort()
        elif fault in _CLOSING:
            self._transport.close()

    async def _drip(self, sent: bytes) -> None:
        for at in range(0, len(sent), 16):
            if self._transport.is_closing():
                return
            self._transport.write(sent[at : at + 16])
            await asyncio.sleep(TIMEOUT / 8)


def _serve(latency: float, share: float, pipe: Connection) -> None:
    asyncio.run(_serving(_Server(latency, share), pipe))


async def _serving(state: _Server, pipe: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(state), "127.0.0.1", 0, backlog=4096)
    done = asyncio.Event()

    def told() -> None:
        try:
            pipe.recv()
            pipe.send(state.told())
        except EOFError:
            done.set()

    asyncio.get_running_loop().add_reader(pipe.fileno(), told)
    pipe.send(server.sockets[0].getsockname()[1])
    await done.wait()


@dataclass
class Served:
    """A server that runs: its base URL, and what it tells of since it was asked last."""

    url: str
    latency: float
    pipe: Connection

    def told(self) -> dict[str, Any]:
        """See `_Server.told`; `cpu` is the processor time of the server so far, in seconds."""
        self.pipe.send(None)
        told: dict[str, Any] = self.pipe.recv()
        return told


@contextmanager
def serving(latency: float, share: float = 0.0) -> Iterator[Served]:
    """A server in a process of its own, gone when the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(latency, share, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Served(f"http://127.0.0.1:{ours.recv()}/v1", latency, ours)
    finally:
        ours.close()
        process.join(10)
        process.kill()


# -- dsforge -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What a run of dsforge came to: `peak` in MB, processor time in seconds."""

    told: dict[str, Any]
    code: int
    peak: float
    cpu: float
    said: str


class Augmentation:
    """One call of dsforge with a folder of its own: run, killed, run again."""

    def __init__(self, seeds: Path, folder: Path, url: str, concurrency: int, *options: str) -> None:
        folder.mkdir()
        self.output, self.rejects = folder / "out.jsonl", folder / "out.rejects.jsonl"
        self.journal = folder / ".out.jsonl.journal.sqlite"
        self._folder = folder
        self._command = [
            sys.executable, "-m", "dsforge", "augment", str(seeds), "--method", "paraphrase", "--model", "bench",
            "--base-url", url, "--concurrency", str(concurrency), "-o", str(self.output), "--json", *options,
        ]  # fmt: skip

    def start(self) -> subprocess.Popen[bytes]:
        """The command, running; what it says goes to files in its folder."""
        environment = {**os.environ, "OPENAI_API_KEY": "none"}
        with (self._folder / "said").open("wb") as said, (self._folder / "told").open("wb") as told:
            return subprocess.Popen(self._command, stdout=told, stderr=said, env=environment)

    def finish(self) -> Run:
        """Run it to its end."""
        return self.wait(self.start())

    def wait(self, run: subprocess.Popen[bytes]) -> Run:
        """The end of a run."""
        _, status, used = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
        told = (self._folder / "told").read_bytes()
        return Run(
            json.loads(told) if told else {}, run.returncode, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime,
            self.said(),
        )  # fmt: skip

    def said(self) -> str:
        """What the last run said to people."""
        return (self._folder / "said").read_text()

    def results(self) -> tuple[bytes, bytes]:
        """The bytes of output and rejects, none for what is not there."""
        return _read(self.output), _read(self.rejects)

    def kept(self) -> set[str]:
        """The ids of the answers that the journal holds after a kill; it is looked at in a copy, and stays as it is."""
        with tempfile.TemporaryDirectory() as name:
            for path in self.journal.parent.glob(self.journal.name + "*"):
                shutil.copy(path, Path(name, path.name))
            database = sqlite3.connect(Path(name, self.journal.name))
            try:
                answers = database.execute("SELECT answer FROM answers").fetchall()
            except sqlite3.OperationalError:  # killed before there was a table
                answers = []
            finally:
                database.close()
        return {orjson.loads(answer)["id"] for (answer,) in answers}


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


# -- what is measured ----------------------------------------------------------------------------------


def measure_rate(arguments: argparse.Namespace, folder: Path) -> bool:
    """Print requests per second and memory; whether they are what is asked."""
    seeds = folder / "seeds.jsonl"
    ideal = arguments.requests / (math.ceil(arguments.requests / arguments.concurrency) * arguments.latency)
    write_seeds(seeds, arguments.requests)
    print(f"{arguments.requests:,} requests, {arguments.concurrency} at a time, {arguments.latency * 1000:.0f} ms each "
          f"({os.cpu_count()} cores): the ideal is {ideal:,.0f} requests/s")  # fmt: skip
    print(f"{'':12} {'requests/s':>10} {'of ideal':>9} {'of all, s':>9} {'peak, MB':>9} {'dsforge':>9} {'server':>9} "
          "of a core")  # fmt: skip
    good = True
    with serving(arguments.latency) as server:
        for name, options in (("no prices", ()), ("with budget", BUDGET)):
            before, begin = server.told()["cpu"], time.monotonic()
            run = Augmentation(seeds, folder / name, server.url, arguments.concurrency, *options).finish()
            seconds, told = time.monotonic() - begin, server.told()
            assert run.code == 0, run
            assert run.told["rows_kept"] == arguments.requests, run
            first, last = told["span"]
            rate = arguments.requests / (last - first)
            print(f"{name:12} {rate:10,.0f} {rate / ideal:9.1%} {seconds:9.1f} {run.peak:9.0f} "
                  f"{run.cpu / seconds:9.0%} {(told['cpu'] - before) / seconds:9.0%}")  # fmt: skip
            good &= rate >= RATE * ideal and run.peak < MEGABYTES
    return good


def measure_faults(arguments: argparse.Namespace, folder: Path) -> bool:
    """Print what becomes of rows where attempts go wrong; whether each is accounted for."""
    seeds, wanted = folder / "seeds.jsonl", arguments.faulty
    write_seeds(seeds, wanted)
    with serving(arguments.latency, SHARE) as server:
        begin = time.monotonic()
        run = Augmentation(
            seeds, folder / "faults", server.url, arguments.concurrency, "--timeout", str(TIMEOUT), *BUDGET
        ).finish()
        seconds, told = time.monotonic() - begin, server.told()
    if not run.told:
        print(f"faults: no result\n{run.said[-2000:]}")
        return False
    result = run.told
    dropped = sum(result["dropped"].values())
    print(f"{wanted:,} requests, {SHARE:.0%} of the attempts go wrong: {seconds:.1f} s, {run.peak:.0f} MB, exit code "
          f"{run.code}")  # fmt: skip
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(told["faults"].items())))
    print(f"  attempts {len(told['asked']):,}; rows wanted {wanted:,} = kept {result['rows_kept']:,} + dropped "
          f"{dropped:,} + failed {result['failed']:,} + unpaid {result['unpaid']:,}")  # fmt: skip
    print(f"  dropped: {result['dropped']}; failed: {Counter(failure['reason'] for failure in result['failures'])}")
    accounted: int = result["rows_kept"] + dropped + result["failed"] + result["unpaid"]
    filtered = told["faults"]["content_filter"]
    answers = len(told["answered"]) + filtered + told["faults"]["another model"]
    print(f"  good answers of the server {answers:,}, taken {result['rows_generated']:,}")
    return accounted == wanted and bool(dropped <= filtered and result["rows_generated"] <= answers)


@dataclass
class Kills:
    """What was found after the kills."""

    kills: int = 0
    ends: int = 0
    same: int = 0
    kept: int = 0
    again: int = 0
    lost: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def measure_kills(arguments: argparse.Namespace, folder: Path) -> bool:
    """Print what runs that were killed come to; whether it is what they come to undisturbed."""
    seeds, pick, found = folder / "seeds.jsonl", random.Random(7), Kills()
    write_seeds(seeds, arguments.killed)
    with serving(arguments.latency) as server:
        undisturbed = Augmentation(seeds, folder / "undisturbed", server.url, arguments.concurrency)
        begin = time.monotonic()
        assert undisturbed.finish().code == 0
        seconds = time.monotonic() - begin
        server.told()
        while found.kills < arguments.kills:
            run = Augmentation(seeds, folder / f"killed-{found.ends}", server.url, arguments.concurrency)
            _kill_until_end(run, seconds, server, pick, found)
            found.same += run.results() == undisturbed.results()
    print(
        f"kill -9 at {found.kills} moments of runs of {arguments.killed:,} requests, {arguments.concurrency} at a time"
    )
    print(f"  runs ended {found.ends}, the same to the byte {found.same}")
    print(f"  answers in the journal after a kill {found.kept:,}, of these asked for again {found.again}")
    print(f"  answers lost on their way: {sum(found.lost):,}, of one kill at most {max(found.lost, default=0)}")
    for said, times in Counter(found.errors).most_common(5):
        print(f"  {times} times: {said}")
    within = max(found.lost, default=0) <= arguments.concurrency
    return found.same == found.ends and not found.again and not found.errors and within


def _kill_until_end(run: Augmentation, seconds: float, server: Served, pick: random.Random, found: Kills) -> None:
    """Start a run and kill it within the time that a whole one takes, again and again, until one ends before."""
    kept: set[str] = set()
    while True:
        process = run.start()
        time.sleep(pick.random() * seconds)
        process.kill()
        process.wait()
        time.sleep(2 * server.latency)  # until what was sent has come
        told = server.told()
        found.again += len(kept & set(told["asked"]))
        if process.returncode != -signal.SIGKILL:
            break
        kept = run.kept()
        found.kills += 1
        found.kept += len(kept)
        found.lost.append(len(set(told["answered"]) - kept))
    if process.returncode:
        found.errors.append(run.said().strip().splitlines()[-1])
    found.ends += 1


MEASURES = {"rate": measure_rate, "faults": measure_faults, "kills": measure_kills}


def main() -> None:
    """Measure what is named, or all; exit code 1 where it is not what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", metavar="rate|faults|kills")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--faulty", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--killed", type=int, default=2000)
    arguments = parser.parse_args()
    good = True
    for name in arguments.measures or MEASURES:
        with tempfile.TemporaryDirectory() as folder:
            good &= MEASURES[name](arguments, Path(folder))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
