"""What a recipe is: which examples a method trains on, and how it trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from dsforge.errors import ConfigError, did_you_mean
from dsforge.example import Example
from dsforge.registry import values
from dsforge.train.config import TrainConfig
from dsforge.train.token_rows import TokenRows


class Step(msgspec.Struct, frozen=True):
    """What was logged at a step: a training loss, a validation loss, or both. `epoch` counts passes over the rows.

    `validation_seconds` is how long the validation took, where it was at this step; `train_seconds` how long the whole
    training did, validations among it, once it is at its end.
    """

    step: int
    steps: int
    epoch: float
    loss: float | None = None
    validation_loss: float | None = None
    validation_seconds: float = 0.0
    train_seconds: float = 0.0


OnStep: TypeAlias = Callable[[Step], None]


@dataclass(frozen=True)
class Material:
    """All that a recipe trains with. `model` and `tokenizer` are those of transformers."""

    config: TrainConfig
    model: Any
    tokenizer: Any
    rows: TokenRows
    validation: TokenRows | None
    folder: Path


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training method.

    `accept` raises RowError for an example of the wrong kind. `check` raises ConfigError where the
    arguments do not fit, before any row is read. `train` trains, saves what was trained and returns its path.
    """

    name: str
    summary: str
    accept: Callable[[Example], None]
    check: Callable[[TrainConfig], None]
    train: Callable[[Material, OnStep], Path]


@lru_cache(maxsize=1)
def all_recipes() -> dict[str, Recipe]:
    """Every recipe by name, found by a walk over `recipes/`."""
    return {recipe.name: recipe for recipe in values("dsforge.train.recipes", "RECIPE", Recipe)}


def get_recipe(name: str) -> Recipe:
    """The recipe called `name`; ConfigError where there is none."""
    recipes = all_recipes()
    if name not in recipes:
        raise ConfigError(f"no method {name!r}{did_you_mean(name, recipes)}")
    return recipes[name]
