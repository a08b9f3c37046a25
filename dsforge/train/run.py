"""A run from its configuration to what it leaves: prepare, look, train, record."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from dsforge.errors import ConfigError, InputError, OutputError
from dsforge.extras import require
from dsforge.io.atomic import atomic_write
from dsforge.io.rejects import write_rejects
from dsforge.io.source import open_source
from dsforge.report.loss_curve import write_png
from dsforge.tokens.template import ChatTemplate
from dsforge.train.config import PathModel, TinyModel, TrainConfig
from dsforge.train.load import load_model, load_tokenizer, training_template
from dsforge.train.manifest import (
    DataCount,
    Manifest,
    count_data,
    count_sequences,
    package_versions,
    python_version,
    rewards,
    training_losses,
    training_seconds,
    used_hardware,
    validation_losses,
    watch_memory,
    write_manifest,
)
from dsforge.train.preflight import Preflight, preflight
from dsforge.train.quiet import quiet_environment
from dsforge.train.recipe import Material, OnStep, Recipe, Step, get_recipe
from dsforge.train.tiny import build_model, build_tokenizer
from dsforge.train.token_rows import TokenRows
from dsforge.train.trainer import check_arguments
from dsforge.train.trainer import train as train_model

_MARKER = "config.json"
REJECTS = "rejects.jsonl"
BASE = "base"
"""The folder of a run in which a tiny model is built."""


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to start. `source` is the model to load; of a tiny one only the tokenizer stands there."""

    config: TrainConfig
    recipe: Recipe
    source: PathModel
    template: ChatTemplate
    training: Preflight
    validation: Preflight | None

    @property
    def folder(self) -> Path:
        """Where the run leaves what it makes."""
        return run_folder(self.config)


def run_folder(config: TrainConfig) -> Path:
    """FOLDER/NAME of the run."""
    return Path(config.run.folder) / config.run.name


def check_folder(config: TrainConfig) -> None:
    """OutputError where the run's folder is taken, and must not or cannot be replaced."""
    folder = run_folder(config)
    if not folder.exists():
        parent = next(path for path in folder.parents if path.exists())
        if not parent.is_dir():
            raise OutputError(f"{parent} is no folder: choose another run.folder")
        return
    if not config.run.overwrite:
        raise OutputError(f"{folder} exists: give another run.name, or replace it with run.overwrite=true")
    if any(folder.iterdir() if folder.is_dir() else [folder]) and not (folder / _MARKER).is_file():
        raise OutputError(f"{folder} was not made by dsforge train, so it is not overwritten: give another run.name")


def _as_path(config: TrainConfig, work: Path) -> PathModel:
    """The model to load; a tiny one is first built in `work`, then loaded like any other."""
    if isinstance(config.model, PathModel):
        return config.model
    build_tokenizer(config.model, config.data, work)
    return PathModel(
        kind="path", path=str(work), revision=None, dtype="float32", template="auto", trust_remote_code=False
    )


@contextmanager
def prepared(config: TrainConfig) -> Iterator[Prepared]:
    """Everything up to the first step: arguments checked, rows read and tokenised; nothing left behind yet.

    Raises:
        ConfigError, InputError, OutputError: the run could not be finished as asked.
    """
    quiet_environment()
    check_folder(config)
    for path in filter(None, (config.data.path, config.data.validation)):
        if path == "-":
            raise InputError("train reads its rows more than once: save standard input to a file first")
        open_source(path).close()
    for module in ("torch", "transformers", "trl", "peft", "datasets"):
        require(module, "train", "dsforge train")
    recipe = get_recipe(config.method.name)
    check_arguments(recipe, config)
    with tempfile.TemporaryDirectory(prefix="dsforge-tiny-") as temporary:
        source = _as_path(config, Path(temporary))
        tokenizer = load_tokenizer(source) if isinstance(config.model, PathModel) else _tiny_tokenizer(source)
        template = training_template(tokenizer, source.template, marks=recipe.marks)
        found = [
            preflight(path, config.data, config.max_length, recipe, template)
            for path in (config.data.path, config.data.validation)
            if path is not None
        ]
        yield Prepared(config, recipe, source, template, found[0], found[1] if len(found) > 1 else None)


def _tiny_tokenizer(source: PathModel) -> object:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(source.path)


@contextmanager
def _published(folder: Path) -> Iterator[Path]:
    """A folder that takes the name `folder` when the block ends without an error, in place of what stood there.

    After an error nothing is left of it, but for checkpoints that were asked for: those stay in NAME.unfinished.
    """
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}") from error
    try:
        yield partial
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
    finally:
        if any(partial.glob("checkpoint-*")):
            unfinished = folder.with_name(f"{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            partial.rename(unfinished)
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _fill(run: Prepared, folder: Path) -> None:
    with atomic_write(folder / _MARKER) as file:
        file.write(msgspec.json.format(msgspec.json.encode(run.config.model_dump()), indent=2) + b"\n")
    write_rejects(folder / REJECTS, run.training.rejects + (run.validation.rejects if run.validation else []))


def _material(run: Prepared, folder: Path) -> Material:
    from transformers import set_seed

    set_seed(run.config.run.seed)
    source, tokenizer = run.source, run.template.tokenizer
    if isinstance(run.config.model, TinyModel):
        base = folder.resolve() / BASE
        base.mkdir()
        for file in Path(source.path).iterdir():
            shutil.copyfile(file, base / file.name)
        build_model(run.config.model, tokenizer, base)
        source = source.model_copy(update={"path": str(base)})
    model = load_model(source, run.config, scores=run.recipe.scores)
    validation = run.validation.rows if run.validation else None
    for rows in filter(None, (run.training.rows, validation)):
        check_fit(rows, model)
    return Material(run.config, model, tokenizer, run.training.rows, validation, folder)


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


def _name_final(saved: Path, partial: Path, final: Path) -> None:
    """Where an adapter's files name the tiny base they were trained on, let them name where it will stand."""
    config, card = saved / "adapter_config.json", saved / "README.md"
    if config.is_file():
        values = json.loads(config.read_text(encoding="utf-8"))
        base = values["base_model_name_or_path"]
        values["base_model_name_or_path"] = base.replace(str(partial.resolve()), str(final.resolve()))
        config.write_text(json.dumps(values, indent=2), encoding="utf-8")
    if card.is_file():
        text = card.read_text(encoding="utf-8")
        card.write_text(text.replace(str(partial.resolve()), str(final.resolve())), encoding="utf-8")


def train(run: Prepared, on_step: OnStep) -> Manifest:
    """Train, and leave the adapter (or model), the loss curve, the rejects and the manifest in the run's folder.

    Every step is handed to `on_step`. The folder takes its name when all is done: a run that fails leaves none,
    and one that was to be replaced stays.
    """
    with _published(run.folder) as folder:
        return _train(run, folder, on_step)


def _train(run: Prepared, folder: Path, on_step: OnStep) -> Manifest:
    _fill(run, folder)
    counts = [count_data(found) for found in (run.training, run.validation) if found]
    steps: list[Step] = []

    def keep(step: Step) -> None:
        steps.append(step)
        if not step.train_seconds:  # the last word of the trainer is no step
            on_step(step)

    material = _material(run, folder)
    watch_memory()
    started = time.perf_counter()
    saved = train_model(run.recipe, material, keep)
    seconds = time.perf_counter() - started
    losses, validation = training_losses(steps), validation_losses(steps)
    if losses:
        write_png(folder / "loss.png", losses, validation, title=f"{run.config.run.name}: loss by step")
    _name_final(saved, folder, run.folder)
    final = run.folder / saved.relative_to(folder)
    manifest = _manifest(run, material, counts, final, seconds, steps)
    write_manifest(manifest, folder / "manifest.json")
    return manifest


def _manifest(
    run: Prepared, material: Material, counts: list[DataCount], saved: Path, seconds: float, steps: list[Step]
) -> Manifest:
    losses = training_losses(steps)
    parameters = list(material.model.parameters())
    seen = run.training.tokens * steps[-1].epoch if steps else 0.0
    return Manifest(
        name=run.config.run.name,
        made_by="dsforge train",
        python=python_version(),
        versions=package_versions(),
        config=run.config.model_dump(),
        data=counts[0],
        validation=counts[1] if run.validation else None,
        chat_template=run.template.origin,
        parameters=sum(weight.numel() for weight in parameters),
        parameters_trained=sum(weight.numel() for weight in parameters if weight.requires_grad),
        saved=str(saved),
        seconds=round(seconds, 3),
        train_seconds=round(training_seconds(steps), 3),
        tokens_per_second=round(seen / seconds, 1) if seconds else 0.0,
        epochs=steps[-1].epoch if steps else 0.0,
        hardware=used_hardware(),
        sequences=count_sequences(run.training.rows, run.recipe, material.config),
        final_loss=losses[-1][1] if losses else None,
        losses=losses,
        validation_losses=validation_losses(steps),
        rewards=rewards(steps, validation=False),
        validation_rewards=rewards(steps, validation=True),
    )
