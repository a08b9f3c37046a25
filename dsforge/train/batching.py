"""How rows come together in a batch: as they come, those of like length together, or several in one sequence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from dsforge.errors import ConfigError, did_you_mean
from dsforge.train.config import TrainConfig
from dsforge.train.recipe import Recipe
from dsforge.train.token_rows import TokenRows, padded

Kind: TypeAlias = Literal["plain", "group", "pack"]

_GROUPED = "group_by_length"
_STRATEGIES = ("random", "sequential", _GROUPED, "batch_rebalance")
"""What transformers 5 knows."""
_WORTH = 0.05
"""The share of padding among a batch's tokens from which on grouping pays: a prior."""


@dataclass(frozen=True)
class Batching:
    """What was chosen and why, as words for the reader; `padding` is the share of filler among the tokens of batches
    as they come, `steps` how many the run will take."""

    kind: Kind
    why: str
    padding: float
    steps: int


def check_batching(config: TrainConfig, recipe: Recipe) -> Kind | None:
    """What the configuration asks for, None where the lengths are to decide.

    Raises:
        ConfigError: it asks for two things, or for one that the method cannot do.
    """
    asked: dict[str, Kind] = {}
    if config.run.batching != "auto":
        asked[f"run.batching={config.run.batching}"] = config.run.batching
    if config.trl.get("packing"):
        asked["trl.packing=true"] = "pack"
    if strategy := config.trl.get("train_sampling_strategy"):
        if strategy not in _STRATEGIES:
            known = did_you_mean(str(strategy), _STRATEGIES)
            raise ConfigError(f"trl.train_sampling_strategy={strategy} is none that there is{known}")
        asked[f"trl.train_sampling_strategy={strategy}"] = "group" if strategy == _GROUPED else "plain"
    if len(set(asked.values())) > 1:
        raise ConfigError(f"{' and '.join(asked)} contradict each other: leave one of them out")
    if not asked:
        return None
    words, kind = next(iter(asked.items()))
    if (kind == "group" and not recipe.groups) or (kind == "pack" and not recipe.packs):
        raise ConfigError(f"{words} is nothing that method={recipe.name} can do: leave it out")
    if kind == "pack" and config.max_length is None:
        raise ConfigError(f"{words} fills sequences of trl.max_length tokens: set it to a number")
    return kind


def _number(config: TrainConfig, name: str, default: float) -> float:
    value = config.trl.get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else default


def batch_size(config: TrainConfig) -> int:
    """Rows of a batch on one device; 8 is the default of transformers."""
    return int(_number(config, "per_device_train_batch_size", 8))


def steps_of(config: TrainConfig, rows: int) -> int:
    """The steps that a run over so many rows (or packed sequences) takes."""
    if config.run.max_steps:
        return config.run.max_steps
    batches = -(-rows // (batch_size(config) * config.num_gpus))
    a_step = int(_number(config, "gradient_accumulation_steps", 1))
    return max(1, round(max(1, -(-batches // a_step)) * _number(config, "num_train_epochs", 3)))


def padding_share(lengths: Sequence[int], size: int, seed: int = 0) -> float:
    """The share of filler among the tokens of batches of `size`, drawn at random."""
    drawn = random.Random(seed).sample(lengths, len(lengths))  # noqa: S311 - an estimate, not a secret
    filled = padded(drawn, size)[0]
    return 1 - sum(lengths) / filled if filled else 0.0


def choose(config: TrainConfig, recipe: Recipe, rows: TokenRows) -> Batching:
    """How the rows come together.

    Unasked, rows of like length stand together where batches would else be filled up by a twentieth or more. Rows are
    packed only when asked: that makes fewer, larger steps, which learn otherwise, and on a CPU it is not the fastest
    way (`python benchmarks/train.py`); where a third of the steps would do, it is told.

    Raises:
        ConfigError: as `check_batching`.
    """
    asked = check_batching(config, recipe)
    lengths, size = rows.lengths, batch_size(config) * recipe.sequences
    padding = padding_share(lengths, size)
    plain_steps = steps_of(config, len(rows))
    packed_steps = steps_of(config, packed_rows(lengths, config.max_length)) if config.max_length else plain_steps
    if asked:
        return Batching(asked, "as asked", padding, packed_steps if asked == "pack" else plain_steps)
    if not recipe.groups:
        return Batching("plain", f"method={recipe.name} takes batches as they come", padding, plain_steps)
    if padding < _WORTH or len(rows) <= size:
        return Batching("plain", f"padding is {padding:.0%} of a batch", padding, plain_steps)
    why = f"rows of like length together: else {padding:.0%} were padding"
    if recipe.packs and 3 * packed_steps <= plain_steps:
        why += f"; run.batching=pack would make {packed_steps:,} full steps of them"
    return Batching("group", why, padding, plain_steps)


def packed_rows(lengths: Sequence[int], limit: int | None) -> int:
    """About how many sequences of `limit` tokens the rows fill: best-fit leaves next to nothing free."""
    return -(-sum(min(length, limit or length) for length in lengths) // limit) if limit else len(lengths)


def arguments(kind: Kind, recipe: Recipe) -> dict[str, Any]:
    """The arguments of TRL that bring it about."""
    return {
        **({"packing": kind == "pack", "eval_packing": False} if recipe.packs else {}),
        **({"train_sampling_strategy": _GROUPED} if kind == "group" else {}),
    }


def packed(dataset: Any, config: TrainConfig) -> Any:
    """The dataset with several rows in a sequence, none of them split: all are within the limit."""
    from trl import pack_dataset

    return pack_dataset(dataset.remove_columns("length"), config.max_length, "bfd")
