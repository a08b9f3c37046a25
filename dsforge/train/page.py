"""Writes report.html into the folder of a run: its losses, what was measured, answers before and after, its rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from dsforge.example import JSON
from dsforge.io.atomic import atomic_write
from dsforge.report.loss_curve import smooth
from dsforge.report.run_page import run_page
from dsforge.report.run_report import Answered, Chart, Curve, Measured, Refused, Rows, RunReport
from dsforge.train.card import hardware_of, told
from dsforge.train.manifest import DataCount, Manifest, Reward
from dsforge.train.serve import Served, commands, modelfile

PAGE = "report.html"
_WORDS = {"chat": "Talk to it", "vllm": "Serve it with vLLM", "ollama": "Serve it with Ollama"}
_SMOOTH_FROM = 60  # points; fewer are drawn as they are


def write_run_page(manifest: Manifest, served: Served, folder: Path) -> None:
    """Write the page about a run, whole or not at all."""
    with atomic_write(folder / PAGE) as file:
        file.write(run_page(run_report(manifest, served)).encode())


def run_report(manifest: Manifest, served: Served) -> RunReport:
    """What the page says."""
    evaluation = manifest.evaluation
    files = [("training", count) for count in manifest.files or [manifest.data]]
    files += [("validation", manifest.validation)] if manifest.validation else []
    return RunReport(
        name=manifest.name,
        tiles=list(_tiles(manifest)),
        charts=list(charts(manifest)),
        rows=[_rows(use, count) for use, count in files],
        refused=[
            Refused(refusal.code, refusal.rows, refusal.reason) for _, count in files for refusal in count.refusals
        ],
        measured=[
            Measured(
                metric.name, told(metric, metric.base), told(metric, metric.trained),
                told(metric, metric.difference, signed=True), metric.verdict,
            )
            for metric in evaluation.metrics
        ] if evaluation else [],
        measured_over=(
            f"{evaluation.rows:,} held-out rows, {evaluation.answered:,} of them answered; in brackets the 95% "
            "confidence interval. A difference whose interval holds 0 may be chance."
        ) if evaluation else "",
        answered=[Answered(one.row, one.prompt, one.reference, one.before, one.after) for one in manifest.samples],
        answered_of=_answered_of(manifest),
        commands=list(_commands(served)),
        settings=list(flat(manifest.config)),
        facts=list(_facts(manifest)),
        notes=manifest.notes,
    )  # fmt: skip


def _answered_of(manifest: Manifest) -> str:
    said = "Greedy answers to held-out rows, none of which was trained on."
    if manifest.sampled == "training":
        said = "Greedy answers to rows of the training, as none were held out: they tell what was learnt by heart."
    return said


def _tiles(manifest: Manifest) -> Iterator[tuple[str, int | str]]:
    yield "rows trained on", manifest.data.rows_used
    yield "steps", manifest.losses[-1][0] if manifest.losses else 0
    if manifest.final_loss is not None:
        yield "last loss", f"{manifest.final_loss:.4f}"
    if manifest.validation_losses:
        yield "lowest validation loss", f"{min(loss for _, loss in manifest.validation_losses):.4f}"
    yield "tokens/s", round(manifest.tokens_per_second)
    yield "seconds", round(manifest.seconds)


def charts(manifest: Manifest) -> Iterator[Chart]:
    """Losses, then the accuracies and the margins of rewards where there are such."""
    if manifest.losses:
        losses = manifest.losses if len(manifest.losses) < _SMOOTH_FROM else smooth(manifest.losses)
        word = "training" if losses is manifest.losses else "training, running mean"
        curves = [Curve(word, losses)]
        if manifest.validation_losses:
            curves.append(Curve("validation", manifest.validation_losses))
        yield Chart("Loss by step", "nats", curves)
    for title, unit, name in (("Accuracy of rewards", "share", "accuracy"), ("Margin of rewards", "", "margin")):
        pairs = (("training", manifest.rewards), ("validation", manifest.validation_rewards))
        drawn = [Curve(word, points) for word, rewards in pairs if (points := _of(rewards, name))]
        if drawn:
            yield Chart(title, unit, drawn)


def _of(rewards: list[Reward], name: str) -> list[tuple[int, float]]:
    return [(reward.step, value) for reward in rewards if (value := getattr(reward, name)) is not None]


def _rows(use: str, count: DataCount) -> Rows:
    return Rows(use, count.path, count.rows_used, count.rows_rejected, count.over_length, count.tokens,
                count.tokens_trained, count.tokens_cut, count.sha256)  # fmt: skip


def _commands(served: Served) -> Iterator[tuple[str, str]]:
    for who, command in commands(served).items():
        yield _WORDS[who], f"{command}\n\n{modelfile(served)}" if who == "ollama" else command


def flat(values: dict[str, JSON], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The settings of a configuration by their dotted names, those that are not set left out."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield prefix + key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield "Saved", manifest.saved
    if manifest.merged:
        yield "Merged", manifest.merged
    share = 100 * manifest.parameters_trained / max(1, manifest.parameters)
    yield "Weights", f"{manifest.parameters_trained:,} of {manifest.parameters:,} trained ({share:.1f}%)"
    yield "Chat template", manifest.chat_template
    yield "Epochs", f"{manifest.epochs:g}"
    yield "Time", f"{manifest.seconds:,.1f} s, {manifest.train_seconds:,.1f} s of them training alone"
    yield "Hardware", hardware_of(manifest)
    if manifest.hardware.peak_memory_gib is not None:
        yield "GPU memory", f"{manifest.hardware.peak_memory_gib:,.2f} GiB at most"
    if manifest.hardware.peak_rss_gib is not None:
        yield "Memory", f"{manifest.hardware.peak_rss_gib:,.2f} GiB at most, of the whole process"
    if manifest.git:
        yield "Commit", manifest.git.commit + (", with changes on top" if manifest.git.dirty else "")
    yield "Versions", ", ".join([f"Python {manifest.python}", *(f"{k} {v}" for k, v in manifest.versions.items())])
