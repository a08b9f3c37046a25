"""What one process needs to train, and what it makes of it; several share the work through a folder."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from dsforge.errors import ConfigError
from dsforge.train.batching import Kind
from dsforge.train.config import PathModel, TinyModel, TrainConfig
from dsforge.train.load import load_model
from dsforge.train.manifest import Hardware, used_hardware, watch_memory
from dsforge.train.recipe import Material, OnStep, get_recipe
from dsforge.train.tiny import build_model
from dsforge.train.token_rows import TokenRows
from dsforge.train.trainer import train

BASE = "base"
"""The folder of a run in which a tiny model is built."""


class Outcome(msgspec.Struct, frozen=True):
    """What a training came to. `saved` is relative to the run's folder, `seconds` are of this part of the run."""

    saved: str
    parameters: int
    parameters_trained: int
    seconds: float
    hardware: Hardware


@dataclass(frozen=True)
class Job:
    """A training: where its model is, its tokenizer and the rows as tokens."""

    config: TrainConfig
    source: PathModel
    tokenizer: Any
    rows: TokenRows
    validation: TokenRows | None
    batching: Kind

    def run(self, folder: Path, checkpoint: Path | None, on_step: OnStep) -> Outcome:
        """Train in this process, and leave the adapter or the model in `folder`."""
        recipe = get_recipe(self.config.method.name)
        model = load_model(self.source, self.config, scores=recipe.scores)
        for rows in filter(None, (self.rows, self.validation)):
            check_fit(rows, model)
        if self.batching == "pack" and not keeps_apart(model, self.rows):
            raise ConfigError(
                "the model lets rows that are packed into one sequence read one another: set run.batching=group"
            )
        material = Material(self.config, model, self.tokenizer, self.rows, self.validation, folder, self.batching)
        watch_memory()
        started = time.perf_counter()
        saved, trained = train(recipe, material, on_step, checkpoint)
        seconds = time.perf_counter() - started
        parameters = list(trained.parameters())
        return Outcome(
            str(saved.relative_to(folder)),
            sum(map(_size, parameters)),
            sum(_size(weight) for weight in parameters if weight.requires_grad),
            seconds,
            used_hardware(),
        )

    def save(self, folder: Path) -> None:
        """Write it into a new folder, for other processes."""
        folder.mkdir()
        values = {"config": self.config.model_dump(), "source": self.source.model_dump(), "batching": self.batching}
        (folder / "job.json").write_bytes(msgspec.json.encode(values))
        self.tokenizer.save_pretrained(folder / "tokenizer")
        self.rows.save(folder / "rows")
        if self.validation is not None:
            self.validation.save(folder / "validation")

    @classmethod
    def load(cls, folder: Path) -> Job:
        """What `save` wrote."""
        from transformers import AutoTokenizer

        values = msgspec.json.decode((folder / "job.json").read_bytes())
        validation = folder / "validation"
        return cls(
            TrainConfig.model_validate(values["config"]),
            PathModel.model_validate(values["source"]),
            AutoTokenizer.from_pretrained(folder / "tokenizer"),
            TokenRows.load(folder / "rows"),
            TokenRows.load(validation) if validation.exists() else None,
            values["batching"],
        )


def _size(weight: Any) -> int:
    """The numbers of a weight, also where DeepSpeed has left but a part of it here."""
    size: int = getattr(weight, "ds_numel", None) or weight.numel()
    return size


def check_fit(rows: TokenRows, model: Any) -> None:
    """ConfigError where the model has no place for a token or a position of the rows: it would fail within a step."""
    known = model.get_input_embeddings().num_embeddings
    if rows.largest_id >= known:
        raise ConfigError(f"the rows hold token {rows.largest_id}, the model knows {known:,}: is it its tokenizer?")
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if isinstance(positions, int) and rows.longest > positions:
        raise ConfigError(
            f"a row has {rows.longest:,} tokens, the model's positions end at {positions:,}: "
            f"set trl.max_length={positions}"
        )


def keeps_apart(model: Any, rows: TokenRows) -> bool:
    """Whether a row means the same to the model alone and behind another in one sequence, told by where it begins."""
    import torch

    ids = [ids[:_PROBED] for ids, _ in islice(rows, 2)]
    before, row = ids if len(ids) == 2 else (ids[0], ids[0])
    places = [*range(len(before)), *range(len(row))]
    training = model.training
    model.eval()
    with torch.no_grad():
        alone = model(input_ids=torch.tensor([row], device=model.device), use_cache=False).logits[0]
        packed = model(
            input_ids=torch.tensor([before + row], device=model.device),
            position_ids=torch.tensor([places], device=model.device),
            use_cache=False,
        ).logits[0, len(before) :]
    model.train(training)
    scale = alone.abs().max().item()
    return bool((alone - packed).abs().max().item() <= _ALIKE * scale)


_PROBED = 64
_ALIKE = 0.02
"""How far logits may be apart, against the largest: BF16 rounds to 0.8%, another row's words move them more."""


@dataclass(frozen=True)
class Base:
    """The model that a tiny run is trained from, in the run's own folder."""

    path: Path

    def build(self, model: TinyModel, tokenizer_folder: Path, tokenizer: Any, seed: int) -> None:
        """Build it; one that a run left which goes on now is the same, and built again."""
        from transformers import set_seed

        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        for file in tokenizer_folder.iterdir():
            shutil.copyfile(file, self.path / file.name)
        set_seed(seed)
        build_model(model, tokenizer, self.path)

    def name_final(self, saved: Path, final: Path) -> None:
        """Where an adapter's files name this base, let them name where it will stand: in the folder `final`."""
        here, there = str(self.path), str(final.resolve() / BASE)
        config, card = saved / "adapter_config.json", saved / "README.md"
        if config.is_file():
            values = json.loads(config.read_text(encoding="utf-8"))
            values["base_model_name_or_path"] = values["base_model_name_or_path"].replace(here, there)
            config.write_text(json.dumps(values, indent=2), encoding="utf-8")
        if card.is_file():
            card.write_text(card.read_text(encoding="utf-8").replace(here, there), encoding="utf-8")


def base_of(folder: Path) -> Base:
    """The base of a run in `folder`."""
    return Base(folder.resolve() / BASE)
