"""Processes that look at the rows of large files while the command's own one imports the training libraries."""

from __future__ import annotations

import gc
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import current_process, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from dsforge.engine.chunks import MIN_CHUNK, size_of
from dsforge.engine.engine import MUCH
from dsforge.engine.local import end_with_parent, start_method
from dsforge.errors import OutputError
from dsforge.tokens.template import ChatTemplate
from dsforge.train.config import DataConfig
from dsforge.train.quiet import load_renderer

T = TypeVar("T")

_AHEAD = 2
"""Results for each process that may wait to be taken: so memory does not depend on the size of a file."""


class RowWorkers:
    """Forked processes, of which each works with one thread. They end with `close`, or with this process."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._folder = TemporaryDirectory(prefix="dsforge-rows-")
        self._pool = ProcessPoolExecutor(count, mp_context=get_context("fork"), initializer=_begin)

    def beside(self, work: Callable[..., T], *arguments: Any, meanwhile: Callable[[], None]) -> T:
        """What `work` makes of the arguments in a process of its own, while `meanwhile` runs in this one.

        Raises:
            OutputError: the process was killed.
        """
        future = self._pool.submit(work, *arguments)
        meanwhile()
        with _alive():
            return future.result()

    def each(self, work: Callable[..., T], many: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        """What `work` makes of each of many arguments, in their order.

        Raises:
            OutputError: a process was killed.
        """
        waiting: deque[Future[T]] = deque()
        try:
            with _alive():
                for arguments in many:
                    waiting.append(self._pool.submit(work, *arguments))
                    if len(waiting) > _AHEAD * self.count:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def store(self, template: ChatTemplate) -> Path:
        """Where a template with its tokenizer lies for as long as the processes live: see `stored_template`."""
        file = Path(self._folder.name) / "template"
        file.write_bytes(pickle.dumps(template))
        return file

    def close(self) -> None:
        """End the processes; more than once is no mistake."""
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()


@contextmanager
def _alive() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise OutputError(
            "a process that looked at the rows was killed before it had finished, most likely because the memory was "
            "full: free some, or take a machine with more"
        ) from error


@contextmanager
def row_workers(data: DataConfig, count: int) -> Iterator[RowWorkers | None]:
    """Up to `count` processes for as long as the block runs, None where the files are small or none can be forked.

    None as well for rows up to a limit: where it falls is known only once all before it are read.
    """
    size = sum(size_of(path) for path in data.paths if path != "-")
    count = min(count, size // MIN_CHUNK)
    if data.limit is not None or size < MUCH or count < 2 or start_method() != "fork" or current_process().daemon:
        yield None
        return
    load_renderer()  # once for all that are forked
    workers = RowWorkers(count)
    try:
        yield workers
    finally:
        workers.close()


def _begin() -> None:
    """In a worker: each has a core, so libraries need no threads of their own."""
    gc.freeze()  # what stands in the memory that is shared: not looked at again, and so not copied
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the command says that it was interrupted, once
    os.environ["RAYON_NUM_THREADS"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


@lru_cache(maxsize=1)
def stored_template(file: Path) -> ChatTemplate:
    """What `RowWorkers.store` wrote, in one of its processes."""
    template: ChatTemplate = pickle.loads(file.read_bytes())  # noqa: S301 - of this very command, in its own folder
    return template
