"""One of several processes that train together: `python -m dsforge.train.worker FOLDER [CHECKPOINT]`, by torchrun."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from dsforge.errors import ConfigError, DsforgeError
from dsforge.train.job import Job
from dsforge.train.launch import JOB, MARK, Message, end_with_launcher
from dsforge.train.quiet import quiet_environment
from dsforge.train.recipe import Step
from dsforge.train.workspace import writing


def main() -> int:
    """Train as this rank; the first one says how it goes."""
    end_with_launcher()
    quiet_environment()
    folder = Path(sys.argv[1])
    checkpoint = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    first = os.environ["RANK"] == "0"

    def say(message: Message) -> None:
        sys.stdout.write(MARK + msgspec.json.encode(message).decode() + "\n")
        sys.stdout.flush()

    def on_step(step: Step) -> None:
        if first:
            say(Message(step=step))

    try:
        job = Job.load(folder / JOB)
        asked, there = job.config.num_gpus, int(os.environ["WORLD_SIZE"])
        if asked != there:
            raise ConfigError(f"num_gpus={asked}, but {there} processes were started")
        with writing(folder):
            outcome = job.run(folder, checkpoint, on_step)
    except DsforgeError as error:
        say(Message(error=(type(error).__name__, str(error))))
        return 2
    if first:
        say(Message(outcome=outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main())
