"""`dsforge dedup`: exact and near duplicates removed, each verdict verified."""

from __future__ import annotations

import typer

from dsforge.cli.output import FORMAT, JSON_FLAG, Output, quantity

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_SHOWN = 5
_MANY = 0.3  # share of near-duplicates above which a shared template is likelier than copying


@app.command()
def command(
    inputs: list[str] = typer.Argument(
        ..., metavar="INPUT...", help="JSONL or JSON files, taken for one dataset; - is standard input."
    ),
    output: str = typer.Option(
        "-",
        "--output",
        "-o",
        show_default=False,
        help="Where to write; .json writes an array [default: standard output].",
    ),
    on: str = typer.Option(
        "conversation",
        "--on",
        help="What has to be alike: conversation (the prompt and each answer), prompt, or completion.",
    ),
    threshold: float = typer.Option(0.8, "--threshold", help="Jaccard similarity from which rows are near-duplicates."),
    exact: bool = typer.Option(False, "--exact", help="Remove exact copies only."),
    clusters: str = typer.Option("", "--clusters", metavar="FILE", help="Write each removed row with the one kept."),
    rejects: str = typer.Option(
        "", "--rejects", help="Where rows go that cannot be decoded [default: OUTPUT with .rejects.jsonl]."
    ),
    format_name: str = FORMAT,
    workers: int = typer.Option(1, "--workers", min=1, help="Threads that sign rows while they are read."),
    as_json: bool = JSON_FLAG,
) -> int:
    """Remove exact and near duplicates; of each cluster the first row is kept.

    Texts are compared in NFKC, without regard to case and amount of white space. A row is removed only if
    the exact Jaccard similarity of its prompt, and of each of its answers, with those of a kept row reaches
    the threshold; system prompt, tools, media and label have to be equal. No row is removed wrongly; of the pairs
    exactly at the threshold up to 2% are missed, of those well above it next to none.
    """
    from typing import cast

    from dsforge.dedup.run import dedup
    from dsforge.io.rejects import rejects_path
    from dsforge.similarity.compared import On

    out = Output(as_json, output)
    result = dedup(
        inputs, output, on=cast(On, on), threshold=threshold, exact=exact, clusters=clusters or None,
        rejects=rejects or None, format_name=format_name, workers=workers,
    )  # fmt: skip
    rejects_file = (rejects or str(rejects_path(output))) if result.rows_rejected else None
    for notice in result.notices:
        out.note(f"dsforge: {notice}")
    out.say(
        f"{' '.join(inputs)} -> {output}: {quantity(result.rows_in, 'row')} in, {result.rows_out:,} out, "
        f"{quantity(result.exact_duplicates, 'exact duplicate')} and "
        f"{quantity(result.near_duplicates, 'near-duplicate')} removed, "
        f"{result.rows_rejected:,} rejected"
    )
    near = [removed for removed in result.removed if not removed.exact]
    for removed in near[:_SHOWN]:
        out.say(
            out.style("  near  ", "yellow") + f"{removed.path}:{removed.line} is {removed.similarity:.2f} alike "
            f"{removed.kept_path}:{removed.kept_line}, which is kept"
        )
    if len(near) > _SHOWN:
        where = clusters or "name a file with --clusters to see them"
        out.say(f"  and {len(near) - _SHOWN:,} more: {where}")
    if result.near_duplicates > max(_MANY * result.rows_in, _SHOWN):
        out.note(
            "dsforge: many rows are near-duplicates. Rows that differ only in a few words of a long shared "
            "template count as alike: look at some with --clusters FILE; --threshold 0.9 or --exact removes fewer"
        )
    if rejects_file:
        out.note(f"dsforge: rejected rows with their reasons: {rejects_file} (the first: {result.first_reject})")
    out.result(
        "dedup", result.rows_in, result.rows_out, result.rows_rejected, exact_duplicates=result.exact_duplicates,
        near_duplicates=result.near_duplicates, clusters=result.clusters, threshold=threshold, on=on,
        output=output, clusters_file=clusters or None, rejects=rejects_file,
    )  # fmt: skip
    return 1 if result.rows_rejected else 0
