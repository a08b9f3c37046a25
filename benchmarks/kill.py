"""`kill -9` at random moments of a conversion: what stands at the output's name, and what the next run makes of it.

    python benchmarks/kill.py [KILLS] [MEGABYTES]

Only the process that the user sees is killed, as `kill -9` and the system's memory killer do it; the worker processes
it had are left to find out by themselves. Every second kill is of a run with two workers. The run after it starts at
once, and must write what a run that nobody disturbs writes, to the byte.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

WORDS = ("how", "can", "we", "help", "with", "an", "order", "please", "check", "请问", "我的", "订单", "什么", "时候")
_PATIENCE = 3.0  # seconds that worker processes have to notice that nobody waits for them


def write_rows(path: Path, megabytes: float) -> None:
    """Alpaca rows, a few of them broken, so that the rejects are put to the test as well."""
    pick = random.Random(3)
    index = 0
    with path.open("wb") as file:
        while file.tell() < megabytes * 1e6:
            for _ in range(50):
                index += 1
                answer = " ".join(pick.choices(WORDS, k=120))
                broken = "," if index % 997 == 0 else ""
                file.write(f'{{"instruction": "ask {index}", "output": "{answer}"{broken}}}\n'.encode())


@dataclass
class Tally:
    """What was found after the kills. `states` counts the output's: absent, complete, partial."""

    kills: int = 0
    states: Counter[str] = field(default_factory=Counter)
    taken_up: int = 0
    identical: int = 0
    leftovers: list[str] = field(default_factory=list)
    orphans: int = 0
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def row(self, name: str) -> str:
        """One line of the table."""
        return (
            f"{name:12} {self.kills:6} {self.states['absent']:8} {self.states['complete']:10} "
            f"{self.states['partial']:9} {self.taken_up:10} {self.identical:11} {len(self.leftovers):11} "
            f"{self.orphans:9} {self.seconds / max(self.kills, 1):11.2f}"
        )


HEAD = (
    f"{'':12} {'kills':>6} {'absent':>8} {'complete':>10} {'partial':>9} {'taken up':>10} {'rerun same':>11} "
    f"{'left behind':>11} {'orphans':>9} {'rerun, s':>11}"
)


class Conversion:
    """One conversion in a folder of its own: run, killed, run again."""

    def __init__(self, source: Path, folder: Path, workers: int) -> None:
        self.folder = folder
        self.output = folder / "out.jsonl"
        self.rejects = folder / "out.rejects.jsonl"
        self._command = [
            sys.executable, "-m", "dsforge", "convert", str(source), "--to", "sharegpt", "-o", str(self.output),
            "--workers", str(workers), "--fail-on", "never",
        ]  # fmt: skip

    def start(self) -> subprocess.Popen[str]:
        """The command, running."""
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def finish(self) -> tuple[float, str]:
        """Run it to its end: `(seconds, what it said where it failed)`."""
        begin = time.perf_counter()
        run = self.start()
        _, said = run.communicate()
        return time.perf_counter() - begin, said if run.returncode else ""

    def digests(self) -> tuple[str, str]:
        """Of output and rejects; `absent` for what is not there."""
        return _digest(self.output), _digest(self.rejects)

    def clear(self) -> None:
        """Make the folder as it was before the first run."""
        for path in (self.output, self.rejects):
            path.unlink(missing_ok=True)

    def hidden(self) -> list[str]:
        """Work folders and half-written files that lie beside the output."""
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith("."))


def _digest(path: Path) -> str:
    if not path.exists():
        return "absent"
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def _children(run: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(run.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_once(conversion: Conversion, after: float, expected: tuple[str, str], tally: Tally) -> None:
    """Start, kill after `after` seconds, look, run again, look again."""
    conversion.clear()
    run = conversion.start()
    time.sleep(after)
    children = _children(run)
    run.kill()
    run.wait()
    assert run.stderr is not None
    run.stderr.close()
    tally.kills += 1
    output, rejects = conversion.digests()
    whole = output in ("absent", expected[0]) and rejects in ("absent", expected[1])
    tally.states["partial" if not whole else "absent" if output == "absent" else "complete"] += 1
    tally.taken_up += bool(list(conversion.folder.glob(".*.work/*.done")))
    seconds, said = conversion.finish()
    tally.seconds += seconds
    if said:
        tally.errors.append(said.strip().splitlines()[-1])
    tally.identical += conversion.digests() == expected
    _, alive = psutil.wait_procs(children, timeout=_PATIENCE)
    tally.orphans += len(alive)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive)
    tally.leftovers += conversion.hidden()
    for name in conversion.hidden():
        subprocess.run(["rm", "-rf", str(conversion.folder / name)], check=True)


def kill_often(source: Path, folder: Path, workers: int, kills: int, seed: int = 7) -> Tally:
    """Kill `kills` runs, at moments spread evenly over the time that a whole run takes."""
    conversion = Conversion(source, folder, workers)
    moment = random.Random(seed)
    conversion.finish()
    conversion.clear()
    seconds, said = conversion.finish()
    assert not said, said
    expected = conversion.digests()
    tally = Tally()
    for index in range(kills):
        kill_once(conversion, seconds * (index + moment.random()) / kills, expected, tally)
    return tally


def main() -> None:
    """Print the table; exit code 1 where a promise is broken."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    megabytes = float(sys.argv[2]) if len(sys.argv) > 2 else 100
    tallies = {}
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "rows.jsonl"
        write_rows(source, megabytes)
        for workers in (1, 2):
            folder = Path(name) / str(workers)
            folder.mkdir()
            tallies[workers] = kill_often(source, folder, workers, kills // 2)
    print(f"kill -9 at {kills} moments of a conversion of {megabytes:.0f} MB ({os.cpu_count()} cores)")
    print(HEAD)
    for workers, tally in tallies.items():
        print(tally.row(f"{workers} worker{'s' * (workers > 1)}"))
        for said, times in Counter([*tally.errors, *tally.leftovers]).most_common(5):
            print(f"  {times} times: {said}")
    broken = any(
        tally.states["partial"] or tally.identical < tally.kills or tally.leftovers or tally.orphans
        for tally in tallies.values()
    )
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
