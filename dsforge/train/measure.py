"""A run measured on rows of the user's own, long after its training, or its answers read again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dsforge.errors import InputError
from dsforge.tokens.pretrained import training_template
from dsforge.train.after import ANSWERS, Compared, compare
from dsforge.train.config import DataConfig, EvaluateConfig
from dsforge.train.evaluate import Sample, exam_of
from dsforge.train.figures import Metric
from dsforge.train.manifest import RECORD, Manifest, write_manifest
from dsforge.train.preflight import Preflight, preflight
from dsforge.train.recipe import get_recipe
from dsforge.train.saved import Saved, tokenizer_of


def read_record(folder: Path) -> Manifest:
    """The record of a run.

    Raises:
        InputError: there is none, or it is damaged.
    """
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=Manifest)
    except OSError as error:
        raise InputError(f"{folder} is no run of dsforge train: there is no {RECORD} in it") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{folder / RECORD} is damaged: {error}") from error


def measure(
    saved: Saved, record: Manifest, path: str, format_name: str, wanted: EvaluateConfig
) -> tuple[Preflight, Compared]:
    """The rows of a file, rendered as in the training, and what the trained model and its base make of them.

    Raises:
        InputError: the file holds no row for the method, or a model cannot be loaded.
    """
    recipe = get_recipe(record.config["method"]["name"])
    template = training_template(tokenizer_of(saved.path), "auto", marks=recipe.marks)
    longest = record.config["trl"].get("max_length")
    data = DataConfig(path=path, format=format_name)
    found = preflight(path, data, longest, recipe, template)
    exam = exam_of(
        found.rows, read=wanted.rows, answered=wanted.answers, longest=wanted.longest,
        seed=record.config["run"]["seed"], scores=saved.scores,
    )  # fmt: skip
    return found, compare(saved, exam, path, base=wanted.base)


def read_answers(folder: Path) -> list[Sample]:
    """The rows that a run answered after its training, those without an answer of the base left out.

    Raises:
        InputError: there are none.
    """
    try:
        lines = (folder / ANSWERS).read_bytes().splitlines()
        answered = [msgspec.json.decode(line, type=Sample) for line in lines]
    except OSError as error:
        raise InputError(f"{folder} holds no answers ({ANSWERS}): name rows, dsforge evaluate RUN FILE") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{folder / ANSWERS} is damaged: {error}") from error
    return [sample for sample in answered if sample.before is not None]


def note_metric(folder: Path, record: Manifest, metric: Metric) -> bool:
    """Put a measure of the rows that a run answered into its record, in place of one of the same name.

    Whether it could be: without an evaluation those were rows of the training, which measure nothing.
    """
    if record.evaluation is None:
        return False
    others = [each for each in record.evaluation.metrics if each.name != metric.name]
    record.evaluation = msgspec.structs.replace(record.evaluation, metrics=[*others, metric])
    write_manifest(record, folder)
    return True
