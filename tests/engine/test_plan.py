"""A plan gives the same result in process and in several, and goes on where it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from dsforge.engine.chunks import plan_chunks
from dsforge.engine.local import InProcess, ProcessPool
from dsforge.engine.plan import Task, stage_results, work_folder


class Count(msgspec.Struct):
    """Bytes written."""

    size: int


def write_text(text: str, log: str, output: Path) -> Count:
    """A task: writes its text and notes that it ran."""
    with Path(log).open("a") as file:
        file.write(f"{text}\n")
    output.write_text(text)
    return Count(len(text))


def fail(output: Path) -> Count:
    """A task that fails."""
    output.write_text("half")
    raise ValueError("broken")


def _tasks(folder: Path) -> list[Task[Count]]:
    log = str(folder / "log")
    return [Task(write_text, ("x" * index, log), folder / f"{index}", Count) for index in range(1, 6)]


@pytest.mark.parametrize("executor", [InProcess(), ProcessPool(2)], ids=["in process", "process pool"])
def test_results_come_in_the_order_of_the_tasks(tmp_path: Path, executor: InProcess | ProcessPool) -> None:
    tasks = _tasks(tmp_path)
    assert [count.size for count in stage_results(tasks, executor)] == [1, 2, 3, 4, 5]
    assert [task.output.read_text() for task in tasks] == ["x", "xx", "xxx", "xxxx", "xxxxx"]


def test_finished_tasks_are_not_run_again(tmp_path: Path) -> None:
    tasks = _tasks(tmp_path)
    list(stage_results(tasks[:3], InProcess()))
    assert [count.size for count in stage_results(tasks, InProcess())] == [1, 2, 3, 4, 5]
    assert (tmp_path / "log").read_text().split() == ["x", "xx", "xxx", "xxxx", "xxxxx"]


def test_a_failed_task_publishes_nothing(tmp_path: Path) -> None:
    task = Task(fail, (), tmp_path / "out", Count)
    with pytest.raises(ValueError, match="broken"):
        list(stage_results([task], InProcess()))
    assert not task.output.exists()
    assert task.finished() is None


def test_work_folder_is_kept_for_the_same_plan_only(tmp_path: Path) -> None:
    def killed() -> None:
        with work_folder(tmp_path / "out", "plan") as folder:
            (folder / "part").write_text("kept")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        killed()
    with work_folder(tmp_path / "out", "plan") as same:
        assert (same / "part").read_text() == "kept"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="stop"):
        killed()
    with work_folder(tmp_path / "out", "another plan") as other:
        assert not (other / "part").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_process_works_in_stays(tmp_path: Path) -> None:
    with work_folder(tmp_path / "out", "plan") as folder, work_folder(tmp_path / "out", "another plan"):
        assert folder.is_dir()


def test_what_was_written_before_the_system_started_is_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed() -> None:
        with work_folder(tmp_path / "out", "plan") as folder:
            (folder / "part").write_text("half on the disk")
            raise ValueError("power cut")

    with pytest.raises(ValueError, match="power cut"):
        killed()
    monkeypatch.setattr("dsforge.engine.plan._boot", lambda: "the next")
    with work_folder(tmp_path / "out", "plan") as folder:
        assert not (folder / "part").exists()
    assert list(tmp_path.iterdir()) == []


def test_chunks_begin_at_lines_and_cover_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsforge.engine.chunks.MIN_CHUNK", 100)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(b'{"n": %d}\n' % index for index in range(300)))
    chunks = plan_chunks(path, 16)
    content = path.read_bytes()
    assert len(chunks) > 4
    assert b"".join(content[chunk.start : chunk.end] for chunk in chunks) == content
    assert all(content[: chunk.start].endswith(b"\n") for chunk in chunks[1:])


KILLED = """
import os, sys
from pathlib import Path
import dsforge.convert as convert_module
from dsforge.engine.plan import Task
run, done = Task.run, [0]
def run_and_die(self):
    if done[0] == 2:
        os.kill(os.getpid(), 9)
    done[0] += 1
    return run(self)
Task.run = run_and_die
convert_module.convert(sys.argv[1:4], sys.argv[4], "chatml")
"""


def test_a_killed_conversion_goes_on_and_leaves_no_trace(tmp_path: Path) -> None:
    """Three files are three tasks; the process dies before the third."""
    sources = []
    for index in range(3):
        path = tmp_path / f"in{index}.jsonl"
        path.write_text(f'{{"instruction": "q{index}", "output": "a"}}\n')
        sources.append(str(path))
    output = tmp_path / "out.jsonl"
    command = [sys.executable, "-c", KILLED, *sources, str(output)]
    died = subprocess.run(command, check=False, env={**os.environ})
    assert died.returncode == -signal.SIGKILL
    assert not output.exists()
    (folder,) = tmp_path.glob(".out.jsonl.*.work")
    assert len(list(folder.glob("*.done"))) == 2
    (folder / "00000.rows").write_text("taken from the first run")
    from dsforge.convert import convert

    convert(sources, output, "chatml")
    assert output.read_text().splitlines()[0] == "taken from the first run"
    assert len(output.read_text().splitlines()) == 3
    assert not list(tmp_path.glob(".*"))
