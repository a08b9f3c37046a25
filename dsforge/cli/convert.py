"""`dsforge convert`: rows of any format to rows of another."""

from __future__ import annotations

from enum import Enum

import typer

from dsforge.cli.output import FORMAT, JSON_FLAG, WORKERS, Output, quantity

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


class FailOn(str, Enum):
    """What makes the exit code 1."""

    loss = "loss"
    reject = "reject"
    never = "never"


@app.command()
def command(
    inputs: list[str] = typer.Argument(..., metavar="INPUT...", help="JSONL or JSON files; - is standard input."),
    to: str = typer.Option(..., "--to", "-t", help="The format to write, as chatml; dsforge formats lists them."),
    output: str = typer.Option(
        "-",
        "--output",
        "-o",
        show_default=False,
        help="Where to write; .json writes an array [default: standard output].",
    ),
    from_format: str = FORMAT,
    rejects: str = typer.Option(
        "", "--rejects", help="Where rows go that do not fit [default: OUTPUT with .rejects.jsonl]."
    ),
    fail_on: FailOn = typer.Option(
        FailOn.reject, "--fail-on", help="Exit with 1 on a lost feature, on a rejected row, or never."
    ),
    workers: int = WORKERS,
    as_json: bool = JSON_FLAG,
) -> int:
    """Convert rows from any format to another.

    What the target format cannot hold is named and counted; rows that make no sense in it go, byte for
    byte, to the rejects file with the reason.
    """
    from msgspec.structs import asdict

    from dsforge.convert import convert
    from dsforge.io.rejects import rejects_path

    out = Output(as_json, output)
    result = convert(inputs, output, to, from_format=from_format, rejects=rejects or None, workers=workers)
    rejects_file = (rejects or str(rejects_path(output))) if result.rows_rejected else None
    read = ", ".join(result.formats) or "nothing readable"
    out.say(
        f"{' '.join(inputs)} ({read}) -> {output} ({to}): {quantity(result.rows_in, 'row')} in, "
        f"{result.rows_out:,} out, {result.rows_rejected:,} rejected"
    )
    for feature, rows in sorted(result.losses.items()):
        out.say(out.style("  lost  ", "yellow") + f"{feature}: {quantity(rows, 'row')} ({to} cannot hold it)")
    for reason in result.reasons:
        out.say(
            out.style("  rejected  ", "red")
            + f"{quantity(reason.rows, 'row')} {reason.code}: {'the first: ' if reason.rows > 1 else ''}{reason.first}"
        )
    if rejects_file:
        out.note(f"dsforge: rejected rows with their reasons: {rejects_file}")
    out.result(
        "convert", result.rows_in, result.rows_out, result.rows_rejected,
        **{"from": result.formats, "to": to}, losses=result.losses,
        reasons=[asdict(reason) for reason in result.reasons], output=output, rejects=rejects_file,
    )  # fmt: skip
    failed = (fail_on is not FailOn.never and result.rows_rejected) or (fail_on is FailOn.loss and result.losses)
    return 1 if failed else 0
