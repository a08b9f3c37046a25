"""A run from its configuration to what it leaves: prepare, look, train, record."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from dsforge.errors import ConfigError, InputError
from dsforge.extras import require
from dsforge.io.rejects import Reject, write_rejects
from dsforge.io.source import open_source
from dsforge.report.loss_curve import write_png
from dsforge.tokens.template import ChatTemplate
from dsforge.train.after import Aftermath, come_after
from dsforge.train.batching import Batching, choose
from dsforge.train.config import DataConfig, PathModel, TinyModel, TrainConfig
from dsforge.train.job import Job, Outcome, base_of
from dsforge.train.launch import launch
from dsforge.train.leave import leave
from dsforge.train.load import load_tokenizer, training_template
from dsforge.train.manifest import (
    DataCount,
    Manifest,
    count_data,
    count_sequences,
    file_hash,
    git_state,
    package_versions,
    python_version,
    rewards,
    training_losses,
    training_seconds,
    validation_losses,
)
from dsforge.train.preflight import Preflight, preflight, together
from dsforge.train.quiet import load_libraries
from dsforge.train.recipe import OnStep, Recipe, Step, get_recipe
from dsforge.train.row_workers import RowWorkers
from dsforge.train.saved import MERGED, Saved
from dsforge.train.settings import check_arguments
from dsforge.train.tiny import build_tokenizer
from dsforge.train.workspace import (
    check_folder,
    checkpoints,
    run_folder,
    trainer_state,
    unfinished_folder,
    workspace,
    writing,
)

REJECTS = "rejects.jsonl"


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to start. `source` is the model to load; of a tiny one only the tokenizer stands there.

    `files` are the files of rows one by one, `training` all of them as one, with the rows of an epoch. `asked` is the
    configuration as it is recorded: it says of a share of the rows that is held out what `config` says in files.
    """

    config: TrainConfig
    recipe: Recipe
    source: PathModel
    template: ChatTemplate
    files: list[Preflight]
    training: Preflight
    validation: Preflight | None
    batching: Batching
    asked: TrainConfig

    @property
    def folder(self) -> Path:
        """Where the run leaves what it makes."""
        return run_folder(self.config)

    @property
    def rejects(self) -> list[Reject]:
        """The rejected rows of all files."""
        return self.training.rejects + (self.validation.rejects if self.validation else [])


def _as_path(config: TrainConfig, work: Path) -> PathModel:
    """The model to load; a tiny one is first built in `work`, then loaded like any other."""
    if isinstance(config.model, PathModel):
        return config.model
    build_tokenizer(config.model, config.data, work)
    return PathModel(
        kind="path", path=str(work), revision=None, dtype="float32", template="auto", trust_remote_code=False
    )


def _validation_file(data: DataConfig) -> str | None:
    if isinstance(data.validation, float):
        raise TypeError("rows are held out before: a share is no file")
    return data.validation


@contextmanager
def prepared(
    config: TrainConfig, asked: TrainConfig | None = None, workers: RowWorkers | None = None
) -> Iterator[Prepared]:
    """Everything up to the first step: arguments checked, rows read and tokenised; nothing left behind yet.

    `asked` is what is recorded, where `config` names files that were made of what it says; `workers` look at
    the rows of large ones.

    Raises:
        ConfigError, InputError, OutputError: the run could not be finished as asked.
    """
    check_folder(config)
    validation = _validation_file(config.data)
    if validation and any(Path(validation).resolve() == Path(path).resolve() for path in config.data.paths):
        raise ConfigError(
            f"data.validation={validation} is trained on as well: name another file, or hold out a share of it, "
            "data.validation=0.1"
        )
    for path in filter(None, (*config.data.paths, validation)):
        if path == "-":
            raise InputError("train reads its rows more than once: save standard input to a file first")
        open_source(path).close()
    load_libraries()
    for module in ("torch", "transformers", "trl", "peft"):
        require(module, "train", "dsforge train")
    recipe = get_recipe(config.method.name)
    check_arguments(recipe, config)
    with tempfile.TemporaryDirectory(prefix="dsforge-tiny-") as temporary:
        source = _as_path(config, Path(temporary))
        tokenizer = load_tokenizer(source) if isinstance(config.model, PathModel) else _tiny_tokenizer(source)
        template = training_template(tokenizer, source.template, marks=recipe.marks)

        def look(path: str) -> Preflight:
            return preflight(path, config.data, config.max_length, recipe, template, workers)

        files = [look(path) for path in config.data.paths]
        training = together(files, config.data.weights, config.run.seed)
        held_out = look(validation) if validation else None
        batching = choose(config, recipe, training.rows)
        yield Prepared(config, recipe, source, template, files, training, held_out, batching, asked or config)


def _tiny_tokenizer(source: PathModel) -> object:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(source.path)


def train(run: Prepared, on_step: OnStep) -> Manifest:
    """Train, and leave the adapter (or model), the loss curve, the rejects and the record in the run's folder.

    Every step is handed to `on_step`. The folder takes its name when all is done, and one that was to be replaced
    stays until then. A run that was killed goes on from its last checkpoint; one that fails without any leaves none.
    """
    paths = [*run.config.data.paths, *([run.validation.path] if run.validation else [])]
    hashes = {path: file_hash(path) for path in paths}
    with workspace(run.asked, hashes) as (folder, checkpoint), writing(folder):
        write_rejects(folder / REJECTS, run.rejects)
        steps: list[Step] = []

        def keep(step: Step) -> None:
            steps.append(step)
            if not step.train_seconds:  # the last word of the trainer is no step
                on_step(step)

        job = _job(run, folder)
        start = partial(launch, job) if run.config.num_gpus > 1 else job.run
        outcome = start(folder, checkpoint, keep)
        losses, validation = training_losses(steps), validation_losses(steps)
        if losses:
            write_png(folder / "loss.png", losses, validation, title=f"{run.config.run.name}: loss by step")
        base_of(folder).name_final(folder / outcome.saved, run.folder)
        saved = Saved(folder / outcome.saved, run.config.peft.is_adapter, job.source, run.recipe.scores)
        held_out = _final_path(run, (run.validation or run.training).path)
        aftermath = come_after(run.config, saved, folder, job.rows, job.validation, held_out)
        manifest = _manifest(run, outcome, hashes, steps, aftermath)
        leave(manifest, saved, run.template, run.folder)
        return manifest


def resumes_at(config: TrainConfig) -> int:
    """The step from which a run that was cut off would go on, 0 where it begins anew."""
    whole = checkpoints(unfinished_folder(run_folder(config)))
    goes_on = whole and config.run.resume and not config.run.overwrite
    return int(trainer_state(whole[-1])["global_step"]) if goes_on else 0


def _job(run: Prepared, folder: Path) -> Job:
    """What a process needs to train; a tiny model's base stands in the run's folder from here on."""
    source, tokenizer = run.source, run.template.tokenizer
    if isinstance(run.config.model, TinyModel):
        base = base_of(folder)
        base.build(run.config.model, Path(source.path), tokenizer, run.config.run.seed)
        source = source.model_copy(update={"path": str(base.path)})
    validation = run.validation.rows if run.validation else None
    return Job(run.config, source, tokenizer, run.training.rows, validation, run.batching.kind)


def _counts(run: Prepared, hashes: dict[str, str]) -> list[DataCount]:
    """All files as one, then each of them."""
    weights = run.config.data.weights or [1.0] * len(run.files)
    files = [_count(run, found, hashes[found.path], weight) for found, weight in zip(run.files, weights, strict=True)]
    return [files[0] if len(files) == 1 else _count(run, run.training, ""), *files]


def _count(run: Prepared, found: Preflight, sha256: str, weight: float = 1) -> DataCount:
    """The counts of a file by its name once the run is done: rows that were held out stand in its own folder."""
    count = count_data(found, sha256, weight)
    return msgspec.structs.replace(count, path=_final_path(run, count.path))


def _final_path(run: Prepared, path: str) -> str:
    return path.replace(str(unfinished_folder(run.folder)), str(run.folder))


def _manifest(
    run: Prepared, outcome: Outcome, hashes: dict[str, str], steps: list[Step], aftermath: Aftermath
) -> Manifest:
    losses = training_losses(steps)
    counts = _counts(run, hashes)
    seen = run.training.rows.tokens * steps[-1].epoch if steps else 0.0
    return Manifest(
        name=run.config.run.name,
        made_by="dsforge train",
        python=python_version(),
        versions=package_versions(),
        config=run.asked.model_dump(),
        data=counts[0],
        validation=_count(run, run.validation, hashes[run.validation.path]) if run.validation else None,
        chat_template=run.template.origin,
        parameters=outcome.parameters,
        parameters_trained=outcome.parameters_trained,
        saved=str(run.folder / outcome.saved),
        seconds=round(outcome.seconds, 3),
        train_seconds=round(training_seconds(steps), 3),
        tokens_per_second=round(seen / training_seconds(steps), 1) if training_seconds(steps) else 0.0,
        epochs=steps[-1].epoch if steps else 0.0,
        hardware=outcome.hardware,
        sequences=count_sequences(run.training.rows, run.recipe, run.config),
        final_loss=losses[-1][1] if losses else None,
        losses=losses,
        validation_losses=validation_losses(steps),
        rewards=rewards(steps, validation=False),
        validation_rewards=rewards(steps, validation=True),
        git=git_state(),
        files=counts[1:],
        batching=run.batching.kind,
        merged=str(run.folder / MERGED) if aftermath.merged else None,
        evaluation=aftermath.evaluation,
        sampled=aftermath.sampled,
        samples=aftermath.samples,
        notes=aftermath.notes,
    )
