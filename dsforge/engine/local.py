"""Executors on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dsforge.engine.plan import Task
from dsforge.errors import OutputError

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

R = TypeVar("R", bound=msgspec.Struct)

RETRIES = 3
"""How often lost workers are made up for in one stage."""


class InProcess:
    """Runs one task after another in this process."""

    def run(self, tasks: Sequence[Task[R]]) -> Iterator[R]:
        """The results, each as its task ends."""
        for task in tasks:
            yield task.run()


def start_method() -> str:
    """How to start workers: forked where this process has but one thread, so that no lock is inherited half-way.

    A spawned worker imports everything anew, which takes longer than many a job.
    """
    threads = Path("/proc/self/task")
    return "fork" if threads.is_dir() and len(list(threads.iterdir())) == 1 else "spawn"


def end_with_parent() -> None:
    """In a worker: end when the process that gives it work is gone, which a `kill -9` leaves nobody to say.

    A worker that lived on would write beside the next run, and hold the lock of the folder they share.
    """
    parent = parent_process()
    assert parent is not None  # a worker has one

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class ProcessPool:
    """Runs tasks in `workers` processes of their own, which start with the first stage and end with `close`."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    @property
    def started(self) -> bool:
        """Whether there are processes."""
        return self._pool is not None

    def run(self, tasks: Sequence[Task[R]]) -> Iterator[R]:
        """The results in the order of the tasks; those of a process that is lost are run again.

        Raises:
            OutputError: processes are lost again and again.
        """
        from concurrent.futures.process import BrokenProcessPool

        done = lost = 0
        while done < len(tasks):
            try:
                for result in self._results(tasks[done:]):
                    done += 1
                    yield result
            except BrokenProcessPool as error:
                self.close()
                lost += 1
                if lost > RETRIES:
                    raise OutputError(
                        f"{lost} times a worker was killed before it had finished, most likely because the memory was "
                        "full: give --workers 1, or a machine with more"
                    ) from error

    def _results(self, tasks: Sequence[Task[R]]) -> Iterator[R]:
        from concurrent.futures import ProcessPoolExecutor

        if self._pool is None:
            context = get_context(start_method())
            self._pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=end_with_parent)
        futures = [self._pool.submit(task.taken_up) for task in tasks]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
