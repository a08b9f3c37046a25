"""`dsforge split`: train and validation files that share no near-duplicates."""

from __future__ import annotations

import typer

from dsforge.cli.engine import ENGINE, PARTITIONS, WORKERS, prepared
from dsforge.cli.output import FORMAT, JSON_FLAG, Output, quantity

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    inputs: list[str] = typer.Argument(
        ..., metavar="INPUT...", help="JSONL or JSON files, taken for one dataset; - is standard input."
    ),
    output: str = typer.Option(
        "", "--output", "-o", metavar="FOLDER", help="Write train.jsonl and validation.jsonl in this folder."
    ),
    train: str = typer.Option("", "--train", metavar="FILE", help="Where to write train (.json writes an array)."),
    validation: str = typer.Option("", "--validation", metavar="FILE", help="Where to write validation."),
    ratio: float = typer.Option(0.8, "--ratio", help="The share of train."),
    seed: int = typer.Option(42, "--seed", help="The same rows and seed give the same files."),
    by: str = typer.Option(
        "",
        "--by",
        metavar="FIELD",
        show_default=False,
        help="The field whose values are spread in proportion, as meta.topic [default: the category, where rows have "
        "one].",
    ),
    together: str = typer.Option(
        "",
        "--together",
        metavar="FIELD",
        show_default=False,
        help="Rows of the same value in this field stay on one side: a conversation's or document's id, as meta.doc.",
    ),
    rejects: str = typer.Option(
        "", "--rejects", help="Where rows go that cannot be decoded [default: TRAIN with .rejects.jsonl]."
    ),
    format_name: str = FORMAT,
    workers: int = WORKERS,
    engine: str = ENGINE,
    partitions: int = PARTITIONS,
    as_json: bool = JSON_FLAG,
) -> int:
    """Split rows into train and validation, without leaks.

    Rows whose prompts are near-duplicates stay on one side, and so does everything connected through such
    pairs or of the same --together. Where rows have a category, each is split in proportion as far as the groups allow.
    """
    from msgspec.structs import asdict

    from dsforge.io.rejects import rejects_path
    from dsforge.similarity.collect import check_sources
    from dsforge.split import UNCATEGORISED, split

    out = Output(as_json)
    check_sources(inputs, format_name)  # before a folder is made for nothing
    train, validation = _places(output, train, validation)
    result = split(
        inputs, train, validation, ratio=ratio, seed=seed, rejects=rejects or None,
        by=by, together=together, format_name=format_name, workers=prepared(workers), engine=engine,
        partitions=partitions,
    )  # fmt: skip
    rejects_file = (rejects or str(rejects_path(train))) if result.rows_rejected else None
    out.say(
        f"{' '.join(inputs)}: {quantity(result.rows_in, 'row')} in, {result.train_rows:,} to {train}, "
        f"{result.validation_rows:,} to {validation}, {result.rows_rejected:,} rejected"
    )
    for notice in result.notices:
        out.note(f"dsforge: {notice}")
    same = f" and of the same {together}" if together else ""
    out.say(f"  true ratio {result.ratio:.1%} (asked: {result.wanted_ratio:.1%}), seed {result.seed}")
    out.say(
        f"  {quantity(result.groups, 'group')} of near-duplicate prompts{same} kept together "
        f"({quantity(result.grouped_rows, 'row')}, the largest {result.largest_group:,})"
    )
    if set(result.categories) != {UNCATEGORISED}:
        rows = [(name, count.train, count.validation) for name, count in result.categories.items()]
        out.table(("category", "train", "validation"), rows)
    if rejects_file:
        out.note(f"dsforge: rejected rows with their reasons: {rejects_file} (the first: {result.first_reject})")
    out.result(
        "split", result.rows_in, result.train_rows + result.validation_rows, result.rows_rejected,
        train=train, validation=validation, rejects=rejects_file, train_rows=result.train_rows,
        validation_rows=result.validation_rows, ratio=result.ratio, seed=result.seed, groups=result.groups,
        grouped_rows=result.grouped_rows, largest_group=result.largest_group,
        categories={name: asdict(count) for name, count in result.categories.items()},
    )  # fmt: skip
    return 1 if result.rows_rejected else 0


def _places(folder: str, train: str, validation: str) -> tuple[str, str]:
    """Where the two files go; a folder that is missing is made, its parent has to be there."""
    from pathlib import Path

    from dsforge.errors import OutputError, UsageError

    if folder and not (train or validation):
        place = Path(folder)
        try:
            place.mkdir(exist_ok=True)
        except FileNotFoundError:
            raise OutputError(
                f"{place.parent} does not exist: make the folder first (mkdir -p {place.parent})"
            ) from None
        except OSError as error:
            raise OutputError(f"{folder} cannot be made a folder: {error.strerror}") from error
        return str(place / "train.jsonl"), str(place / "validation.jsonl")
    if not folder and train and validation:
        return train, validation
    raise UsageError("say where to write: -o FOLDER, or both --train FILE and --validation FILE")
