"""A stage of tasks: pure functions from files to files, each published by rename.

A task writes its output to the path it is given and returns its counts as a msgspec struct. Once the
output is in place the counts are written beside it; a task whose counts are there is not run again, so
a plan that was killed goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from dsforge.errors import OutputError
from dsforge.io.atomic import atomic_write

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
        """Do the work, publish output and receipt, and return the counts."""
        partial = self.output.with_name(f"{self.output.name}.partial")
        counts = self.function(*self.arguments, partial)
        partial.replace(self.output)
        with atomic_write(self.receipt) as file:
            file.write(msgspec.json.encode(counts))
        return counts

    def finished(self) -> R | None:
        """The counts of an earlier run, None where there was none."""
        if not (self.receipt.exists() and self.output.exists()):
            return None
        return msgspec.json.decode(self.receipt.read_bytes(), type=self.result)


class Executor(Protocol):
    """Runs tasks somewhere and hands back their results in the order of the tasks."""

    def run(self, tasks: Sequence[Task[R]]) -> Iterator[R]:
        """Run every task; the first error of a task is raised."""
        ...


def run_stage(tasks: Sequence[Task[R]], executor: Executor) -> list[R]:
    """Run the tasks that have no receipt yet; the results of all, in order."""
    results: list[R | None] = [task.finished() for task in tasks]
    todo = [index for index, result in enumerate(results) if result is None]
    for index, result in zip(todo, executor.run([tasks[index] for index in todo]), strict=True):
        results[index] = result
    return [result for result in results if result is not None]


@contextmanager
def work_folder(output: str | Path, plan: object) -> Iterator[Path]:
    """A folder beside `output` for a plan's intermediate files, removed when the block succeeds.

    `plan` is whatever decides the result (inputs with size and time, options). A folder left by a run
    that was killed is taken up again only for the very same plan.
    """
    digest = hashlib.blake2b(repr(plan).encode(), digest_size=6).hexdigest()
    near = Path.cwd() if str(output) == "-" else Path(output).parent
    folder = near / f".{Path(output).name}.{digest}.work"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{near} cannot be written to: {error.strerror or error}") from error
    yield folder
    shutil.rmtree(folder)
