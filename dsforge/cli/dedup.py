"""`dsforge dedup`: exact and near duplicates removed, leaks told, each verdict verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from dsforge.cli.engine import ENGINE, PARTITIONS, WORKERS, prepared
from dsforge.cli.output import FORMAT, JSON_FLAG, Output, quantity
from dsforge.errors import UsageError

if TYPE_CHECKING:
    from dsforge.dedup.keep import Keep
    from dsforge.dedup.result import DedupResult

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_LISTED = 5
_ON_PAGE = 20  # clusters side by side, unless more are asked for
_MANY = 0.3  # share of near-duplicates above which a shared template is likelier than copying


@app.command()
def command(
    inputs: list[str] = typer.Argument(
        ..., metavar="INPUT...", help="JSONL or JSON files, taken for one dataset; - is standard input."
    ),
    output: str = typer.Option(
        "",
        "--output",
        "-o",
        show_default=False,
        help="Where to write; .json writes an array [default: standard output; a check writes nothing].",
    ),
    on: str = typer.Option(
        "",
        "--on",
        show_default=False,
        help="What has to be alike: conversation (the prompt and each answer), pair (prompt, chosen and rejected), or "
        "parts with commas between: prompt, completion, chosen, rejected; system and tools, which have to be equal "
        "[default: conversation; prompt with --leaks].",
    ),
    threshold: float = typer.Option(0.8, "--threshold", help="Jaccard similarity from which rows are near-duplicates."),
    exact: bool = typer.Option(False, "--exact", help="Look for exact copies only."),
    normalise: str = typer.Option(
        "nfkc,case,space",
        "--normalise",
        metavar="WHAT",
        help="What does not count in a text: nfkc (width, ligatures), case, space (its amount), punctuation; or none.",
    ),
    keep: str = typer.Option(
        "first",
        "--keep",
        metavar="ROW",
        help="The row of a cluster that stays: first, longest, newest:FIELD (a date or number), best:FIELD (the "
        "highest number, as best:meta.score), fewest-findings (of dsforge lint). Of equal ones the first.",
    ),
    against: list[str] = typer.Option(
        [], "--against", metavar="FILE", help="Also remove what this file holds already. May be given several times."
    ),
    index: str = typer.Option(
        "",
        "--index",
        metavar="FOLDER",
        help="Also remove what this index holds already, and add the kept rows to it: what an addition costs follows "
        "its own size. Made where there is none.",
    ),
    lsh: str = typer.Option(
        "",
        "--lsh",
        metavar="WHERE",
        help="Also remove what this MinHashLSH of datasketch holds already, by estimate (it holds no texts), and add "
        "the kept rows to it: FILE.pickle, or redis://HOST:PORT/DB?name=NAME, which several machines can share. Made "
        "where there is none. A pickle can run code when it is loaded: from this one the tables of an LSH are taken, "
        "and all else is refused.",
    ),
    drop_contradictions: bool = typer.Option(
        False,
        "--drop-contradictions",
        help="Remove pairs that contradict each other, and answers labelled true and false; of different answers to "
        "one question keep one.",
    ),
    clusters: str = typer.Option(
        "", "--clusters", metavar="FILE", help="Write each row of each cluster, .parquet or .jsonl."
    ),
    report: str = typer.Option(
        "",
        "--report",
        metavar="FILE.html",
        help="Write a page with counts, distributions, where the duplicates come from, and clusters side by side.",
    ),
    show: int = typer.Option(0, "--show", metavar="N", min=0, help="Print N clusters side by side."),
    leaks: bool = typer.Option(
        False,
        "--leaks",
        help="A check: rows of the first INPUT (for training) that the other INPUTs (held out) hold too. Exits with 1 "
        "if there are any; -o writes the first without them.",
    ),
    contamination: list[str] = typer.Option(
        [],
        "--contamination",
        metavar="FILE",
        help="A check: rows that hold an item of this benchmark. Exits with 1 if there are any; -o writes the others.",
    ),
    rejects: str = typer.Option(
        "", "--rejects", help="Where rows go that cannot be decoded [default: OUTPUT with .rejects.jsonl]."
    ),
    format_name: str = FORMAT,
    shingles: str = typer.Option(
        "characters",
        "--shingles",
        metavar="HOW",
        help="What texts are cut into: characters (windows of 5, 3 for Chinese, Japanese and Korean, wider in long "
        "texts), words (windows of 3), or either with a width, as words:5.",
    ),
    semantic: str = typer.Option(
        "",
        "--semantic",
        metavar="MODEL",
        show_default=False,
        help="Compare by meaning: rows are near-duplicates where the cosine of the embeddings of each part reaches the "
        "threshold. minilm (English, offline), the name or folder of a sentence-transformers model, or openai/NAME for "
        "a server (OPENAI_API_KEY, OPENAI_BASE_URL).",
    ),
    workers: int = WORKERS,
    engine: str = ENGINE,
    partitions: int = PARTITIONS,
    as_json: bool = JSON_FLAG,
) -> int:
    """Remove exact and near duplicates; of each cluster one row is kept, by default the first.

    Texts are compared in NFKC, without regard to case and amount of white space (--normalise). A row is removed only
    if the exact Jaccard similarity of its prompt, and of each of its answers, with those of the kept row reaches
    the threshold; system prompt, tools, media and label have to be equal. No row is removed wrongly; of the pairs
    exactly at the threshold up to 2% are missed, of those well above it next to none. Rows that ask the same and
    contradict one another are told, and removed only with --drop-contradictions.
    """
    from dsforge.cli.held_out import check_contamination, check_leaks, note_rejects

    workers = prepared(workers)
    comparing: dict[str, Any] = {"threshold": threshold, "exact": exact, "normalise": _steps(normalise),
                                 "shingles": shingles}  # fmt: skip
    reading: dict[str, Any] = {"rejects": rejects or None, "format_name": format_name, "workers": workers,
                               "engine": engine, "partitions": partitions}  # fmt: skip
    removing = {"--keep": keep != "first", "--against": bool(against), "--index": bool(index), "--lsh": bool(lsh),
                "--semantic": bool(semantic), "--clusters": bool(clusters), "--report": bool(report),
                "--drop-contradictions": drop_contradictions}  # fmt: skip
    if leaks:
        _refuse("--leaks", {**removing, "--contamination": bool(contamination)})
        comparing["on"] = on or "prompt"
        return check_leaks(Output(as_json, output), inputs, output, show, **comparing, **reading)
    if contamination:
        _refuse("--contamination", {**removing, "--on": bool(on), "--exact": exact, "--show": bool(show)})
        return check_contamination(Output(as_json, output), inputs, contamination, output, **reading)
    from dsforge.dedup.run import dedup

    output = output or "-"
    out = Output(as_json, output)
    files = _files_of_page(report, inputs, against, output, rejects, clusters) if report else None
    result = dedup(
        inputs, output, on=on or "conversation", **comparing, keep=_keep(keep, inputs, format_name, workers),
        against=against, index=index or None, lsh=lsh or None, drop_contradictions=drop_contradictions,
        clusters=clusters or None, show=max(show, _ON_PAGE) if report else show, semantic=semantic, **reading,
    )  # fmt: skip
    known = [*against, *([index] if index else [])]
    _print_removed(out, f"{' '.join(inputs)} -> {output}", known, result, clusters, show)
    if index:
        out.say(f"  {quantity(result.indexed, 'row')} in the index {index} now")
    if lsh:
        _print_held(out, result)
    rejects_file = note_rejects(out, result, output, rejects)
    if files:
        from dsforge.dedup.page import write_page

        write_page(report, files[0], result, on=on or "conversation", **comparing, semantic=semantic, keep=keep,
                   against=files[1], index=index, drop_contradictions=drop_contradictions)  # fmt: skip
        out.note(f"dsforge: wrote {report}")
    out.result(
        "dedup", result.rows_in, result.rows_out, result.rows_rejected, exact_duplicates=result.exact_duplicates,
        near_duplicates=result.near_duplicates, against_duplicates=result.against_duplicates,
        clusters=result.clusters, threshold=threshold, on=on or "conversation", normalise=comparing["normalise"],
        shingles=shingles, semantic=semantic or None, keep=keep,
        contradictions=[_plain(each) for each in result.contradictions],
        contradiction_counts=result.contradiction_counts, contradictory=result.contradictory,
        index=index or None, indexed=result.indexed, lsh=result.lsh or None, lsh_rows=result.lsh_rows,
        lsh_duplicates=result.lsh_duplicates, in_lsh=_plain(result.in_lsh), output=output,
        clusters_file=clusters or None, report=report or None, rejects=rejects_file,
    )  # fmt: skip
    return 1 if result.rows_rejected else 0


def _steps(normalise: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in normalise.split(","))
    return () if names in (("none",), ("",)) else names


def _refuse(check: str, asked: Mapping[str, bool]) -> None:
    """UsageError for options that a check has no use for, rather than overlooking them."""
    useless = [name for name, is_asked in asked.items() if is_asked]
    if useless:
        raise UsageError(f"{check} only checks and has no use for {', '.join(useless)}: leave out one of the two")


def _files_of_page(
    report: str, inputs: Sequence[str], against: Sequence[str], output: str, rejects: str, clusters: str
) -> tuple[list[str], list[str]]:
    """The files that the page names: told before the work, for a glob may match what it writes.

    Raises:
        UsageError: the page is an input or another output, or has no file to go to.
    """
    from dsforge.dedup.output import Outputs
    from dsforge.io.expand import expand_sources

    if report == "-":
        raise UsageError("--report writes a page: name a file for it, as --report page.html")
    sources, others = expand_sources(inputs), expand_sources(against)
    Outputs(output, rejects or None, clusters or None).check([*sources, *others], [report])
    return sources, others


def _keep(keep: str, inputs: list[str], format_name: str, workers: int) -> str | Keep:
    """The preference by its name; that for fewer findings is made here, where lint is known."""
    if keep != "fewest-findings":
        return keep
    if "-" in inputs:
        raise UsageError("--keep fewest-findings reads the rows twice: write standard input to a file first")
    from collections import Counter

    from dsforge.dedup.keep import fewest_findings
    from dsforge.lint.facts import Settings
    from dsforge.lint.run import lint

    result = lint(inputs, ignore=["D"], settings=Settings(format=format_name), workers=workers)
    return fewest_findings(Counter((finding.path, finding.row) for finding in result.findings))


def _plain(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)


def _print_removed(out: Output, what: str, against: list[str], result: DedupResult, clusters: str, show: int) -> None:
    from dsforge.cli.side_by_side import print_side_by_side

    for notice in result.notices:
        out.note(f"dsforge: {notice}")
    there = f", {result.against_duplicates:,} already in {' '.join(against)}" if against else ""
    there += f", {result.lsh_duplicates:,} already in {result.lsh} by estimate" if result.lsh else ""
    contradictory = f", {result.contradictory:,} contradictory" if result.contradictory else ""
    out.say(
        f"{what}: {quantity(result.rows_in, 'row')} in, {result.rows_out:,} out, "
        f"{quantity(result.exact_duplicates, 'exact duplicate')} and "
        f"{quantity(result.near_duplicates, 'near-duplicate')} removed{there}{contradictory}, "
        f"{result.rows_rejected:,} rejected"
    )
    if show:
        print_side_by_side(out, result.shown[:show], "kept", "removed")
    else:
        _list_near(out, result, clusters)
    _print_contradictions(out, result, show)
    if result.near_duplicates > max(_MANY * result.rows_in, _LISTED):
        out.note(
            "dsforge: many rows are near-duplicates. Rows that differ only in a few words of a long shared "
            "template count as alike: look at some with --show 5; --threshold 0.9 or --exact removes fewer"
        )


def _list_near(out: Output, result: DedupResult, clusters: str) -> None:
    near = [removed for removed in result.removed if not removed.exact]
    for removed in near[:_LISTED]:
        out.say(
            out.style("  near  ", "yellow") + f"{removed.path}:{removed.line} is {removed.similarity:.2f} alike "
            f"{removed.kept_path}:{removed.kept_line}, which is kept"
        )
    if len(near) > _LISTED:
        where = clusters or "--show N prints some side by side, --clusters FILE writes all"
        out.say(f"  and {len(near) - _LISTED:,} more: {where}")


def _print_held(out: Output, result: DedupResult) -> None:
    for held in result.in_lsh[:_LISTED]:
        out.say(
            out.style("  held  ", "yellow") + f"{held.path}:{held.line} is about {held.estimate:.2f} alike {held.there}"
        )
    if len(result.in_lsh) > _LISTED:
        out.say(f"  and {len(result.in_lsh) - _LISTED:,} more: --json lists all")
    out.say(f"  {quantity(result.lsh_rows, 'row')} in {result.lsh} now")


def _print_contradictions(out: Output, result: DedupResult, show: int) -> None:
    from dsforge.cli.side_by_side import print_side_by_side
    from dsforge.dedup.result import CONTRADICTIONS

    counts = [f"{result.contradiction_counts[kind]:,} where {what}" for kind, what in CONTRADICTIONS.items()
              if result.contradiction_counts[kind]]  # fmt: skip
    if not counts:
        return
    first = " and ".join(f"{place.path}:{place.line}" for place in result.contradictions[0].rows[:2])
    ways = ["--show N prints some"] * (not show) + ["--drop-contradictions removes them"] * (not result.contradictory)
    how = f"; {', '.join(ways)}" if ways else ""
    out.say(f"  {quantity(len(result.contradictions), 'contradiction')}: {', '.join(counts)} (the first: {first}){how}")
    print_side_by_side(out, result.shown_contradictions[:show])
