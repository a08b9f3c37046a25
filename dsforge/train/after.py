"""Asks what was saved, beside its base, and merges it: what comes after a training.

What was saved is loaded again and asked, so that an adapter that cannot be loaded shows here. The training is done by
then, and nothing that fails here costs it: it is told in the notes of the run instead.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from dsforge.io.atomic import atomic_write
from dsforge.train.adapter import quantization
from dsforge.train.config import TrainConfig
from dsforge.train.evaluate import Evaluation, Exam, Look, Sample, exam_of, look, metrics, samples
from dsforge.train.merge import merge
from dsforge.train.saved import MERGED, Saved, load_saved
from dsforge.train.token_rows import TokenRows

ANSWERS = "answers.jsonl"
"""The rows that were answered, in the folder of a run, with the answers of both models."""


@dataclass
class Aftermath:
    """What comes after a training. `sampled` says which rows `samples` are of, `notes` what could not be done."""

    sampled: str = ""
    samples: list[Sample] = field(default_factory=list)
    evaluation: Evaluation | None = None
    merged: Path | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Compared:
    """What the trained model and its base make of the same exam. `before` is None where the base was not asked."""

    answered: list[Sample]
    evaluation: Evaluation | None


def come_after(
    config: TrainConfig, saved: Saved, folder: Path, rows: TokenRows, validation: TokenRows | None, path: str
) -> Aftermath:
    """Ask what was saved, and merge it where the run says so.

    Asked are rows that were held out, of the file `path`; a few of the training where none were. The answers go to
    `folder`.
    """
    found = Aftermath()
    exam = _exam(config, saved, rows, validation)
    if exam.rows or exam.asked:
        _guarded(found, "not measured", lambda: _ask(config, saved, folder, exam, path, found))
        found.sampled = "training" if validation is None else "validation"
    if config.merge and saved.is_adapter:
        _guarded(found, "not merged", lambda: _merge(saved, folder, found))
    elif config.merge:
        found.notes.append("merge=true: every weight was trained, so there is nothing to merge")
    return found


def _exam(config: TrainConfig, saved: Saved, rows: TokenRows, validation: TokenRows | None) -> Exam:
    wanted, few, seed = config.evaluate, config.run.samples, config.run.seed
    if validation is None:
        return exam_of(rows, read=0, answered=few, longest=wanted.longest, seed=seed, scores=saved.scores)
    answered = max(wanted.answers, few) if wanted.rows else few
    return exam_of(
        validation, read=wanted.rows, answered=answered, longest=wanted.longest, seed=seed, scores=saved.scores
    )


def _guarded(found: Aftermath, what: str, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the training is done, and must not be lost for what comes after it
        found.notes.append(f"{what}: {' '.join(str(error).split())[:300]} ({type(error).__name__})")


def _ask(config: TrainConfig, saved: Saved, folder: Path, exam: Exam, path: str, found: Aftermath) -> None:
    quantised = quantization(saved.base, config.peft) if saved.base is not None else {}
    compared = compare(saved, exam, path, base=config.evaluate.base, quantised=quantised)
    if compared.answered:
        write_answers(compared.answered, folder / ANSWERS)
    found.samples = compared.answered[: config.run.samples]
    found.evaluation = compared.evaluation


def compare(
    saved: Saved, exam: Exam, path: str, *, base: bool = True, quantised: dict[str, Any] | None = None
) -> Compared:
    """Ask the trained model and, with `base`, the one it was trained from; `path` is that of the rows.

    The head of a reward model is random before its training, so there the base is not asked.

    Raises:
        InputError: a model cannot be loaded.
        torch.OutOfMemoryError: a model, or a single row, does not fit.
    """
    base = base and not saved.scores
    if saved.is_adapter:
        after, before, tokenizer = _both_of_adapter(saved, exam, quantised, base=base)
    else:
        after, tokenizer = _look_at(saved, exam)
        before = _look_at(saved.of_base, exam)[0] if base else None
    answered = samples(exam, tokenizer, before, after)
    if not exam.rows:
        return Compared(answered, None)
    found = metrics(exam, answered, after, before)
    return Compared(answered, Evaluation(path, len(exam.rows), len(answered), found))


def _both_of_adapter(
    saved: Saved, exam: Exam, quantised: dict[str, Any] | None, *, base: bool
) -> tuple[Look, Look | None, Any]:
    """What the model makes of the exam with its adapter, and without it: the base is loaded once."""
    free_memory()
    model, tokenizer = load_saved(saved, quantised=quantised)
    after = look(exam, model, tokenizer)
    if not base:
        return after, None, tokenizer
    with model.disable_adapter():
        return after, look(exam, model, tokenizer), tokenizer


def _look_at(saved: Saved, exam: Exam) -> tuple[Look, Any]:
    free_memory()
    model, tokenizer = load_saved(saved)
    return look(exam, model, tokenizer), tokenizer


def _merge(saved: Saved, folder: Path, found: Aftermath) -> None:
    free_memory()
    merge(saved, folder / MERGED)
    found.merged = folder / MERGED


def free_memory() -> None:
    """Give back what models that nobody holds any more took."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def write_answers(answered: Sequence[Sample], path: Path) -> None:
    """Write the answers, one row to a line."""
    with atomic_write(path) as file:
        for sample in answered:
            file.write(msgspec.json.encode(sample) + b"\n")
