"""`dsforge export`: the run that `dsforge train` would make, as another trainer's rows and configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dsforge.cli.output import JSON_FLAG, Output, quantity
from dsforge.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from dsforge.lint.dry_run import Outcome
    from dsforge.train.config import TrainConfig
    from dsforge.train.export import ExportResult, Looked
    from dsforge.train.exporter import Export

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
_TOO_LONG = "L301"
_OPTIONS = ("--to", "--force", "--overwrite", "--json", "--help")


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog="dsforge export --to llamafactory out model.path=Qwen/Qwen2.5-0.5B-Instruct data.path=rows.jsonl",
)
def command(
    folder: str = typer.Argument(..., metavar="DIR", help="The folder to make."),
    overrides: list[str] = typer.Argument(
        None, metavar="OVERRIDE...", help="What dsforge train takes: model.path=NAME data.path=FILE peft=lora ..."
    ),
    to: str = typer.Option(
        ...,
        "--to",
        "-t",
        metavar="TRAINER",
        help="llamafactory, ms-swift, axolotl, trl ...: a wrong name lists them all.",
    ),
    force: bool = typer.Option(False, "--force", help="Write it though lint finds errors in the rows."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace an earlier export in DIR."),
    as_json: bool = JSON_FLAG,
) -> int:
    """Write a run for another trainer: the rows and the run configuration in its own form.

    The rows are first checked as dsforge lint --target does; errors stop the export. What the trainer cannot express
    is told, here and in the README.md of the folder.
    """
    words = list(overrides or [])
    _refuse_options([folder, *words])
    from dsforge.train.app import compose_config
    from dsforge.train.export import export_run
    from dsforge.train.exporter import get_export

    out = Output(as_json)
    export = get_export(to)
    if not any(word.startswith("run.name=") for word in words):
        words.append(f"run.name={export.name}")
    result = export_run(compose_config(words), to, folder, look, force=force, overwrite=overwrite)
    _say(out, export, folder, result, force)
    _result(out, folder, result)
    return 1 if result.rows_rejected or not result.written else 0


def _refuse_options(words: list[str]) -> None:
    for word in words:
        if word.startswith("-"):
            raise UsageError(f"no option {word!r}{did_you_mean(word, _OPTIONS)}")
    if re.match(r"[+~]{0,2}[\w.]+=", words[0]) and not Path(words[0]).exists():
        raise UsageError(f"{words[0]!r} stands where the folder to make is named: dsforge export --to TRAINER DIR ...")


def look(files: Sequence[Path], export: Export, config: TrainConfig) -> Looked:
    """What `dsforge lint --target --dry-run` says of the exported rows, the errors by their code."""
    from msgspec.structs import replace

    from dsforge.lint.dry_run import dry_run
    from dsforge.lint.facts import Settings
    from dsforge.lint.run import lint
    from dsforge.lint.target import for_target
    from dsforge.train.export import Looked

    settings = for_target(Settings(max_tokens=config.max_length), export.name)
    settings = replace(settings, tokenizer=_tokenizer(config))
    target = settings.profile()
    assert target is not None
    result = lint(files, ignore=sorted(export.mends), settings=settings, workers=os.cpu_count() or 1)
    # the profile says what the trainer does by itself, the configuration that is written what it does here
    effects = {**target.effects, _TOO_LONG: export.over_limit(config)}
    target = target.model_copy(update={"effects": effects})
    run = dry_run(result, target, settings.max_tokens)
    root = f"{files[0].parents[1]}/"  # of no meaning to the user: it is renamed when all is done
    errors: dict[str, list[str]] = {}
    for finding in result.findings:
        # data.too_long says what becomes of rows over the limit, so that they are counted and are no error
        if finding.severity == "error" and finding.code != _TOO_LONG:
            line = f"{finding.path}:{finding.line} {finding.code} {finding.message}"
            errors.setdefault(finding.code, []).append(line.replace(root, ""))
    lines = [
        first[0] + (f" (and {quantity(len(first) - 1, 'more finding')})" if len(first) > 1 else "")
        for first in errors.values()
    ]
    outcomes = {outcome.code: outcome for outcome in reversed(run.outcomes) if outcome.code not in errors}
    told = [
        f"{run.told(outcome)}: {_message(outcome)} ({code})".replace(root, "") for code, outcome in outcomes.items()
    ]
    return Looked(lines, told, {effect: rows for effect, rows in run.counts.items() if rows}, run.verdict)


def _message(outcome: Outcome) -> str:
    """The finding's, of a row over the limit without what the trainer would do by itself."""
    return outcome.message.partition(": ")[0] if outcome.code == _TOO_LONG else outcome.message


def _tokenizer(config: TrainConfig) -> str:
    """The model's own tokenizer where it lies here; lint's default counts otherwise."""
    path = getattr(config.model, "path", "")
    return path if (Path(path) / "tokenizer.json").is_file() else ""


def _say(out: Output, export: Export, folder: str, result: ExportResult, force: bool) -> None:
    out.say(
        f"{export.title} ({export.written_for}), method {result.method}: {quantity(result.rows_in, 'row')} in, "
        f"{result.rows_out:,} out, {result.rows_rejected:,} rejected"
    )
    for reject in result.rejects[:1]:
        out.say(out.style("  rejected  ", "red") + f"the first in {reject.path}, row {reject.row}: {reject.reason}")
    for feature, rows in sorted(result.losses.items(), key=lambda item: (-item[1], item[0])):
        out.say(out.style("  lost      ", "yellow") + f"{feature}: {quantity(rows, 'row')}")
    for setting in result.left_out:
        out.say(out.style("  left out  ", "yellow") + setting)
    for note in result.notes:
        out.say(f"  note      {note}")
    for outcome in result.looked.outcomes:
        out.say(f"  trainer   {outcome}")
    for error in result.looked.errors:
        out.say(out.style("  error     ", "red") + error)
    effects = ", ".join(f"{rows:,} {effect}" for effect, rows in result.looked.effects.items())
    out.say(f"lint: {result.looked.verdict} ({effects})")
    if not result.written:
        out.say(f"{folder} was not written: mend the rows (dsforge lint --target {export.name}), or give --force")
        return
    out.say(f"run it    cd {folder} && {result.command}")
    if result.rows_rejected:
        from dsforge.train.export import REJECTS

        out.note(f"dsforge: rejected rows with their reasons: {Path(folder) / REJECTS}")


def _result(out: Output, folder: str, result: ExportResult) -> None:
    from dsforge.train.export import REJECTS

    rejects = str(Path(folder) / REJECTS) if result.rows_rejected and result.written else None
    out.result(
        "export", result.rows_in, result.rows_out, result.rows_rejected,
        to=result.trainer, method=result.method, output=folder if result.written else None, written=result.written,
        files=result.files, rejects=rejects, losses=result.losses, left_out=result.left_out, notes=result.notes,
        errors=result.looked.errors, outcomes=result.looked.outcomes, dry_run=result.looked.effects,
        verdict=result.looked.verdict, run=result.command, **{"from": result.formats},
    )  # fmt: skip
