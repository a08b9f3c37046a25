"""Runs the tasks of a stage on a Ray cluster, whose machines share the folder that the plan works in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from dsforge.engine.plan import Task
from dsforge.errors import DsforgeError
from dsforge.extras import require

R = TypeVar("R", bound=msgspec.Struct)

RETRIES = 5
"""How often a task is run again whose worker was lost. A task's own error is not tried again."""
_AHEAD = 4  # tasks handed out for each processor, so that a plan of thousands does not fill the scheduler


def _run(task: Task[R]) -> R:
    return task.run()


class RayExecutor:
    """Runs each task as one of Ray's, wherever there is room.

    Joins the cluster that RAY_ADDRESS names, or the one already joined; without either it starts one on this machine.

    Raises:
        MissingExtraError: Ray is not installed.
    """

    def __init__(self) -> None:
        self._ray: Any = require("ray", "ray", "--engine ray")
        if not self._ray.is_initialized():
            self._ray.init(log_to_driver=False, include_dashboard=False, logging_level="warning")

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


def _cause(error: Any) -> BaseException:
    """What the task itself raised, so that it is told as by any other engine."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, DsforgeError) else error
