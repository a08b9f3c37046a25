"""Deduplicates in a process of its own, which tests kill: python -m tests.dedup.drive SOURCE OUTPUT ENGINE PARTITIONS.

The pieces are small, each task of reading waits a little, so that there is time to kill it, and at the end the receipts
of the tasks with the time at which each was written are printed, as JSON.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from dsforge.engine import chunks, plan
from dsforge.similarity import collect, stages

SMALLEST = 2000  # bytes of a piece


def receipts(folder: Path) -> dict[str, int]:
    """When each task that is done wrote its receipt."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.done")}


def read_slowly(*arguments: object) -> collect.Read:
    """`read_chunk`, with a pause before."""
    time.sleep(0.05)
    return collect.read_chunk(*arguments)  # type: ignore[arg-type]


def small_pieces(patch: Callable[[object, str, object], None]) -> None:
    """Cut also small inputs into pieces."""
    patch(chunks, "MIN_CHUNK", SMALLEST)
    patch(stages, "SMALL", 50)


def main() -> None:
    from dsforge.dedup.run import dedup

    source, output, engine, partitions = sys.argv[1:]
    small_pieces(setattr)

    def remove(folder: str | Path, **options: object) -> None:
        if str(folder).endswith(".work"):
            print(json.dumps(receipts(Path(folder))))
        rmtree(folder, **options)  # type: ignore[arg-type]

    rmtree, plan.shutil.rmtree = shutil.rmtree, remove  # type: ignore[assignment]
    task = plan.Task

    def slow_task(function: Callable[..., object], *arguments: object) -> object:
        return task(read_slowly if function is collect.read_chunk else function, *arguments)  # type: ignore[arg-type]

    collect.Task = slow_task  # type: ignore[assignment,misc]
    dedup([source], output, engine=engine, workers=2, partitions=int(partitions))


if __name__ == "__main__":
    main()
