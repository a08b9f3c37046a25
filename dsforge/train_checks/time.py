"""How long a run takes, and what it would cost to rent the GPU that it runs on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from dsforge.cost.calibrate import read_calibration
from dsforge.cost.compute import Work, training_flops
from dsforge.cost.prices import PriceBook, money, rent
from dsforge.targets.load import all_facts
from dsforge.targets.profile import Gpu
from dsforge.train.device import Device, measured_flops
from dsforge.train.run import Prepared
from dsforge.train_checks.fit import Load

_EXTRA_FORWARDS = {"dpo": 1.0, "kto": 3.0}
"""Forward passes of a token beside its training pass: of the reference, and for KTO of both on a shuffled answer."""


@dataclass(frozen=True)
class Duration:
    """The work of a run. `seconds` are (fast, slow), None where nothing is known of the device's speed; `basis` says
    what they rest on. On a CPU the slow end is None: what matrices alone take is the least. `rent` is what the slow end
    costs, "" where no price is known.
    """

    tokens: int
    epochs: float
    steps: int
    flops: float
    seconds: tuple[float, float | None] | None
    basis: str
    rent: str = ""


def duration_of(run: Prepared, load: Load, device: Device) -> Duration:
    """The time of a run, by its work."""
    config, rows = run.config, run.training.rows
    tokens, steps = rows.tokens, run.batching.steps
    sequences = load.batch * load.sequences
    filled, squares = rows.padded(1 if run.batching.kind == "pack" else sequences)
    asked = config.trl.get("num_train_epochs", 3)
    epochs = float(asked) if isinstance(asked, (int, float)) else 3.0
    if config.run.max_steps:
        accumulated = config.trl.get("gradient_accumulation_steps", 1)
        a_step = load.batch * config.num_gpus * (accumulated if isinstance(accumulated, int) else 1)
        epochs = steps * a_step / len(rows)
    extra = _EXTRA_FORWARDS.get(run.recipe.name, 0.0)
    if config.trl.get("precompute_ref_log_probs"):
        extra -= 1
    flops = epochs * training_flops(load.model, load.setup, Work(filled, squares, max(0.0, extra)))
    whole = Duration(tokens, epochs, steps, flops, None, "")
    return _on_gpu(whole, load, device) if device.kind == "cuda" else _on_cpu(whole, load)


def _on_cpu(whole: Duration, load: Load) -> Duration:
    reached = measured_flops(load.model.hidden_size)
    basis = f"the products of matrices alone, at the {reached / 1e9:,.0f} GFLOP/s that this CPU was just seen to do"
    return Duration(whole.tokens, whole.epochs, whole.steps, whole.flops, (whole.flops / reached, None), basis)


def _on_gpu(whole: Duration, load: Load, device: Device) -> Duration:
    gpu = next((gpu for gpu in all_facts(Gpu) if device.name in gpu.devices), None)
    if gpu is None:
        basis = f"the peak of {device.name} is not registered"
        return Duration(whole.tokens, whole.epochs, whole.steps, whole.flops, None, basis)
    reached = read_calibration().utilisation(gpu.name, load.model.family)
    at_peak = whole.flops / (gpu.bf16_tflops * 1e12 * load.gpus)
    seconds = at_peak / reached.high, at_peak / reached.low
    measured = f"measured in {reached.runs} runs" if reached.runs else "a prior, not measured"
    basis = f"{gpu.title} at {reached.low:.0%} to {reached.high:.0%} of its peak ({measured})"
    price, paid = PriceBook({}).find("local", gpu.name), ""
    if price and price.unit != "month":
        amount, _ = rent(Decimal(str(seconds[1] / 3600)), load.gpus, price)
        paid = f"{money(amount)} {price.currency}"
    return Duration(whole.tokens, whole.epochs, whole.steps, whole.flops, seconds, basis, paid)
