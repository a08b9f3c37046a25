"""The same bytes from every engine, however the work is cut, and whoever dies meanwhile."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dsforge.dedup.run import dedup
from dsforge.engine import local
from dsforge.errors import OutputError
from tests.dedup.drive import receipts, small_pieces
from tests.dedup.rows import alpaca, write
from tests.similarity.brute import edited, sentence

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds
RAY_WORKERS = ("ray::_run", "ray::IDLE")
"""Others that Ray names in this way belong to the machine, and take it down with them."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """700 rows: a tenth copies, a third edited a little, one in twenty of a template, one broken."""
    rng = random.Random(21)
    seen: list[tuple[str, str]] = []
    for number in range(700):
        kind = rng.random()
        if seen and kind < 0.43:
            prompt, answer = rng.choice(seen)
            seen.append((prompt, answer if kind < 0.1 else edited(rng, answer, 0.03)))
        elif kind < 0.48:
            seen.append((sentence(random.Random(1), False, 30) + f" number {number}", "the same answer to all"))
        else:
            seen.append((sentence(rng, kind < 0.7, 12), sentence(rng, kind < 0.7, 40)))
    path = tmp_path_factory.mktemp("engines") / "in.jsonl"
    write(path, [alpaca(prompt, answer) for prompt, answer in seen])
    with path.open("a") as file:
        file.write('{"instruction": "broken"\n')
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


Dedup = Callable[..., dict[str, bytes]]


@pytest.fixture
def run(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dedup:
    """Deduplicates into a folder of its own; what was written."""
    small_pieces(monkeypatch.setattr)

    def deduplicate(**options: object) -> dict[str, bytes]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        result = dedup([str(source)], folder / "out.jsonl", clusters=folder / "clusters.jsonl", **options)  # type: ignore[arg-type]
        assert result.exact_duplicates > 40
        assert result.near_duplicates > 100
        assert result.rows_rejected == 1
        return files_of(folder)

    return deduplicate


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    module = pytest.importorskip("ray", reason="Ray is not installed: pip install 'dsforge[ray]'")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    module.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    yield
    module.shutdown()


def test_however_the_work_is_cut_the_bytes_are_the_same(run: Dedup) -> None:
    expected = run(partitions=1)
    assert list(expected) == ["clusters.jsonl", "out.jsonl", "out.rejects.jsonl"]
    for partitions in (0, 4, 64):
        assert run(partitions=partitions) == expected
        assert run(partitions=partitions, workers=2) == expected


@pytest.mark.parametrize("partitions", [1, 4, 64])
@pytest.mark.usefixtures("ray")
def test_ray_writes_the_same_bytes(run: Dedup, partitions: int) -> None:
    assert run(engine="ray", partitions=partitions) == run()


@pytest.mark.usefixtures("ray")
def test_errors_on_ray_are_told_as_anywhere(run: Dedup, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(b"\x1f\x8b\x08\x00" + b"\0" * 40)
    told = []
    for engine in ("local", "ray"):
        with pytest.raises(Exception, match="unpack") as caught:
            dedup([str(broken)], tmp_path / "out.jsonl", engine=engine)
        told.append((type(caught.value), str(caught.value)))
    assert told[0] == told[1]


def start(source: Path, output: Path, engine: str, partitions: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.dedup.drive", str(source), str(output), engine, str(partitions)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(count: int, folder: Path, driver: "subprocess.Popen[str]") -> dict[str, int]:
    """The receipts, once there are so many, or the driver has ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        there = [receipts(work) for work in folder.glob(".*.work")]
        if (there and len(there[0]) >= count) or driver.poll() is not None:
            return there[0] if there else {}
        time.sleep(0.01)
    raise AssertionError(f"no {count} receipts in {PATIENCE} s")


def workers_of(driver: "subprocess.Popen[str]", engine: str) -> list[psutil.Process]:
    """The processes that run its tasks."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            ours = driver.pid in [parent.pid for parent in process.parents()]
            if ours and (engine == "local" or " ".join(process.cmdline()).startswith(RAY_WORKERS)):
                found.append(process)
    return found


@pytest.mark.parametrize("engine", ["local", "ray"])
@pytest.mark.parametrize("partitions", [4, 64])
def test_workers_that_are_killed_change_nothing(
    source: Path, tmp_path: Path, run: Dedup, engine: str, partitions: int
) -> None:
    if engine == "ray":
        pytest.importorskip("ray", reason="Ray is not installed")
    rng = random.Random(partitions)
    folder = tmp_path / "killed"
    folder.mkdir()
    driver = start(source, folder / "out.jsonl", engine, partitions)
    killed = 0
    for count in sorted(rng.sample(range(1, partitions), 2)):
        wait_for(count, folder, driver)
        for worker in workers_of(driver, engine)[:1]:
            worker.kill()
            killed += 1
    _, errors = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, errors
    assert killed > 0
    expected = run()
    assert files_of(folder) == {name: expected[name] for name in ("out.jsonl", "out.rejects.jsonl")}


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_driver_that_is_killed_goes_on_where_it_stopped(
    source: Path, tmp_path: Path, run: Dedup, engine: str
) -> None:
    if engine == "ray":
        pytest.importorskip("ray", reason="Ray is not installed")
    folder = tmp_path / "killed"
    folder.mkdir()
    finished: dict[str, int] = {}
    for count in (5, 20):
        driver = start(source, folder / "out.jsonl", engine, 64)
        before = wait_for(count, folder, driver)
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        assert count <= len(before) < 64
        assert before.items() >= finished.items(), "a finished task was run again"
        finished = before
    driver = start(source, folder / "out.jsonl", engine, 64)
    output, errors = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, errors
    last = json.loads(output)
    assert last.items() >= finished.items(), "a finished task was run again"
    assert sum(name.startswith("read-") for name in last) > 30
    assert sum(name.startswith("buckets-") for name in last) == 64
    expected = run()
    assert files_of(folder) == {name: expected[name] for name in ("out.jsonl", "out.rejects.jsonl")}
    assert not list(folder.glob(".*.work"))


def test_workers_that_die_each_time_are_told(run: Dedup, monkeypatch: pytest.MonkeyPatch) -> None:
    from dsforge.engine import plan

    monkeypatch.setattr(local, "start_method", lambda: "fork")
    monkeypatch.setattr(plan.Task, "taken_up", lambda task: os._exit(9))
    with pytest.raises(OutputError, match="4 times a worker was killed"):
        run(workers=2, partitions=4)
