"""Whether a run fits the memory of its device, and what would make it fit; an estimate by dsforge's cost model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Literal, TypeAlias

from dsforge.cost.local_model import local_model
from dsforge.cost.memory import BAND, CONTEXT_GIB, GIB, USABLE, Memory, training_memory
from dsforge.cost.parameters import count_parameters, matrices
from dsforge.cost.setup import Held, Setup, Sharding
from dsforge.errors import ConfigError
from dsforge.targets.profile import LocalMethod, Model
from dsforge.train.batching import batch_size
from dsforge.train.config import Full, TinyModel, TrainConfig
from dsforge.train.device import Device, config_file, loaded_dtype
from dsforge.train.run import Prepared
from dsforge.train.trainer import needs_reference

Verdict: TypeAlias = Literal["fits", "may not fit", "does not fit"]

_LARGEST = 1024
"""Rows of a batch that are tried, at most."""
_SHORTEST = 128
"""Tokens below which a limit is not proposed."""
_CPU_CONTEXT_GIB = 0.13
"""What trainer and libraries take on a CPU beside tensors: measured, 0.12 to 0.14 over models of 20 and 59 million."""
_SHARDING: dict[str, Sharding] = {"fsdp": "fsdp", "deepspeed": "zero3"}


class UnknownGeometry(ConfigError):
    """The size of a model is not known before it is loaded."""


@dataclass(frozen=True)
class Load:
    """What a device holds at once: `batch` rows of `tokens`, each making `sequences` sequences.

    `eight_bits` says whether the matrices of a frozen model are held in a byte a weight (peft.quantize=int8).
    """

    model: Model
    setup: Setup
    tokens: int
    batch: int
    sequences: int
    gpus: int
    reference: bool
    context: float
    eight_bits: bool = False

    @property
    def memory(self) -> Memory:
        """Its memory on each device."""
        memory = training_memory(
            self.model, self.setup, self.tokens, batch_size=self.batch * self.sequences, gpus=self.gpus,
            reference=self.reference, context=self.context,
        )  # fmt: skip
        if not self.eight_bits:
            return memory
        parameters, wide = count_parameters(self.model), 4 if self.setup.precision == "fp32" else 2
        saved = (wide - 1) * parameters.linear / (wide * parameters.total)
        return replace(memory, weights=memory.weights * (1 - saved))


@dataclass(frozen=True)
class Fit:
    """The memory that a run is estimated to take, in GiB, beside `room`, what its device has to be filled.

    `largest` is the largest batch that fits by the estimate, 0 for none; `advice` are settings with which it fits.
    """

    load: Load
    device: Device
    largest: int
    advice: str

    @property
    def memory(self) -> Memory:
        """By its parts."""
        return self.load.memory

    @property
    def room(self) -> float:
        """GiB that can be filled."""
        return room_of(self.device)

    @property
    def verdict(self) -> Verdict:
        """It does not fit where even the low end of the estimate's band is over, it fits where the high end is not.

        On a CPU the high end is twice the estimate: what is freed, the C library does not give back at once (measured:
        0.81 to 1.02 times the estimate where it does, 1.0 to 1.9 times with glibc as it is).
        """
        total = self.memory.total
        if total * (1 - BAND) > self.room:
            return "does not fit"
        high = 2 * total if self.device.kind == "cpu" else total * (1 + BAND)
        return "fits" if high <= self.room else "may not fit"

    def parts(self) -> dict[str, float]:
        """GiB of each part that takes any, the largest first."""
        parts = sorted(asdict(self.memory).items(), key=lambda part: -part[1])
        return {name: round(gib, 3) for name, gib in parts if gib >= 0.001}


def room_of(device: Device) -> float:
    """GiB of a device that can be filled."""
    return device.memory / GIB * USABLE


def geometry(run: Prepared) -> Model:
    """The size of the model of a run.

    Raises:
        UnknownGeometry: it cannot be told before the model is loaded.
    """
    chosen = run.config.model
    if isinstance(chosen, TinyModel):
        return _tiny(chosen, len(run.template.tokenizer))
    file = config_file(chosen)
    try:
        model = local_model(chosen.path) or (local_model(str(file)) if file else None)
    except ConfigError as error:
        raise UnknownGeometry(str(error)) from error
    if model is None:
        raise UnknownGeometry(f"{chosen.path} is no model whose size is known here")
    return model


def _tiny(model: TinyModel, vocabulary: int) -> Model:
    return Model(
        name="tiny", path="tiny", source="conf/train/model/tiny.yaml", as_of=date.today(), architecture="qwen3",
        hidden_size=model.width, layers=model.layers, heads=model.heads, kv_heads=max(1, model.heads // 2),
        head_dim=max(16, model.width // model.heads), intermediate_size=2 * model.width, vocab_size=vocabulary,
        qk_norm=True, tied_embeddings=True,
    )  # fmt: skip


def setup_of(run: Prepared, model: Model, device: Device) -> Setup:
    """How the run trains, as far as memory and work depend on it."""
    config, peft = run.config, run.config.peft
    wide = loaded_dtype(run.source, config) == "float32"
    precision: Held = "bf16"
    if wide:
        precision = "mixed" if device.kind == "cuda" and isinstance(peft, Full) else "fp32"
    sharding: Sharding = _SHARDING.get(config.hardware.kind, "none")
    checkpointing = bool(config.trl.get("gradient_checkpointing", True))  # TRL's own default
    if isinstance(peft, Full):
        return Setup("full", 0, (), sharding, precision, checkpointing)
    method: LocalMethod = "qlora" if peft.quantize in ("nf4", "fp4") else "lora"
    rank, named = peft.arguments.get("r"), peft.arguments.get("target_modules")
    known = {matrix.module for matrix in matrices(model)}
    wanted = named if isinstance(named, list) else [named]
    targets = tuple(name for name in wanted if isinstance(name, str) and name in known)
    return Setup(method, rank if isinstance(rank, int) else 1, targets, sharding, precision, checkpointing)


def load_of(run: Prepared, device: Device) -> Load:
    """What the run puts on its device at the longest row.

    Raises:
        UnknownGeometry: the size of the model is not known.
    """
    model, limit = geometry(run), run.config.max_length
    longest = run.training.rows.longest
    tokens = limit if run.batching.kind == "pack" and limit else longest
    context = CONTEXT_GIB if device.kind == "cuda" else _CPU_CONTEXT_GIB
    return Load(
        model, setup_of(run, model, device), tokens, batch_size(run.config), run.recipe.sequences,
        run.config.num_gpus, needs_reference(run.recipe, run.config), context, run.config.peft.quantize == "int8",
    )  # fmt: skip


def largest_batch(load: Load, device: Device) -> int:
    """The most rows of a batch that fit by the estimate, 0 where not even one does; at most 1,024 are tried."""
    room = room_of(device)
    low, high = 0, _LARGEST + 1
    while high - low > 1:
        middle = (low + high) // 2
        if replace(load, batch=middle).memory.total <= room:
            low = middle
        else:
            high = middle
    return low


def fit_of(run: Prepared, device: Device) -> Fit:
    """The estimate for a run.

    Raises:
        UnknownGeometry: the size of the model is not known.
    """
    load = load_of(run, device)
    return Fit(load, device, largest_batch(load, device), advice(run.config, load, device))


def advice(config: TrainConfig, load: Load, device: Device) -> str:
    """The overrides with which a run fits by the estimate, those that change the least of what is learnt first."""
    accumulated = config.trl.get("gradient_accumulation_steps", 1)
    whole = load.batch * (accumulated if isinstance(accumulated, int) else 1)
    for changed, words in _lighter(load, device):
        if batch := min(load.batch, largest_batch(changed, device)):
            smaller = [
                f"trl.per_device_train_batch_size={batch}", f"trl.gradient_accumulation_steps={-(-whole // batch)}"
            ] if batch < load.batch else []  # fmt: skip
            return " ".join([*smaller, *words])
    return ""


def _lighter(load: Load, device: Device) -> Iterator[tuple[Load, list[str]]]:
    """Ever lighter loads, each with the overrides that bring it about."""
    words: list[str] = []
    yield load, words
    if not load.setup.checkpointing:
        load, words = _with(load, checkpointing=True), [*words, "trl.gradient_checkpointing=true"]
        yield load, words
    if load.reference:
        alone = replace(load, reference=False)
        yield alone, [*words, "trl.precompute_ref_log_probs=true"]
    if load.setup.is_full:
        held: Held = "bf16" if device.kind == "cuda" else "fp32"
        load = replace(_with(load, method="lora", rank=16, precision=held), reference=False)
        words = [*words, "peft=lora"]
        yield load, words
    if load.setup.method == "lora" and device.kind == "cuda":
        load = replace(_with(load, method="qlora"), eight_bits=False)
        words = [*(word for word in words if word != "peft=lora"), "peft=qlora"]
        yield load, words
    tokens = load.tokens
    while tokens // 2 >= _SHORTEST:
        tokens //= 2
        yield replace(load, tokens=tokens), [*words, f"trl.max_length={tokens}"]


def _with(load: Load, **changes: object) -> Load:
    return replace(load, setup=replace(load.setup, **changes))  # type: ignore[arg-type]
