"""Ways to train that are compared by name: `zhipu/glm-4-flash`, `openai/gpt-4.1-mini`, `local:qwen2.5-7b/lora@4090`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dsforge.cost.count import TokenCount
from dsforge.cost.estimate import Choices, Estimate, Plan, estimate_cost, plan_estimate
from dsforge.cost.setup import Setup
from dsforge.errors import UsageError, did_you_mean
from dsforge.targets.load import fact_names
from dsforge.targets.profile import Gpu

_METHODS = ("lora", "qlora", "full")
_LOCAL = "local:"
_FORM = "TARGET/MODEL[/METHOD] for a platform, local:MODEL[/METHOD][@GPU] for GPUs"


@dataclass(frozen=True)
class Named:
    """One way, as it was written: at a platform, or on GPUs (`target` is "local"; of any kind where `gpu` is "")."""

    target: str
    model: str
    method: str = ""
    gpu: str = ""


def parse_ways(text: str) -> list[Named]:
    """The ways that `--compare` names, with commas between.

    Raises:
        UsageError: one is written in another form, or its GPU does not exist.
    """
    ways = [_parse(part.strip()) for part in text.split(",") if part.strip()]
    if not ways:
        raise UsageError(f"--compare names nothing: write {_FORM}, with commas between")
    return ways


def _parse(text: str) -> Named:
    if text.startswith(_LOCAL):
        rest, at, gpu = text.removeprefix(_LOCAL).partition("@")
        model, method = _without_method(rest)
        if not model or (at and not gpu):
            raise UsageError(f"--compare {text}: write local:MODEL[/METHOD][@GPU], as local:qwen2.5-7b/lora@rtx-4090")
        return Named("local", model, method, _gpu(gpu, text) if gpu else "")
    target, slash, rest = text.partition("/")
    model, method = _without_method(rest)
    if not (slash and target and model):
        raise UsageError(f"--compare {text}: write {_FORM}")
    return Named(target, model, method)


def _without_method(text: str) -> tuple[str, str]:
    model, slash, method = text.rpartition("/")
    return (model, method) if slash and method in _METHODS else (text, "")


def _gpu(name: str, text: str) -> str:
    """The GPU of that name, or the only one whose name has it as a part: 4090 is rtx-4090."""
    known = fact_names(Gpu)
    if name in known:
        return name
    like = [gpu for gpu in known if name.lower() in gpu]
    if len(like) != 1:
        which = f"which of {', '.join(like)}?" if like else f"there is no such GPU{did_you_mean(name, known)}"
        raise UsageError(f"--compare {text}: {which}")
    return like[0]


def plan_ways(ways: Sequence[Named], choices: Choices) -> list[Plan]:
    """Look up everything that is named, before any row is read; `choices` says what the ways do not.

    Raises:
        UsageError, ConfigError: as `plan_estimate` does; a method that a platform does not have.
    """
    return [plan_estimate(_choices(way, choices)) for way in ways]


def _choices(way: Named, choices: Choices) -> Choices:
    setup = choices.setup or Setup()
    if way.target == "local":
        method = way.method or setup.method
        gpus = [way.gpu] if way.gpu else []
        setup = replace(setup, method=method)  # type: ignore[arg-type]
        return replace(choices, targets=["local"], models=[way.model], gpus=gpus, setup=setup)
    if way.method == "qlora":
        raise UsageError(f"--compare {way.target}/{way.model}/qlora: platforms train lora or full")
    return replace(
        choices, targets=[way.target], models=[way.model], gpus=[],
        method=way.method or choices.method,  # type: ignore[arg-type]
    )  # fmt: skip


def estimate_ways(count: TokenCount, plans: Sequence[Plan]) -> Estimate:
    """The estimates of all ways together, each note once.

    Raises:
        UsageError, InputError: as `estimate_cost` does.
    """
    estimates = [estimate_cost(count, plan) for plan in plans]
    together = estimates[0]
    for estimate in estimates[1:]:
        together.quotes += estimate.quotes
        together.hardware += estimate.hardware
        together.notes += [note for note in estimate.notes if note not in together.notes]
    return together
