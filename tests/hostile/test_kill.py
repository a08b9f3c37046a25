"""A conversion that is killed leaves the whole output or none, and the next run makes of it what it would have been.

Killed at random moments (`benchmarks/kill.py` does that a hundred times), and before each single change that it makes
to the folder.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.kill import Conversion, kill_often, write_rows
from dsforge.convert import convert

OLD = b'{"messages":[{"role":"user","content":"of an earlier run"},{"role":"assistant","content":"b"}]}\n'
KILLED = 9
STOP = f"""
import os, sys
from dsforge.convert import convert

folder, left = sys.argv[1], int(sys.argv[2])

def changes(event, arguments):
    if event == "open":
        return folder in str(arguments[0]) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    return event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate") and folder in str(arguments[0])

def stop(event, arguments):
    global left
    if changes(event, arguments):
        left -= 1
        if left < 0:
            os._exit({KILLED})

sys.addaudithook(stop)
convert(sys.argv[4:], sys.argv[3], "chatml")
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_random_moments(tmp_path: Path, workers: int) -> None:
    source, folder = tmp_path / "rows.jsonl", tmp_path / "out"
    folder.mkdir()
    write_rows(source, 12)
    tally = kill_often(source, folder, workers, 5, seed=workers)
    assert tally.states["partial"] == 0
    assert (tally.identical, tally.errors) == (tally.kills, [])
    assert tally.orphans == 0, "workers go on after the process that they work for"
    assert tally.leftovers == []


def test_workers_end_with_the_process_they_work_for(tmp_path: Path) -> None:
    """Else they hold its lock for ever, and write beside the run that comes after."""
    source, folder = tmp_path / "rows.jsonl", tmp_path / "out"
    folder.mkdir()
    write_rows(source, 12)
    conversion = Conversion(source, folder, 2)
    run = conversion.start()
    workers: list[psutil.Process] = []
    while not workers and run.poll() is None:
        workers = psutil.Process(run.pid).children(recursive=True)
    assert workers
    run.kill()
    run.wait()
    assert run.stderr is not None
    run.stderr.close()  # not read: a worker that goes on would keep it open
    _, alive = psutil.wait_procs(workers, timeout=3)
    for worker in alive:
        worker.kill()
    assert not alive
    assert conversion.finish()[1] == ""
    assert conversion.hidden() == []


@pytest.mark.parametrize("earlier", ["no output yet", "an output of an earlier run"])
@pytest.mark.parametrize("name", ["out.jsonl", "out.json"])
@pytest.mark.parametrize("files", [1, 2])
def test_killed_before_each_change_to_the_folder(tmp_path: Path, files: int, name: str, earlier: str) -> None:
    sources = [str(tmp_path / f"in{index}.jsonl") for index in range(files)]
    for source in sources:
        write_rows(Path(source), 0.1)
        with Path(source).open("ab") as rows:
            rows.write(b"{oops\n")
    (tmp_path / "whole").mkdir()
    convert(sources, tmp_path / "whole" / name, "chatml")
    expected = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert len(expected) == 2
    for moment in range(100):
        folder = tmp_path / str(moment)
        folder.mkdir()
        output = folder / name
        if earlier != "no output yet":
            output.write_bytes(OLD)
        arguments = [str(folder), str(moment), str(output), *sources]
        done = subprocess.run([sys.executable, "-c", STOP, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode in (0, KILLED), done.stderr
        for path in folder.iterdir():
            if not path.name.startswith("."):
                assert path.read_bytes() in (expected[path.name], OLD), f"half a file before change {moment}"
        if done.returncode == 0:
            break
        convert(sources, output, "chatml")
        after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert after == expected, f"killed before change {moment}: {sorted(after)}"
        assert not [path.name for path in folder.iterdir() if path.is_dir()]
    assert moment > 5
