"""`dsforge convert`: rows of any format to rows of another."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING

import typer

from dsforge.cli.output import FORMAT, JSON_FLAG, Output, quantity

if TYPE_CHECKING:
    from dsforge.convert.result import ConvertResult
    from dsforge.formats.dataset_info import Entry

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


class FailOn(str, Enum):
    """What makes the exit code 1."""

    loss = "loss"
    reject = "reject"
    never = "never"


class MediaMode(str, Enum):
    """What becomes of images, audio and video."""

    keep = "keep"
    embed = "embed"
    bundle = "bundle"


class OnLoss(str, Enum):
    """What becomes of a row that would lose something."""

    report = "report"
    drop = "drop"
    error = "error"


@app.command()
def command(
    inputs: list[str] = typer.Argument(
        ...,
        metavar="INPUT...",
        help="JSONL, JSON, CSV, Excel, Parquet; files, globs, dataset folders; - is stdin.",
    ),
    to: str = typer.Option(..., "--to", "-t", help="The format to write, as chatml; dsforge formats lists them."),
    output: str = typer.Option(
        "-",
        "--output",
        "-o",
        show_default=False,
        help="Where to write; the name says the kind (.jsonl .json .csv .xlsx .parquet, .gz .zst) [default: stdout].",
    ),
    from_format: str = FORMAT,
    option: list[str] = typer.Option(
        [], "--option", "-O", metavar="NAME=CHOICE", help="A choice where trainers disagree; dsforge formats FORMAT."
    ),
    layout: list[str] = typer.Option(
        [], "--map", metavar="FIELD=PATH", help="Where a field stands in rows of your own, as prompt=question."
    ),
    dataset_info: str = typer.Option(
        "", "--dataset-info", metavar="FILE[#NAME]", help="LLaMA-Factory's dataset_info.json, which describes the rows."
    ),
    on_loss: OnLoss = typer.Option(
        OnLoss.report, "--on-loss", help="Rows that lose something: write and count, reject, or write nothing at all."
    ),
    keep_extra: bool = typer.Option(
        True, "--keep-extra/--no-keep-extra", help="Unknown fields and metadata go along where the format takes them."
    ),
    verify: bool = typer.Option(False, "--verify", help="Read what was written and compare it, row by row."),
    hf_compat: bool = typer.Option(
        False, "--hf-compat", help="For `datasets` before 4.8: what differs in shape from row to row becomes JSON text."
    ),
    media: MediaMode = typer.Option(
        MediaMode.keep,
        "--media",
        help="Images and the like: leave them, embed them as data URLs, or bundle (-o X.zip).",
    ),
    media_root: str = typer.Option("", "--media-root", help="Folder of the media files [default: that of the input]."),
    encoding: str = typer.Option("auto", "--encoding", help="Of text files, as gb18030 [default: told from the file]."),
    rejects: str = typer.Option(
        "", "--rejects", help="Where rows go that do not fit [default: OUTPUT with .rejects.jsonl]."
    ),
    manifest: bool = typer.Option(
        True, "--manifest/--no-manifest", help="Write what was done, chosen and lost to OUTPUT with .manifest.json."
    ),
    fail_on: FailOn = typer.Option(
        FailOn.reject, "--fail-on", help="Exit with 1 on a lost feature, on a rejected row, or never."
    ),
    workers: int = typer.Option(
        0, "--workers", min=0, show_default=False, help="Processes to work with [default: one for each core]."
    ),
    as_json: bool = JSON_FLAG,
) -> int:
    """Convert rows from any format to another.

    What the target format cannot hold is named and counted before it is left out; rows that make no sense in it
    go, byte for byte, to the rejects file with the reason.
    """
    from dsforge.convert import convert
    from dsforge.formats.layout import parse_layout
    from dsforge.io.rejects import rejects_path

    out = Output(as_json, output)
    inputs, entry = _described(inputs, dataset_info)
    result = convert(
        inputs,
        output,
        to,
        from_format=from_format,
        rejects=rejects or None,
        workers=workers or os.cpu_count() or 1,
        options=_choices(option),
        layout=parse_layout(layout) if layout else None,
        entry=entry,
        on_loss=on_loss.value,
        keep_extra=keep_extra,
        hf_compat=hf_compat,
        media=media.value,
        media_root=media_root,
        encoding=encoding,
        verify=verify,
        manifest=manifest,
    )
    rejects_file = (rejects or str(rejects_path(output))) if result.rows_rejected and result.written else None
    _say(out, inputs, output, to, result, keep_extra)
    if rejects_file:
        out.note(f"dsforge: rejected rows with their reasons: {rejects_file}")
    _print_json(out, output, to, result, rejects_file)
    failed = not result.written
    failed |= fail_on is not FailOn.never and result.rows_rejected > 0
    failed |= fail_on is FailOn.loss and bool(result.losses)
    return 1 if failed else 0


def _choices(options: list[str]) -> dict[str, str]:
    from dsforge.errors import UsageError

    chosen: dict[str, str] = {}
    for option in options:
        name, equals, choice = (part.strip() for part in option.partition("="))
        if not equals:
            raise UsageError(f"--option {option!r} is no NAME=CHOICE, as in --option join=blank-line")
        if name in chosen:
            raise UsageError(f"--option names {name!r} twice")
        chosen[name] = choice
    return chosen


def _described(inputs: list[str], dataset_info: str) -> tuple[list[str], Entry | None]:
    """`(files, description)`: an input that is the name of a dataset stands for its files."""
    if not dataset_info:
        return inputs, None
    from pathlib import Path

    from dsforge.errors import UsageError
    from dsforge.formats.dataset_info import read_entry

    path, _, name = dataset_info.partition("#")
    if len(inputs) == 1 and not name and not Path(inputs[0]).exists():
        name = inputs[0]
    entry = read_entry(path, name)
    if inputs == [entry.name] and not Path(entry.name).exists():
        if not entry.files:
            raise UsageError(f"{path}: {entry.name} has no file here (it is on a hub): name the file as INPUT")
        return list(entry.files), entry
    return inputs, entry


_UNKNOWN = ("metadata", "unknown row fields", "unknown message fields")


def _say(out: Output, inputs: list[str], output: str, to: str, result: ConvertResult, keep_extra: bool) -> None:
    read = ", ".join(sorted(result.formats)) or "nothing readable"
    went = f"{result.rows_out:,} out, {result.rows_rejected:,} rejected"
    if not result.written:
        went = f"{result.rows_out:,} would go out and {result.rows_rejected:,} be rejected, but nothing was written"
    out.say(
        f"{' '.join(inputs)} ({read}) -> {output} ({to}): {quantity(result.rows_in, 'row')} in, "
        + went
        + (f"; {result.verified:,} verified" if result.verified is not None else "")
    )
    for notice in result.notices:
        out.say(f"  note  {notice}")
    if result.losses:
        width = max(map(len, result.losses))
        for feature, rows in sorted(result.losses.items(), key=lambda item: (-item[1], item[0])):
            path, line = result.first_lost[feature]
            lost = out.style("  lost  ", "yellow")
            why = f"{to} cannot hold it" if keep_extra or feature not in _UNKNOWN else "--no-keep-extra"
            out.say(f"{lost}{feature:{width}}  {quantity(rows, 'row'):>12}  first {path}:{line} ({why})")
    if result.lost_fields:
        names = ", ".join(f"{name} ({rows:,})" for name, rows in sorted(result.lost_fields.items())[:12])
        out.say(f"        fields: {names}{' and more' if len(result.lost_fields) > 12 else ''}")
    for reason in result.reasons:
        out.say(
            out.style("  rejected  ", "red")
            + f"{quantity(reason.rows, 'row')} {reason.code}: {'the first: ' if reason.rows > 1 else ''}{reason.first}"
        )
    if not result.written:
        out.say(f"{output} was not written: --on-loss error; what would be rejected is told above")


def _print_json(out: Output, output: str, to: str, result: ConvertResult, rejects_file: str | None) -> None:
    from msgspec.structs import asdict

    out.result(
        "convert",
        result.rows_in,
        result.rows_out,
        result.rows_rejected,
        **{"from": result.formats},
        to=to,
        losses=result.losses,
        first_lost={feature: {"path": path, "line": line} for feature, (path, line) in result.first_lost.items()},
        reasons=[asdict(reason) for reason in result.reasons],
        output=output if result.written else None,
        rejects=rejects_file,
        lost_fields=result.lost_fields,
        written=result.written,
        notices=result.notices,
        verified=result.verified,
    )
