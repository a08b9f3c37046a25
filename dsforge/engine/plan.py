"""A stage of tasks: pure functions from files to files, each published by rename.

A task writes its output to the path it is given and returns its counts as a msgspec struct. Once the
output is in place the counts are written beside it; a task whose counts are there is not run again, so
a plan that was killed goes on where it stopped. Intermediate files are not flushed to the disk: what a killed
process wrote is safe with the system, and after a power cut nothing is taken up.
"""

from __future__ import annotations

import glob
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

import msgspec

from dsforge.errors import DsforgeError, OutputError
from dsforge.io.atomic import is_special, lock

R = TypeVar("R", bound=msgspec.Struct)


@dataclass(frozen=True)
class Task(Generic[R]):
    """One call of `function(*arguments, output)`: `function` is importable, the arguments pickle.

    `result` is the struct type that the function returns.
    """

    function: Callable[..., R]
    arguments: tuple[Any, ...]
    output: Path
    result: type[R]

    @property
    def receipt(self) -> Path:
        """Where the counts of the finished task lie."""
        return self.output.with_name(f"{self.output.name}.done")

    def run(self) -> R:
        """Do the work, publish output (a file or a folder) and receipt, and return the counts."""
        # of its own name: where a worker was given up that is still alive, two write the same output
        partial = self.output.with_name(f"{self.output.name}.{uuid4().hex[:12]}.partial")
        counts = self.function(*self.arguments, partial)
        if (done := self.finished()) is not None:
            return done
        if self.output.is_dir():  # of a run that was killed before it wrote the receipt
            shutil.rmtree(self.output)
        partial.replace(self.output)
        unfinished = self.output.with_name(f"{self.output.name}.counts")
        unfinished.write_bytes(msgspec.json.encode(counts))
        unfinished.replace(self.receipt)
        return counts

    def taken_up(self) -> R:
        """The counts of an earlier run, or of one now."""
        done = self.finished()
        return self.run() if done is None else done

    def finished(self) -> R | None:
        """The counts of an earlier run, None where there was none."""
        if not (self.receipt.exists() and self.output.exists()):
            return None
        return msgspec.json.decode(self.receipt.read_bytes(), type=self.result)


class Count(msgspec.Struct, frozen=True):
    """How many things a task wrote."""

    count: int


_PARTIAL = re.compile(r"\.[0-9a-f]{12}\.partial$")


def beside(output: Path, ending: str) -> Path:
    """Where a task puts a second file: beside its output, be it the one it is given or the one it is published as."""
    return output.with_name(f"{_PARTIAL.sub('', output.name)}.{ending}")


class Executor(Protocol):
    """Runs tasks somewhere and hands back their results in the order of the tasks."""

    def run(self, tasks: Sequence[Task[R]]) -> Iterator[R]:
        """Run every task; the first error of a task is raised."""
        ...


def stage_results(tasks: Sequence[Task[R]], executor: Executor) -> Iterator[R]:
    """The results of the tasks in order, each as soon as it is there; those with a receipt are not run again."""
    finished = [task.finished() for task in tasks]
    running = executor.run([task for task, result in zip(tasks, finished, strict=True) if result is None])
    for result in finished:
        yield next(running) if result is None else result


@contextmanager
def work_folder(output: str | Path, plan: object, resumable: bool = True) -> Iterator[Path]:
    """A folder beside `output` for a plan's intermediate files, removed when the block succeeds.

    `plan` is whatever decides the result (inputs with size and time, options). A folder left by a run
    that was killed is taken up again only for the very same plan, and by one process at a time; one of another
    plan for the same output is removed. Where the inputs can be read only once, or the output is no file, nothing
    can be taken up: `resumable` is False and the folder goes in any case.

    Raises:
        OutputError: there is no place to write to, or another process works on the same plan.
    """
    target = Path(output).resolve()
    if not resumable:
        near = None if str(output) == "-" or is_special(Path(output)) else target.parent
        with TemporaryDirectory(prefix=".dsforge-", dir=near, ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
        return
    digest = hashlib.blake2b(repr((plan, _boot())).encode(), digest_size=6).hexdigest()
    folder = target.with_name(f".{target.name}.{digest}.work")
    _remove_stale(folder, target)
    try:
        folder.mkdir(exist_ok=True)
        file = (folder / "lock").open("wb")
    except OSError as error:
        raise OutputError(f"{target.parent} cannot be written to: {error.strerror or error}") from error
    with file:
        if not lock(file):
            raise OutputError(f"another dsforge is writing {output} from the same input: wait for it")
        try:
            yield folder
        except DsforgeError:  # it would end the same way again: there is nothing to take up
            shutil.rmtree(folder)
            raise
        shutil.rmtree(folder)


def _boot() -> str:
    """What tells this run of the system from the one before, whose files may not have reached the disk."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:  # not Linux: a power cut is then taken for a killed process
        return ""


def _remove_stale(folder: Path, target: Path) -> None:
    """Remove what killed runs of other plans left for the same output; not what another process works in."""
    for other in target.parent.glob(f".{glob.escape(target.name)}.*.work"):
        if other != folder and (other / "lock").is_file():
            with (other / "lock").open("wb") as file:
                if lock(file):
                    shutil.rmtree(other)
