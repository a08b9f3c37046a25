"""Where the tasks of a plan run: in this process, in several of this machine, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Literal, TypeAlias, TypeVar, get_args

import msgspec

from dsforge.engine.local import InProcess, ProcessPool, start_method
from dsforge.engine.plan import Executor, Task, stage_results
from dsforge.errors import UsageError, did_you_mean

R = TypeVar("R", bound=msgspec.Struct)

EngineName: TypeAlias = Literal["local", "ray"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)

PARTITIONS = 64
"""Into how many pieces a large input is cut, at most, where nobody says otherwise. The number of workers does not
count, so that a run that was killed goes on with another."""


MUCH = 16 << 20
"""Bytes of input from which on workers are sure to need what takes long to load."""


class Engine:
    """Runs stages with `workers` processes of this machine, or as tasks of Ray on all it has. Use it in a `with`.

    A large input is cut into `partitions` pieces, where that is given. The result depends on none of these.

    Raises:
        UsageError: there is no such engine, or no piece.
        MissingExtraError: Ray is not installed.
    """

    def __init__(self, name: str = "local", workers: int = 1, partitions: int = 0) -> None:
        if name not in ENGINES:
            raise UsageError(f"--engine {name!r} is no engine{did_you_mean(name, ENGINES)}")
        if partitions < 0:
            raise UsageError(f"--partitions {partitions} is out of range: give 1 or more, or 0 for what suits")
        self.partitions = partitions
        self._pool = ProcessPool(workers) if name == "local" and workers > 1 else None
        self._executor: Executor = self._pool or InProcess()
        if name == "ray":
            from dsforge.engine.ray import RayExecutor

            self._executor = RayExecutor()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.close()

    def warm_up(self, size: int, prepare: Callable[[], None]) -> None:
        """Call `prepare` where processes will be forked for so many bytes, which then need not do it each."""
        if self._pool is not None and not self._pool.started and size >= MUCH and start_method() == "fork":
            prepare()

    def run(self, tasks: Sequence[Task[R]]) -> Iterator[R]:
        """The results of one stage, in the order of its tasks; those that are done are not run again."""
        alone = self._pool is not None and len(tasks) == 1 and not self._pool.started
        return stage_results(tasks, InProcess() if alone else self._executor)

    def run_all(self, tasks: Sequence[Task[R]]) -> list[R]:
        """The results of one stage, when all of it is done."""
        return list(self.run(tasks))
