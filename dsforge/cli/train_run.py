"""One run of `dsforge train`: looked at, trained, and told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.cli.engine import prepared as cores
from dsforge.cli.output import Output, quantity
from dsforge.cli.train_estimate import Judged, judge, look_at_rows
from dsforge.cli.train_report import rewards, say_end, say_preflight, say_rejects

if TYPE_CHECKING:
    from dsforge.train.config import TrainConfig
    from dsforge.train.manifest import Manifest, Reward
    from dsforge.train.recipe import Step
    from dsforge.train.run import Prepared
    from dsforge.train_checks.rows import LintedRows

_LINES_OF_PROGRESS = 10


def run_once(out: Output, config: TrainConfig, *, check: bool, mark: str = "") -> tuple[int, Manifest | None]:
    """(exit code, record of the run), None where it is only checked. `mark` stands before each line of progress."""
    count = cores(0)  # before numpy is imported
    from dsforge.train.row_workers import row_workers
    from dsforge.train.run import prepared
    from dsforge.train_checks.held_out import training_files

    with row_workers(config.data, count) as workers:
        rows = look_at_rows(out, config, workers)
        with training_files(config, check=check, workers=count) as files, prepared(files, config, workers) as run:
            if workers:
                workers.close()  # all rows are read: the training has the cores for itself
            return _go_on(out, run, rows, check=check, mark=mark)


def _go_on(
    out: Output, run: Prepared, rows: LintedRows | None, *, check: bool, mark: str
) -> tuple[int, Manifest | None]:
    """What `run_once` does with a run that is ready."""
    say_preflight(out, run)
    judged = judge(out, run, rows)
    code = 1 if run.rejects else 0
    if check:
        say_rejects(out, run)
        _result(out, run, None, judged)
        return code, None
    manifest = _train(out, run, mark)
    say_end(out, run, manifest)
    if run.rejects:
        from dsforge.train.run import REJECTS

        out.note(f"dsforge: rejected rows with their reasons: {run.folder / REJECTS}")
    _result(out, run, manifest, judged)
    return code, manifest


def _train(out: Output, run: Prepared, mark: str) -> Manifest:
    from dsforge.train.run import resumes_at, train

    before = resumes_at(run.config)
    going_on = f", going on from step {before:,}" if before else ""
    out.note(f"dsforge: {mark}training on {quantity(run.training.rows_used, 'row')}{going_on} ...")

    def progress(step: Step) -> None:
        if step.step <= before:  # told by the part of the run that was cut off
            return
        every = max(1, step.steps // _LINES_OF_PROGRESS)
        place = f"  {mark}step {step.step}/{step.steps}"
        if step.validation_loss is not None:
            out.note(f"{place}  validation loss {step.validation_loss:.4f}{rewards(step)}")
        elif step.loss is not None and (step.step == 1 or step.step % every == 0 or step.step == step.steps):
            out.note(f"{place}  loss {step.loss:.4f}{rewards(step)}")

    try:
        return train(run, progress)
    except KeyboardInterrupt:
        if step := resumes_at(run.config):
            out.note(f"dsforge: the same command goes on from step {step:,}")
        raise


def _result(out: Output, run: Prepared, manifest: Manifest | None, judged: Judged) -> None:
    from msgspec import to_builtins

    found, validation = run.training, run.validation
    out.result(
        "train", found.rows_in, found.rows_used, len(found.rejects),
        tokens={"total": found.tokens, "trained": found.trained, "context": found.context, "cut": found.cut_trained,
                "max_row": found.longest},
        rows_over_length=found.over_length,
        validation_rows=validation.rows_used if validation else 0,
        validation_rows_rejected=len(validation.rejects) if validation else 0,
        trained=manifest is not None,
        saved=manifest.saved if manifest else None,
        record=str(run.folder / "run.json") if manifest else None,
        first_loss=manifest.losses[0][1] if manifest and manifest.losses else None,
        final_loss=manifest.final_loss if manifest else None,
        validation_loss=manifest.validation_losses[-1][1] if manifest and manifest.validation_losses else None,
        merged=manifest.merged if manifest else None,
        evaluation=to_builtins(manifest.evaluation) if manifest else None,
        **judged.result(),
        **_last_rewards("", manifest.rewards if manifest else []),
        **_last_rewards("validation_", manifest.validation_rewards if manifest else []),
    )  # fmt: skip


def _last_rewards(prefix: str, rewards: list[Reward]) -> dict[str, float | None]:
    """The last accuracy and margin of the rewards, where the method logs such."""
    if not rewards:
        return {}
    return {f"{prefix}reward_accuracy": rewards[-1].accuracy, f"{prefix}reward_margin": rewards[-1].margin}
