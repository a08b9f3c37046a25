"""What a recipe is: which examples a method trains on, what it makes of them, and which trainer of TRL trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from dsforge.errors import ConfigError, RowError, did_you_mean
from dsforge.example import JSON, Example
from dsforge.registry import values
from dsforge.tokens.answers import Drawn
from dsforge.tokens.template import ChatTemplate
from dsforge.train.config import TrainConfig
from dsforge.train.token_rows import TokenRows


class Step(msgspec.Struct, frozen=True):
    """What was logged at a step: a training loss, a validation loss, or both. `epoch` counts passes over the rows.

    `accuracy` is the share of pairs whose chosen answer has the higher reward, `margin` the mean difference of the
    rewards, where the method has such: of the validation rows where there is a validation loss, else of the step.
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
    accuracy: float | None = None
    margin: float | None = None


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
    batching: Literal["plain", "group", "pack"] = "plain"


@dataclass(frozen=True, slots=True)
class Trainer:
    """A trainer of TRL: `NAMETrainer` with its `NAMEConfig` in `module`.

    `fixed` are arguments that dsforge sets whatever is asked, `set_elsewhere` says by argument what sets it. Unless it
    `takes_tokens` by itself, its own preparation of the rows is left out. `words` are the values that an argument
    knows, where TRL finds out only at the first step.
    """

    name: str
    module: str = "trl"
    fixed: Mapping[str, JSON] = field(default_factory=dict)
    set_elsewhere: Mapping[str, str] = field(default_factory=dict)
    takes_tokens: bool = False
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _no_check(config: TrainConfig) -> None:
    """Nothing beyond what every method checks."""


def _no_cautions(config: TrainConfig, rows: TokenRows) -> list[str]:
    return []


Render: TypeAlias = Callable[[ChatTemplate, Example], Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training method.

    - `accept` raises RowError for an example of the wrong kind.
    - `render` makes texts of an example (RowError where it cannot), `encode` sequences of many such.
    - `dataset` makes of the sequences what the trainer takes.
    - `check` raises ConfigError where the arguments do not fit, before any row is read.
    - `cautions` says what is worth knowing before the first step.
    - `sequences` is how many a row brings to a batch; `refers` whether a frozen reference model is run beside; `scores`
      whether the model gives a number rather than words; `whole` whether a row over the limit cannot be cut; `marks`
      whether the chat template has to mark what is trained; `groups` whether rows of like length can stand together,
      `packs` whether several can share a sequence.
    """

    name: str
    summary: str
    trainer: Trainer
    accept: Callable[[Example], None]
    render: Render
    encode: Callable[[ChatTemplate, Iterable[Any]], Iterator[Drawn]]
    dataset: Callable[[TokenRows, TrainConfig], Any]
    check: Callable[[TrainConfig], None] = _no_check
    cautions: Callable[[TrainConfig, TokenRows], list[str]] = _no_cautions
    sequences: int = 1
    refers: bool = False
    scores: bool = False
    whole: bool = False
    marks: bool = False
    groups: bool = False
    packs: bool = False


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


def methods_for(example: Example) -> list[str]:
    """The methods that train examples of this kind."""
    found = []
    for name, recipe in all_recipes().items():
        try:
            recipe.accept(example)
        except RowError:
            continue
        found.append(name)
    return found
