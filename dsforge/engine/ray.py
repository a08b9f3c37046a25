"""Runs the tasks of a stage on a Ray cluster, whose machines share the folder that the plan works in."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from dsforge.engine.plan import Task
from dsforge.errors import DsforgeError, OutputError
from dsforge.extras import require

R = TypeVar("R", bound=msgspec.Struct)

RETRIES = 5
"""How often a task is run again whose worker was lost. A task's own error is not tried again."""
_AHEAD = 4  # tasks handed out for each processor, so that a plan of thousands does not fill the scheduler


def _run(task: Task[R]) -> R:
    return task.taken_up()


class RayExecutor:
    """Runs each task as one of Ray's, wherever there is room.

    Joins the cluster that RAY_ADDRESS names, or the one already joined; without either it starts one on this machine.

    Raises:
        MissingExtraError: Ray is not installed.
        OutputError: the cluster is lost, or a task is lost again and again.
    """

    def __init__(self) -> None:
        self._ray: Any = require("ray", "ray", "--engine ray")
        if not self._ray.is_initialized():
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anyone about the user's runs
            self._ray.init(log_to_driver=False, include_dashboard=False, logging_level=logging.WARNING)

    def run(self, tasks: Sequence[Task[R]]) -> Iterator[R]:
        """The results in the order of the tasks."""
        ray = self._ray
        remote = ray.remote(max_retries=RETRIES)(_run)
        room = max(int(ray.cluster_resources().get("CPU", 1)) * _AHEAD, 1)
        waiting = deque(tasks)
        handed: deque[Any] = deque()
        while waiting or handed:
            while waiting and len(handed) < room:
                handed.append(remote.remote(waiting.popleft()))
            try:
                yield ray.get(handed.popleft())
            except ray.exceptions.RayTaskError as error:
                raise _cause(error) from error
            except ray.exceptions.RayError as error:
                reason = str(error).partition("\n")[0]
                raise OutputError(f"Ray could not do the work: {reason}") from error


def _cause(error: Any) -> BaseException:
    """What the task itself raised, so that it is told as by any other engine."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, DsforgeError) else error
