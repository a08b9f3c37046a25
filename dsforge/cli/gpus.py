"""The part of `dsforge cost` that is about GPUs of one's own: how a model is trained there, and calibration by runs."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from dsforge.cli.output import Output, quantity

if TYPE_CHECKING:
    from dsforge.cost.calibrate import Calibration, Measured, Skipped
    from dsforge.cost.quote import HardwareQuote
    from dsforge.cost.setup import Setup


class ShardingChoice(str, Enum):
    """What several GPUs divide among them: nothing (DDP), optimizer states, gradients too, weights too."""

    none = "none"
    zero1 = "zero1"
    zero2 = "zero2"
    zero3 = "zero3"
    fsdp = "fsdp"


class PrecisionChoice(str, Enum):
    """What full training holds weights and states in."""

    bf16 = "bf16"
    mixed = "mixed"


def setup_of(
    method: str | None, rank: int, targets: str, sharding: ShardingChoice, precision: PrecisionChoice,
    no_checkpointing: bool,
) -> Setup:  # fmt: skip
    """The training that the options describe; LoRA where no method is named."""
    from dsforge.cost.setup import Setup
    from dsforge.targets.profile import LocalMethod

    chosen: LocalMethod = "full" if method == "full" else "qlora" if method == "qlora" else "lora"
    names = () if targets == "all-linear" else tuple(name.strip() for name in targets.split(",") if name.strip())
    return Setup(chosen, rank, names, sharding.value, precision.value, not no_checkpointing)


def calibrated(out: Output, runs: str, file: str) -> tuple[Calibration, dict[str, Any]]:
    """The calibration that holds, after the runs under a folder were added to it; and what is said of it in JSON.

    The file is written where `runs` are named, and only read where they are not.
    """
    from dataclasses import asdict
    from datetime import date
    from pathlib import Path

    from dsforge.cost.calibrate import (
        Calibration,
        default_path,
        fit_runs,
        measure_runs,
        read_calibration,
        write_calibration,
    )

    if not runs:
        return read_calibration(file), {}
    path = Path(file) if file else default_path()
    known = read_calibration(path) if path.is_file() else Calibration()
    measured, skipped = measure_runs(runs, known)
    fits = fit_runs(measured, date.today())
    calibration = known.updated(fits)
    if fits:
        write_calibration(calibration, path)
    _show(out, measured, skipped)
    for fit in fits:
        out.say(
            f"  {fit.gpu}, {fit.family}: {fit.low:.1%} to {fit.high:.1%} of the peak, from {quantity(fit.runs, 'run')}"
        )
    out.say(f"  written to {path}" if fits else "  nothing to calibrate with")
    return calibration, {
        "calibration": {
            "file": str(path), "runs": [asdict(run) for run in measured], "skipped": [asdict(run) for run in skipped],
            "fits": [fit.model_dump(mode="json") for fit in fits],
        }
    }  # fmt: skip


def _show(out: Output, measured: list[Measured], skipped: list[Skipped]) -> None:
    if measured:
        out.say(out.style("Predicted and measured", "bold"))
        out.table(
            ["run", "GPU", "family", "method", "seconds predicted", "measured", "GiB predicted", "measured", "of peak"],
            [
                (run.run, run.gpu, run.family, run.method,
                 f"{run.predicted_seconds[0]:,.1f} to {run.predicted_seconds[1]:,.1f}", f"{run.seconds:,.1f}",
                 f"{run.predicted_gib:.1f}", "?" if run.memory_gib is None else f"{run.memory_gib:.1f}",
                 f"{run.utilisation:.1%}")
                for run in measured
            ],
        )  # fmt: skip
    for run in skipped:
        out.note(f"dsforge: {run.run} is not used: {run.reason}")


def fits(quote: HardwareQuote) -> str:
    """Whether a training fits, and whether it is the smallest or the cheapest set of GPUs on which it does."""
    return ", ".join(["yes" if quote.fits else "no", *quote.marks])


def assumptions(quotes: list[HardwareQuote], setup: Setup) -> list[str]:
    """What memory and time rest on, a line each."""
    from dsforge.cost.compute import UTILISATION
    from dsforge.cost.memory import BAND
    from dsforge.targets.load import load_gpu

    first, (low, high) = quotes[0], UTILISATION
    held = "BF16" if setup.precision == "bf16" or not setup.is_full else "mixed precision (FP32, autocast to BF16)"
    held = "4-bit weights (NF4)" if setup.method == "qlora" else held
    checkpointing = "gradient checkpointing" if setup.checkpointing else "no gradient checkpointing"
    adapts = f"LoRA of rank {setup.rank} on {', '.join(setup.targets) or 'all linear'}, " if not setup.is_full else ""
    sequences = f"sequences of up to {first.max_tokens:,} tokens, {first.batch_size} at a time"
    lines = [f"memory within {BAND:.0%} or so: {held}, {adapts}{checkpointing}, {sequences}"]
    if setup.is_full and setup.precision == "bf16":
        lines.append("dsforge train holds what it trains in full in FP32: --precision mixed")
    if any(quote.count > 1 for quote in quotes):
        lines.append(f"several GPUs divide by {setup.sharding} (--sharding)")
    if any(quote.fits and not quote.calibrated_runs for quote in quotes):
        lines.append(
            f"time to compute at {low:.0%} to {high:.0%} of the peak, a prior, without loading; the amount is for the "
            "slow end (--calibrate measures yours)"
        )
    doubtful = [name for name in dict.fromkeys(quote.gpu for quote in quotes) if not load_gpu(name).verified]
    lines += [f"{name}: memory and peak are unverified ({load_gpu(name).source})" for name in doubtful]
    measured = [quote for quote in quotes if quote.fits and quote.calibrated_runs]
    lines += [f"{quote.gpu}: {quote.formula}" for quote in measured if quote.amount is None]
    return lines
