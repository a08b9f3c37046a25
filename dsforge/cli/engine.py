"""The options that say where the work is done."""

from __future__ import annotations

import os
from typing import Any

import typer

WORKERS: Any = typer.Option(
    0, "--workers", min=0, show_default=False, help="Processes to work with [default: one for each core]."
)
ENGINE: Any = typer.Option(
    "local", "--engine", metavar="NAME", help="local, or ray: on a Ray cluster whose machines share the folders."
)
PARTITIONS: Any = typer.Option(
    0, "--partitions", min=0, show_default=False, help="Pieces to cut the work into [default: what suits the size]."
)


def prepared(workers: int) -> int:
    """How many processes to work with, which can be forked if numpy has not been imported before this.

    It would start threads of its own for matrices, of which there are none here; a process that has more than one
    thread is not forked, and workers that import everything anew are slow to start.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return workers or os.cpu_count() or 1
