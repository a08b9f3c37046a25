"""A sweep of `dsforge train --multirun`: its runs one by one, and the table at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsforge.cli.output import Output, quantity
from dsforge.errors import DsforgeError

if TYPE_CHECKING:
    from dsforge.train.app import Origin
    from dsforge.train.sweep import Place, Sweep, SweptRun

_LONG = 8  # characters of a number


@dataclass(frozen=True)
class _Job:
    """What Hydra's launchers call, here or in another process, for each configuration of the sweep."""

    check: bool
    as_json: bool

    def __call__(self, composed: Any, place: Place) -> float | None:
        from dsforge.train.sweep import keep_result

        result = self._run(composed, place)
        if result.error:
            Output(self.as_json).note(f"dsforge: run {result.number} failed: {result.error}")
        keep_result(result, place)
        return result.objective

    def _run(self, composed: Any, place: Place) -> SweptRun:
        from dsforge.cli.train_run import run_once
        from dsforge.train.sweep import SweptRun, done_before, number_and_changes, result_of, this_run

        out = _Quiet(self.as_json)
        number, changed = number_and_changes(place)
        title = f"run {number}  {' '.join(f'{key}={value}' for key, value in changed.items())}".rstrip()
        name = ""
        try:
            config = this_run(composed, place)
            name = config.run.name
            if not self.check and (before := done_before(number, changed, config)):
                out.note(f"dsforge: {title}: done before, in {place.folder / name}")
                return before
            out.say(out.style(title, "bold"))
            manifest = run_once(out, config, check=self.check, mark=f"run {number}  ")[1]
            if manifest is None:
                return SweptRun(number, name, changed, out.rows)
            return result_of(number, changed, config, manifest)
        except DsforgeError as error:
            return SweptRun(number, name, changed, error=str(error))
        except Exception as error:  # noqa: BLE001 - a bug in one run must not lose the others
            reason = " ".join(str(error).split())
            return SweptRun(number, name, changed, error=f"a bug: {type(error).__name__}: {reason}")


class _Quiet(Output):
    """The texts of a run in a sweep; the one JSON object is the sweep's. `rows` are those in, used and rejected."""

    rows = (0, 0, 0)

    def result(self, command: str, rows_in: int, rows_out: int, rows_rejected: int, **more: Any) -> None:
        """Print nothing: the sweep tells at its end."""
        self.rows = rows_in, rows_out, rows_rejected


def sweep(out: Output, overrides: list[str], origin: Origin, *, check: bool, as_json: bool) -> int:
    """Run them all; the exit code: 2 where a run failed, 1 where rows were rejected."""
    from dsforge.train.sweep import run_sweep

    done = run_sweep(overrides, origin, _Job(check, as_json), keep=not check)
    _say(out, done, check=check)
    failed, rows = done.failed, [sum(run.rows[index] for run in done.runs) for index in range(3)]
    out.result(
        "train", *rows,
        sweep=str(done.folder), best=done.best.name if done.best else None, stopped=done.stopped or None,
        runs=[
            {"number": run.number, "name": run.name, "overrides": run.changed, "loss": run.loss,
             "validation_loss": run.validation_loss, "seconds": run.seconds, "rows_in": run.rows[0],
             "rows_out": run.rows[1], "rows_rejected": run.rows[2], "error": run.error or None,
             "done_before": run.before}
            for run in done.runs
        ],
    )  # fmt: skip
    if failed or done.stopped or not done.runs:
        return 2
    return 1 if rows[2] else 0


def _say(out: Output, done: Sweep, *, check: bool) -> None:
    if done.runs and not check:
        keys = list(dict.fromkeys(key for run in done.runs for key in run.changed))
        headers = ["run", *keys, "loss", "validation loss", "seconds"]
        out.table(headers, (_row(run, keys, best=run is done.best) for run in done.runs))
        if done.best:
            out.say(f"the best is run {done.best.number}: {done.folder / done.best.name}")
        out.say(f"compare them: dsforge runs {done.folder}")
    if done.failed:
        out.note(f"dsforge: {quantity(len(done.failed), 'run')} of {len(done.runs)} failed:")
        for run in done.failed:
            out.note(f"dsforge: run {run.number} ({_own(run)}): {run.error.partition(chr(10))[0]}")
    if done.stopped:
        out.note(f"dsforge: the sweep ended early: {done.stopped}")
    elif not done.runs:
        out.note("dsforge: no run left a result: the launcher's own logs say more")


def _own(run: SweptRun) -> str:
    return " ".join(f"{key}={value}" for key, value in run.changed.items())


def _row(run: SweptRun, keys: list[str], *, best: bool) -> list[str]:
    number = f"{run.number} *" if best else str(run.number)
    known = run.loss, run.validation_loss
    losses = ["failed" if run.error else "" if loss is None else f"{loss:.4f}" for loss in known]
    return [number, *(_short(run.changed.get(key, "")) for key in keys), *losses, f"{run.seconds:.1f}"]


def _short(value: str) -> str:
    """A number that a sweeper drew with the four digits that matter, other values as they are."""
    try:
        return f"{float(value):.4g}" if len(value) > _LONG and "." in value else value
    except ValueError:
        return value
