"""What `dsforge train` says of its rows by lint, and of memory, time and disk; where a run would fail it stops here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dsforge.cli.output import Output, quantity
from dsforge.errors import ConfigError, InputError, OutputError

if TYPE_CHECKING:
    from dsforge.train.config import TrainConfig
    from dsforge.train.row_workers import RowWorkers
    from dsforge.train.run import Prepared
    from dsforge.train_checks.disk import Disk
    from dsforge.train_checks.fit import Fit
    from dsforge.train_checks.rows import LintedRows
    from dsforge.train_checks.time import Duration

_GIB, _MIB = 1 << 30, 1 << 20


@dataclass
class Judged:
    """What was found out before a run; None where it was not looked for or cannot be told."""

    rows: LintedRows | None = None
    fit: Fit | None = None
    duration: Duration | None = None
    disk: Disk | None = None
    unknown: str = ""
    over: list[dict[str, Any]] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """The keys of `--json`."""
        return {
            "lint": self.rows and {
                "rows_in": self.rows.rows_in, "errors": len(self.rows.errors), "counts": self.rows.counts,
                "leaks": self.rows.leaks,
            },
            "memory": self._memory() if self.fit else {"unknown": self.unknown} if self.unknown else None,
            "time": self.duration and {
                "tokens_per_epoch": self.duration.tokens, "epochs": self.duration.epochs, "steps": self.duration.steps,
                "flops": self.duration.flops, "seconds": self.duration.seconds, "basis": self.duration.basis,
                "rent": self.duration.rent or None,
            },
            "disk": self.disk and {
                "final_bytes": self.disk.final, "checkpoint_bytes": self.disk.checkpoint,
                "checkpoints": self.disk.checkpoints, "needed_bytes": self.disk.needed, "free_bytes": self.disk.free,
                "fits": self.disk.fits,
            },
            "over_length": self.over,
        }  # fmt: skip

    def _memory(self) -> dict[str, Any]:
        assert self.fit is not None
        fit = self.fit
        return {
            "gib": round(fit.memory.total, 3), "parts": fit.parts(), "device": fit.device.name,
            "room_gib": round(fit.room, 3), "verdict": fit.verdict, "batch": fit.load.batch,
            "largest_batch": fit.largest, "advice": fit.advice or None,
        }  # fmt: skip


def look_at_rows(out: Output, config: TrainConfig, workers: RowWorkers | None) -> LintedRows | None:
    """Lint the files of a run, by a worker while the training libraries are imported; None where `preflight=off`.

    Raises:
        InputError: rows have errors, and `preflight=stop`.
    """
    if config.preflight == "off":
        return None
    from dsforge.train.quiet import load_libraries
    from dsforge.train_checks.rows import check_rows

    linted = workers.beside(check_rows, config.data, meanwhile=load_libraries) if workers else check_rows(config.data)
    if not linted.errors:
        return linted
    lines = "\n  ".join(linted.lines())
    if config.preflight == "stop":
        raise InputError(
            f"{quantity(len(linted.errors), 'error')} in {quantity(linted.rows_in, 'row')}, so nothing is trained:\n"
            f"  {lines}\n"
            "mend them (dsforge lint --fix FILE; dsforge rule CODE explains one), or train all the same: preflight=warn"
        )
    out.say(out.style("errors", "yellow") + f"    {quantity(len(linted.errors), 'error')} by lint:\n  {lines}")
    return linted


def judge(out: Output, run: Prepared, rows: LintedRows | None) -> Judged:
    """Estimate memory, time and disk of a run that is ready, and say them.

    Raises:
        ConfigError: the memory does not suffice, and `preflight=stop`.
        OutputError: the disk has not enough room, and `preflight=stop`.
    """
    judged = Judged(rows, over=_over(run))
    if run.config.preflight == "off":
        return judged
    from dsforge.train.device import find_device
    from dsforge.train_checks.disk import disk_of
    from dsforge.train_checks.fit import UnknownGeometry, fit_of
    from dsforge.train_checks.time import duration_of

    device = find_device(run.config)
    try:
        fit = fit_of(run, device)
    except UnknownGeometry as error:
        judged.unknown = str(error)
        out.say(f"memory    not estimated: {error}")
        return judged
    judged.fit, judged.duration, judged.disk = fit, duration_of(run, fit.load, device), disk_of(run, fit.load)
    _say_memory(out, fit)
    _say_time(out, judged.duration)
    _say_disk(out, judged.disk)
    if run.config.preflight == "stop":
        _stop(run, fit, judged.disk)
    return judged


def _stop(run: Prepared, fit: Fit, disk: Disk) -> None:
    if fit.verdict == "does not fit":
        advice = (
            f"with {fit.advice} it would fit"
            if fit.advice
            else "no setting of batch, length or adapter makes it fit: take a smaller model"
        )
        raise ConfigError(
            f"about {_size(fit.memory.total)} of memory are needed and {_whose(fit)} {_size(fit.room)}: "
            f"{advice}; preflight=warn tries all the same"
        )
    if not disk.fits:
        raise OutputError(
            f"the run needs about {_bytes(disk.needed)} on the disk of {run.folder} and {_bytes(disk.free)} are free: "
            f"{_save_disk(disk)}; preflight=warn tries all the same"
        )


def _whose(fit: Fit) -> str:
    return "the machine has free" if fit.device.kind == "cpu" else f"{fit.device.name} has"


def _save_disk(disk: Disk) -> str:
    ways = ["name a run.folder on another disk"]
    if disk.checkpoints and disk.final <= disk.free:
        ways.append("+trl.save_strategy=no (the run could then not be resumed)")
        without = disk.final + disk.checkpoints * disk.checkpoint // 3
        if without <= disk.free:
            ways.append("+trl.save_only_model=true")
    return ", or ".join(ways)


def _over(run: Prepared) -> list[dict[str, Any]]:
    return [
        {"path": path, "row": one.row, "tokens": one.tokens, "lost": one.lost, "lost_trained": one.lost_trained}
        for path, one in run.training.over
    ]


def _say_memory(out: Output, fit: Fit) -> None:
    colour = {"fits": "green", "may not fit": "yellow", "does not fit": "red"}[fit.verdict]
    largest = f"the largest batch that fits is {fit.largest:,}" if fit.largest else "not even a batch of one row fits"
    parts = ", ".join(f"{name} {_size(gib)}" for name, gib in list(fit.parts().items())[:4])
    out.say(
        f"memory    about {_size(fit.memory.total)} of {_size(fit.room)} ({fit.device.name}): "
        + out.style(fit.verdict, colour)
        + f"; {largest} (now {fit.load.batch})"
    )
    out.say(f"          {parts}")
    if fit.verdict == "may not fit" and fit.advice:
        out.say(out.style("caution", "yellow") + f"   the estimate is good to a fifth; lighter: {fit.advice}")


def _say_time(out: Output, duration: Duration) -> None:
    out.say(
        f"time      {quantity(duration.tokens, 'token')} an epoch, {duration.epochs:g} epochs, "
        f"{quantity(duration.steps, 'step')}, {duration.flops:.3g} FLOPs"
    )
    if duration.seconds is None:
        out.say(f"          not estimated: {duration.basis}")
        return
    fast, slow = duration.seconds
    words = f"{_time(fast)} or more" if slow is None else f"{_time(fast)} to {_time(slow)}"
    rent = f"; rent at most {duration.rent}" if duration.rent else ""
    out.say(f"          {words}: {duration.basis}{rent}")


def _say_disk(out: Output, disk: Disk) -> None:
    many = f" and {quantity(disk.checkpoints, 'checkpoint')} of {_bytes(disk.checkpoint)}" if disk.checkpoints else ""
    verdict = out.style("fits", "green") if disk.fits else out.style("does not fit", "red")
    out.say(f"disk      {_bytes(disk.final)}{many}, {_bytes(disk.free)} free: {verdict}")


def _size(gib: float) -> str:
    return f"{gib:,.1f} GiB" if gib >= 1 else f"{gib * 1024:,.0f} MiB"


def _bytes(number: int) -> str:
    return f"{number / _GIB:,.1f} GiB" if number >= _GIB else f"{math.ceil(number / _MIB):,} MiB"


def _time(seconds: float) -> str:
    if seconds < 0.1:
        return "0.1 s"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
