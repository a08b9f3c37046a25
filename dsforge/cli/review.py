"""`dsforge review`: annotators read, judge and mend rows in the browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from dsforge.cli.output import FORMAT, JSON_FLAG, Output, quantity

if TYPE_CHECKING:
    from dsforge.cli.review_check import LintCheck
    from dsforge.review.export import ExportResult
    from dsforge.review.review import Review
    from dsforge.review.serve import Link

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    input: str = typer.Argument(..., metavar="INPUT", help="A file of rows; it is never changed."),
    export: str = typer.Option("", "--export", metavar="FILE", help="Write the result of the review, and end."),
    rejects: str = typer.Option(
        "", "--rejects", metavar="FILE", help="Where rejected rows go [default: OUTPUT with .rejects.jsonl]."
    ),
    only_reviewed: bool = typer.Option(
        False, "--only-reviewed", help="Leave out of the export the rows without a verdict."
    ),
    strip_meta: bool = typer.Option(False, "--strip-meta", help="Leave out of the rows what was done to them."),
    annotators: str = typer.Option(
        "", "--annotators", metavar="NAMES", help="Who reviews, as ana,bo [default: as before, else you]."
    ),
    overlap: str = typer.Option(
        "", "--overlap", metavar="SHARE", help="The share of rows that every annotator sees, as 20% [default: 0%]."
    ),
    rubric: str = typer.Option(
        "", "--rubric", metavar="NAMES", help="What rows are scored by, as correct,helpful,clear, each from 1 to 5."
    ),
    to: str = typer.Option(
        "", "--to", metavar="TOOL:PATH", help="Write the rows for label-studio, argilla or excel, and end."
    ),
    source: str = typer.Option(
        "", "--from", metavar="TOOL:PATH", help="Add what was done in label-studio, argilla or excel, and end."
    ),
    match_rows: bool = typer.Option(
        False, "--match-rows", help="Where the file has changed, keep the decisions on the rows that are still there."
    ),
    journal: str = typer.Option(
        "", "--journal", metavar="FILE", help="Where decisions are kept [default: .NAME.review.sqlite beside the file]."
    ),
    port: int | None = typer.Option(None, "--port", min=0, max=65535, help="[default: 8377, or any that is free]"),
    host: str = typer.Option(
        "127.0.0.1", "--host", help="The address to listen on; one that other machines reach needs --password."
    ),
    password: str = typer.Option(
        "", "--password", help="What annotators have to enter beside their link; - asks for it here."
    ),
    open_browser: bool = typer.Option(False, "--open", help="Open the page in the browser."),
    format_name: str = FORMAT,
    as_json: bool = JSON_FLAG,
) -> int:
    """Go through rows in the browser at the speed of the keyboard, with lint's findings beside each.

    Every decision is in a journal beside the file before the page moves on: the same command goes on from there, and
    --export writes the result. The page is served to this machine alone, to who has the link.
    """
    from dsforge.cli.review_check import LintCheck
    from dsforge.cli.review_tools import bring, send
    from dsforge.errors import UsageError
    from dsforge.review.review import Review

    if sum(map(bool, (export, to, source))) > 1:
        raise UsageError("--export, --to and --from each do one thing and end: give one of them")
    if annotators and (to or (source and "," in annotators)):
        raise UsageError("--annotators: --from takes the name of one annotator, and --to takes none")
    out = Output(as_json, export)
    check = LintCheck(format_name)
    if export:
        _refuse_unbegun(input, journal)
    else:
        _refuse_without_export({"--rejects": rejects, "--only-reviewed": only_reviewed, "--strip-meta": strip_meta})
    with Review(
        input, journal=journal or None, format=format_name, match_rows=match_rows, check=None if export else check
    ) as review:
        for notice in review.source.notices:
            out.note(f"dsforge: {notice}")
        if review.matched:
            out.note(
                f"dsforge: the file has changed: {quantity(review.matched.kept, 'decision')} matched to its rows, "
                f"{len(review.matched.lost):,} on rows that are gone"
            )
        if export:
            return _export(out, review, export, rejects, only_reviewed, strip_meta)
        if to:
            return send(out, review, to)
        if source:
            return bring(out, review, source, annotators)
        _serve(out, review, check, annotators, overlap, rubric, host, port, password, open_browser)
    return 0


def _refuse_without_export(given: dict[str, object]) -> None:
    from dsforge.errors import UsageError

    for option, value in given.items():
        if value:
            raise UsageError(f"{option} is said of what is written: give --export OUT too")


def _refuse_unbegun(source: str, journal: str) -> None:
    from pathlib import Path

    from dsforge.errors import InputError
    from dsforge.review.journal import review_path

    kept = Path(journal) if journal else review_path(source)
    if not kept.exists():
        raise InputError(
            f"there is no review of {source} to export ({kept} does not exist): begin one without --export"
        )


def _export(out: Output, review: Review, output: str, rejects: str, only_reviewed: bool, strip_meta: bool) -> int:
    from dsforge.review.export import export

    result = export(review, output, rejects=rejects or None, only_reviewed=only_reviewed, strip_meta=strip_meta)
    _tell(out, result, review, output)
    out.result(
        "review", result.rows_in, result.rows_out, result.rows_rejected, removed=result.removed,
        statuses=result.statuses, reasons=result.reasons, changed=result.changed, untraced=result.untraced,
        lost_features=result.lost,
        output=output, rejects=result.rejects or None, journal=str(review.journal.path), lost=len(review.lost),
    )  # fmt: skip
    return 0


def _tell(out: Output, result: ExportResult, review: Review, output: str) -> None:
    out.say(
        f"{review.path} -> {output}: {quantity(result.rows_in, 'row')} in, {result.rows_out:,} out, "
        f"{result.rows_rejected:,} rejected, {sum(result.removed.values()):,} removed"
    )
    statuses = ", ".join(
        f"{count:,} {'not reviewed' if name == 'new' else name}" for name, count in result.statuses.items()
    )
    out.say(f"  reviewed {statuses or 'nothing'}; {quantity(result.changed, 'row')} changed")
    for reason, count in result.removed.items():
        out.say(f"  removed  {reason}: {count:,}")
    for reason, count in result.reasons.items():
        out.say(f"  rejected {reason}: {count:,}")
    if result.untraced:
        out.note(f"dsforge: {quantity(result.untraced, 'row')} in a format that cannot hold what was done to them")
    for feature, count in result.lost.items():
        out.note(f"dsforge: {quantity(count, 'row')} lost, as the format cannot hold it: {feature}")
    if result.rejects:
        out.note(f"dsforge: rejected rows with their reasons: {result.rejects}")
    if review.lost:
        out.note(f"dsforge: {quantity(len(review.lost), 'decision')} on rows that are no longer in the file")


def _serve(
    out: Output, review: Review, check: LintCheck, annotators: str, overlap: str, rubric: str, host: str,
    port: int | None, password: str, open_browser: bool,
) -> None:  # fmt: skip
    from msgspec.structs import replace

    from dsforge.errors import UsageError
    from dsforge.extras import require
    from dsforge.review.guard import is_loopback

    for module in ("starlette", "uvicorn", "jinja2", "markdown_it"):
        require(module, "review", "the review page")
    from dsforge.review.app import RUBRIC, Options
    from dsforge.review.serve import listen, serve

    if not is_loopback(host) and not password:
        raise UsageError(f"--host {host} can be reached by other machines: give a --password too (- asks for it)")
    names = _names(annotators) or review.setup.annotators or [_me()]
    share = _share(overlap) if overlap else review.setup.overlap
    if (names, share) != (review.setup.annotators, review.setup.overlap):
        review.keep_setup(replace(review.setup, annotators=names, overlap=share))
    if password == "-":  # noqa: S105 - not the password: it is asked for
        password = typer.prompt("Password for the annotators", hide_input=True, err=True)

    def ready(links: list[Link]) -> None:
        _tell_links(out, review, links, not is_loopback(host))
        if open_browser:
            import webbrowser

            webbrowser.open(links[0].url)

    options = Options(rubric=tuple(_names(rubric)) or RUBRIC)
    try:
        serve(review, check, names, share, listen(host, port), host=host, password=password,
              options=options, ready=ready)  # fmt: skip
    except KeyboardInterrupt:
        out.note(f"dsforge: ended; every decision is in {review.journal.path}")


def _tell_links(out: Output, review: Review, links: list[Link], is_public: bool) -> None:
    out.say(f"{review.path}: {quantity(len(review), 'row')}, decisions in {review.journal.path}")
    for link in links:
        who = "to settle disagreements" if link.seat.final else link.seat.name
        out.say(f"  {who}: {link.url}" if len(links) > 1 else f"  open {link.url}")
    if is_public:
        out.note("dsforge: the page is not encrypted: use it in a network you trust, or through an SSH tunnel")
    out.say("  Ctrl-C ends it; nothing is lost")
    sys.stdout.flush()  # whoever reads it through a pipe waits for the link


def _names(given: str) -> list[str]:
    return [name.strip() for name in given.split(",") if name.strip()]


def _share(given: str) -> float:
    """`20%` or `0.2`."""
    from dsforge.errors import UsageError

    try:
        share = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
    except ValueError:
        raise UsageError(f"--overlap {given} is no share: give it as 20%") from None
    if not 0 <= share <= 1:
        raise UsageError(f"--overlap {given} is out of range: give a share of the rows, as 20%")
    return share


def _me() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return "me"
