"""`dsforge augment`: a larger model writes more rows, and a killed run pays for nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dsforge.cli.output import FORMAT, INPUT, JSON_FLAG, Output, quantity

if TYPE_CHECKING:
    from dsforge.augment.ask import Usage
    from dsforge.augment.result import AugmentResult, Estimate
    from dsforge.augment.seeds import Wish

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_SHOWN = 20
_SECONDS_BETWEEN_LINES = 10.0


@app.command()
def command(
    input: str = INPUT,
    method: str = typer.Option(
        ..., "--method", help="How new rows are made, as paraphrase; an unknown name lists them all."
    ),
    model: str = typer.Option(..., "--model", help="The model to ask, by the server's name for it."),
    output: str = typer.Option(
        "-",
        "--output",
        "-o",
        show_default=False,
        help="Where to write; .json writes an array [default: standard output].",
    ),
    per_row: int = typer.Option(1, "--per-row", min=1, help="New rows to ask for from each seed."),
    rows: int | None = typer.Option(
        None, "--rows", min=1, help="Ask for no more than so many new rows in all, from the first seed on."
    ),
    with_seeds: bool = typer.Option(False, "--with-seeds", help="Write each seed too, before the rows made from it."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Count requests and prompt tokens; ask and write nothing."),
    base_url: str = typer.Option(
        "", "--base-url", metavar="URL", help="The server [default: OPENAI_BASE_URL, else OpenAI]."
    ),
    base_url_env: str = typer.Option("", "--base-url-env", metavar="NAME", help="Variable to read the server from."),
    api_key_env: str = typer.Option(
        "", "--api-key-env", metavar="NAME", help="Variable to read the key from [default: OPENAI_API_KEY]."
    ),
    concurrency: int = typer.Option(8, "--concurrency", min=1, max=4096, help="Requests at a time."),
    temperature: float | None = typer.Option(None, "--temperature", min=0, max=2, help="[default: the server's]"),
    max_tokens: int | None = typer.Option(
        None, "--max-tokens", min=1, help="Longest answer in tokens [default: the server's]."
    ),
    timeout: float = typer.Option(300.0, "--timeout", min=0.1, metavar="SECONDS", help="Longest wait for one answer."),
    prompt: str = typer.Option(
        "", "--prompt", metavar="FILE", help="A Jinja file in place of the method's own prompt."
    ),
    journal: str = typer.Option(
        "",
        "--journal",
        metavar="FILE",
        help="Where answers are kept [default: .NAME.journal.sqlite beside the output].",
    ),
    rejects: str = typer.Option(
        "", "--rejects", help="Where seeds go that cannot be used [default: OUTPUT with .rejects.jsonl]."
    ),
    format_name: str = FORMAT,
    as_json: bool = JSON_FLAG,
) -> int:
    """Let a larger model write more rows, each in its seed's format and with its provenance.

    Any OpenAI-compatible server. Every answer is kept in a journal before it is used: the same command after a crash
    or Ctrl-C asks only for what is missing. The key is read from the environment and written nowhere.
    """
    from dsforge.augment.seeds import Wish

    out = Output(as_json, output if not (dry_run and output == "-") else "")
    wish = Wish(method, model, per_row, rows, temperature, max_tokens, prompt, format_name)
    if dry_run:
        return _dry_run(out, input, output, wish, base_url, base_url_env, journal)

    from msgspec import to_builtins

    from dsforge.augment.ask import Patience
    from dsforge.augment.result import Interrupted
    from dsforge.augment.run import augment
    from dsforge.augment.server import find_server
    from dsforge.io.rejects import rejects_path

    server = find_server(base_url, base_url_env, api_key_env)
    try:
        result = augment(
            input, output, wish, server, concurrency=concurrency, patience=Patience(timeout=timeout),
            journal=journal or None, rejects=rejects or None, with_seeds=with_seeds, on_change=_Progress(out),
        )  # fmt: skip
    except Interrupted as stopped:
        out.note(
            f"dsforge: {quantity(stopped.answers, 'answer')} of this run kept in {stopped.journal}: run the same "
            f"command again to go on from there"
        )
        raise
    rejects_file = (rejects or str(rejects_path(output))) if result.rows_rejected else None
    _tell(out, result, input, output, rejects_file)
    out.result(
        "augment", result.rows_in, result.rows_out, result.rows_rejected, rows_generated=result.rows_generated,
        rows_kept=result.rows_kept, requests=result.requests, prompt_tokens=result.prompt_tokens,
        completion_tokens=result.completion_tokens, spent=None, currency=None, dropped=result.dropped,
        failed=len(result.failures), failures=to_builtins(result.failures), retries=result.retries,
        from_journal=result.from_journal, method=method, model=model, output=output, journal=result.journal,
        rejects=rejects_file,
    )  # fmt: skip
    return 1 if result.rows_rejected or result.failures else 0


class _Progress:
    """A line now and then, and one when the run is asked to stop."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._next = _SECONDS_BETWEEN_LINES
        self._told_stopping = False

    def __call__(self, usage: Usage) -> None:
        if usage.interrupted and not self._told_stopping:
            self._told_stopping = True
            self._out.note("dsforge: stopping; requests in flight are finished first (Ctrl-C again gives them up)")
        elif self._out.seconds >= self._next:
            self._next = self._out.seconds + _SECONDS_BETWEEN_LINES
            trouble = f", {usage.retries:,} retries (last: {usage.last_trouble})" if usage.last_trouble else ""
            tokens = usage.prompt_tokens + usage.completion_tokens
            self._out.note(
                f"dsforge: {quantity(usage.answered, 'answer')} in {self._out.seconds:.0f} s, "
                f"{usage.from_journal:,} from the journal, {tokens:,} tokens{trouble}"
            )


def _tell(out: Output, result: AugmentResult, input: str, output: str, rejects: str | None) -> None:
    out.say(
        f"{input} -> {output}: {quantity(result.rows_in, 'row')} in, {result.rows_generated:,} generated, "
        f"{result.rows_kept:,} kept, {result.rows_out:,} out, {sum(result.dropped.values()):,} dropped, "
        f"{len(result.failures):,} failed, {result.rows_rejected:,} rejected"
    )
    for reason, count in result.dropped.items():
        out.say(f"  dropped  {reason}: {count:,}")
    retries = f", {result.retries:,} tried again" if result.retries else ""
    out.say(
        f"  asked    {quantity(result.requests, 'request')}{retries}, {result.from_journal:,} more from the journal; "
        f"{result.prompt_tokens:,} prompt and {result.completion_tokens:,} completion tokens"
    )
    out.say(f"  journal  {result.journal} (the same command again pays for nothing twice; remove it to ask anew)")
    for failure in result.failures[:_SHOWN]:
        out.note(f"dsforge: {input}:{failure.line}: row {failure.row}, number {failure.number}: {failure.reason}")
    if len(result.failures) > _SHOWN:
        out.note(f"dsforge: and {len(result.failures) - _SHOWN:,} more (all are in --json)")
    if result.failures:
        out.note(
            f"dsforge: {quantity(len(result.failures), 'row')} not generated; the same command again asks for them"
        )
    if result.untraced:
        out.note(f"dsforge: {quantity(result.untraced, 'row')} in a format that cannot hold where they come from")
    if rejects:
        out.note(f"dsforge: rejected rows with their reasons: {rejects} (the first: {result.first_reject})")


def _dry_run(out: Output, input: str, output: str, wish: Wish, base_url: str, url_env: str, journal: str) -> int:
    from pathlib import Path

    from dsforge.augment.estimate import estimate
    from dsforge.augment.run import journal_path
    from dsforge.augment.server import server_url

    url = server_url(base_url, url_env)
    result = estimate(input, wish, url, Path(journal) if journal else journal_path(output))
    _tell_estimate(out, result, input, url)
    out.result(
        "augment", result.rows_in, 0, result.rows_rejected, rows_generated=0, rows_kept=0, requests=result.requests,
        prompt_tokens=result.prompt_tokens, completion_tokens=0, spent=None, currency=None, dropped={}, failed=0,
        from_journal=result.from_journal, tokenizer=result.tokenizer, exact=result.exact, dry_run=True,
    )  # fmt: skip
    return 1 if result.rows_rejected else 0


def _tell_estimate(out: Output, result: Estimate, input: str, url: str) -> None:
    out.say(
        f"{input}: {quantity(result.rows_in, 'row')} in, {result.rows_rejected:,} rejected; would send "
        f"{quantity(result.requests, 'request')} to {url} ({result.from_journal:,} more need no asking)"
    )
    kind = "" if result.exact else ", an approximation of the model's own tokenizer"
    out.say(
        f"  {result.prompt_tokens:,} prompt tokens of text by {result.tokenizer}{kind}; the server's chat template "
        f"adds a few to each request. Nothing was asked"
    )
    if result.note:
        out.note(f"dsforge: {result.note}")
    if result.first_reject:
        out.note(f"dsforge: the first reject: {result.first_reject}")
