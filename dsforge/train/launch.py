"""Several processes that train together: started by torchrun, each a rank, their steps told as they come."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import msgspec

from dsforge.errors import ConfigError, DsforgeError, InputError, OutputError
from dsforge.train.config import TrainConfig
from dsforge.train.hardware import uses_gpu
from dsforge.train.job import Job, Outcome
from dsforge.train.recipe import OnStep, Step

JOB = ".job"
"""The folder of a run in which its processes find their work."""
MARK = "@dsforge "
"""How a line begins that a rank has for us; others are for the reader of an error."""
_ERRORS: dict[str, type[DsforgeError]] = {kind.__name__: kind for kind in (ConfigError, InputError, OutputError)}


def end_with_launcher() -> None:
    """End this rank when who launched it is gone, though it was killed: nobody writes into the run of the next one.

    The launcher holds the other end of our standard input, and never writes to it.
    """

    def wait() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class Message(msgspec.Struct, omit_defaults=True):
    """What the first rank says: a step, the outcome, or an error by its class and words."""

    step: Step | None = None
    outcome: Outcome | None = None
    error: tuple[str, str] | None = None


_KEPT_LINES = 200
"""How many of the last lines of all ranks are searched for a cause; what torchrun itself says of one is 40 or so."""
_SIGNAL = re.compile(r"Signal \d+ \((\w+)\) received by PID")


def _cause(lines: Iterable[str]) -> str:
    """Why a rank failed, by what all of them said."""
    said = list(lines)
    for line in reversed(said):
        if ended := _SIGNAL.search(line):
            return (
                f"it was ended by {ended[1]}, as happens where the machine's memory runs out; the same command goes on "
                "from the last checkpoint"
            )
    errors = [line for line in said if "Error" in line and "ChildFailedError" not in line]
    return (errors or said or ["nothing was said"])[-1].strip()


def _command(config: TrainConfig, folder: Path, checkpoint: Path | None) -> list[str]:
    rank = ["-m", "dsforge.train.worker", str(folder), *([str(checkpoint)] if checkpoint else [])]
    endpoint = ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0"]
    return [
        sys.executable, "-m", "torch.distributed.run", "--nnodes=1", f"--nproc-per-node={config.num_gpus}",
        *endpoint, *rank,
    ]  # fmt: skip


def _environment(config: TrainConfig) -> dict[str, str]:
    environment = dict(os.environ)
    if not uses_gpu(config):
        environment["CUDA_VISIBLE_DEVICES"] = ""
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // config.num_gpus)))
        environment.setdefault("GLOO_SOCKET_IFNAME", "lo")  # ranks of one machine are not for its network
    return environment


def launch(job: Job, folder: Path, checkpoint: Path | None, on_step: OnStep) -> Outcome:
    """Train by `num_gpus` processes of this machine.

    Raises:
        ConfigError, InputError, OutputError: a rank did.
    """
    work = folder / JOB
    shutil.rmtree(work, ignore_errors=True)
    job.save(work)
    outcome: Outcome | None = None
    error: tuple[str, str] | None = None
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    process = subprocess.Popen(  # noqa: S603 - our own module
        _command(job.config, folder, checkpoint), env=_environment(job.config), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith(MARK):
                last.append(line.rstrip())
                continue
            message = msgspec.json.decode(line[len(MARK) :], type=Message)
            outcome, error = message.outcome or outcome, error or message.error
            if message.step:
                on_step(message.step)
        process.wait()
    finally:
        if process.poll() is None:  # interrupted: no rank is left behind
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        for pipe in filter(None, (process.stdin, process.stdout)):
            pipe.close()
        shutil.rmtree(work, ignore_errors=True)
    if error:
        raise _ERRORS.get(error[0], ConfigError)(error[1])
    if process.returncode or outcome is None:
        raise ConfigError(f"a training process failed (exit {process.returncode}): {_cause(last)}")
    return outcome
