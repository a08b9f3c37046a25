"""`dsforge merge`: a run's adapter merged into its model, after the fact."""

from __future__ import annotations

from pathlib import Path

import typer

from dsforge.cli.output import JSON_FLAG, Output
from dsforge.errors import OutputError, UsageError

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="dsforge merge runs/first")
def command(
    run: str = typer.Argument(..., metavar="RUN", help="A run with an adapter (runs/NAME), or an adapter's folder."),
    output: str = typer.Option(
        "", "--output", "-o", metavar="FOLDER", show_default=False, help="Where to [default: RUN/merged]."
    ),
    as_json: bool = JSON_FLAG,
) -> int:
    """Merge a run's adapter into the model that it was trained on, as merge=true does after a training."""
    from dsforge.train.merge import merge_into
    from dsforge.train.quiet import quiet_environment
    from dsforge.train.saved import MERGED, find_saved, require_models

    out = Output(as_json)
    saved = find_saved(run, merged=False)
    if not saved.is_adapter:
        raise UsageError(f"{saved.path} is no adapter: every weight was trained, so there is nothing to merge")
    folder = Path(output) if output else saved.path.parent / MERGED
    if folder.exists():
        raise OutputError(f"{folder} exists: name another folder (-o FOLDER)")
    quiet_environment()
    require_models("dsforge merge")
    merge_into(saved, folder)
    out.say(f"merged    {out.style(str(folder), 'bold')}")
    out.result("merge", 0, 0, 0, merged=str(folder))
    return 0
