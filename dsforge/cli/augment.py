"""`dsforge augment`: a larger model writes more rows, and a killed run pays for nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dsforge.cli.asking import Progress
from dsforge.cli.output import FORMAT, INPUT, JSON_FLAG, Output, quantity
from dsforge.cli.spending import funds_of, money, number, show_cost, show_spent
from dsforge.errors import UsageError

if TYPE_CHECKING:
    from dsforge.augment.prices import Funds
    from dsforge.augment.result import AugmentResult, Estimate
    from dsforge.augment.seeds import CheckSeed, Find
    from dsforge.augment.wish import Wish

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_SHOWN = 20


@app.command()
def command(
    input: str = INPUT,
    method: str = typer.Option(
        ...,
        "--method",
        help="How rows are made: answer, back-translate, document, evolve, extend, fill, judge, paraphrase, "
        "preference, repair, self-instruct, translate.",
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
    to_language: str = typer.Option("", "--to-language", metavar="zh|en", help="What translate translates into."),
    by: str = typer.Option(
        "", "--by", metavar="FIELD", help="The field of a category, for fill [default: where the format has it]."
    ),
    to: str = typer.Option(
        "", "--to", metavar="FORMAT", help="The format of the new rows [default: that of the seeds, where it can be]."
    ),
    candidates: int = typer.Option(
        0, "--candidates", min=0, max=8, show_default=False, help="Answers that preference chooses from [default: 3]."
    ),
    min_score: int | None = typer.Option(
        None, "--min-score", min=1, max=5, help="Have the model judge each new row, and keep those with this or more."
    ),
    rubric: str = typer.Option(
        "", "--rubric", metavar="FILE", help="What to judge by, as text [default: the prompt's own]."
    ),
    select: str = typer.Option(
        "", "--select", metavar="CODES", help="The lint rules whose findings repair mends [default: Q and L]."
    ),
    findings: str = typer.Option(
        "", "--findings", metavar="FILE", help="What `lint --json` found, for repair [default: it looks itself]."
    ),
    json_schema: bool = typer.Option(
        True, "--json-schema/--no-json-schema", help="Have a server that can keep answers to their JSON Schema."
    ),
    skip_faulty: bool = typer.Option(
        False, "--skip-faulty", help="Seeds with errors make no rows and go to the rejects [default: nothing is asked]."
    ),
    strip_meta: bool = typer.Option(False, "--strip-meta", help="Leave out of the rows where they come from."),
    with_seeds: bool = typer.Option(False, "--with-seeds", help="Write each seed too, before the rows made from it."),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Count requests, tokens and their price; ask and write nothing."
    ),
    budget: str = typer.Option(
        "",
        "--budget",
        metavar="AMOUNT",
        show_default=False,
        help="The most that all runs with this journal may cost, as 5USD.",
    ),
    price_in: str = typer.Option(
        "",
        "--price-in",
        metavar="AMOUNT",
        show_default=False,
        help="What 1,000,000 prompt tokens cost, as 0.15USD "
        "[default: by genai-prices, where it is installed and knows the server].",
    ),
    price_out: str = typer.Option(
        "",
        "--price-out",
        metavar="AMOUNT",
        show_default=False,
        help="What 1,000,000 tokens of answers cost, as 0.60USD.",
    ),
    base_url: str = typer.Option(
        "", "--base-url", metavar="URL", help="The server [default: OPENAI_BASE_URL, else OpenAI]."
    ),
    base_url_env: str = typer.Option("", "--base-url-env", metavar="NAME", help="Variable to read the server from."),
    api_key_env: str = typer.Option(
        "", "--api-key-env", metavar="NAME", help="Variable to read the key from [default: OPENAI_API_KEY]."
    ),
    batch: bool = typer.Option(
        False, "--batch", help="Ask by the server's Batch API: an answer within a day, at half the price of most."
    ),
    submit_again: bool = typer.Option(
        False, "--submit-again", help="With --batch: ask again for batches that the server cannot tell of."
    ),
    concurrency: int = typer.Option(8, "--concurrency", min=1, max=4096, help="Requests at a time."),
    requests_per_minute: int | None = typer.Option(
        None, "--requests-per-minute", min=1, help="[default: as the server's headers tell]"
    ),
    tokens_per_minute: int | None = typer.Option(
        None, "--tokens-per-minute", min=1, help="[default: as the server's headers tell]"
    ),
    temperature: float | None = typer.Option(None, "--temperature", min=0, max=2, help="[default: the server's]"),
    max_tokens: int | None = typer.Option(
        None, "--max-tokens", min=1, help="Longest answer in tokens [default: the server's; 4096 with --budget]."
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
    report: str = typer.Option(
        "",
        "--report",
        metavar="PAGE.html",
        help="Write a page that compares categories, lengths and diversity before and after.",
    ),
    rejects: str = typer.Option(
        "", "--rejects", help="Where seeds and answers go that make no row [default: OUTPUT with .rejects.jsonl]."
    ),
    format_name: str = FORMAT,
    as_json: bool = JSON_FLAG,
) -> int:
    """Let a larger model write more rows, each in its seed's format and with its provenance.

    Any OpenAI-compatible server. Every answer is kept in a journal before it is used: the same command after a crash
    or Ctrl-C asks only for what is missing. The key is read from the environment and written nowhere.
    """
    from dsforge.augment.method import get_method
    from dsforge.augment.server import find_server, server_url
    from dsforge.augment.wish import Wish
    from dsforge.lint_gate import gate_for, text_of_file

    out = Output(as_json, output if not (dry_run and output == "-") else "")
    wish = Wish(method, model, per_row, rows, temperature, max_tokens, prompt, format_name, to_language, by, strip_meta,
                json_schema, to, candidates, min_score, text_of_file(rubric, "--rubric"))  # fmt: skip
    gate, find = gate_for(wish, input, select, findings)
    check_seed = None
    if not get_method(method).takes_faulty:
        if skip_faulty or input == "-":
            check_seed = gate.check_seed
        else:  # all of them are looked at now, so that none need be later
            gate.check_seeds(input, format_name)
    url = server_url(base_url, base_url_env)
    funds = funds_of(budget, price_in, price_out, model, url)
    _check_places(input, output, journal, rejects, report)
    if submit_again and not batch:
        raise UsageError("--submit-again is about batches: give --batch too, or leave it out")
    if dry_run:
        if batch:
            from dsforge.augment.batch_api import batch_funds, batch_service

            funds = batch_funds(funds, batch_service(url))
        return _dry_run(out, input, output, wish, url, journal, funds, find, check_seed, with_seeds)

    from msgspec import to_builtins

    from dsforge.augment.ask import Patience
    from dsforge.augment.batch import Batching
    from dsforge.augment.limits import Pace
    from dsforge.augment.result import Interrupted
    from dsforge.augment.run import Asking, augment
    from dsforge.io.rejects import rejects_path

    server = find_server(base_url, base_url_env, api_key_env)
    asking = Asking(
        concurrency, Patience(timeout=timeout), funds, Pace(requests_per_minute, tokens_per_minute),
        Batching(submit_again=submit_again) if batch else None, Progress(out),
    )  # fmt: skip
    try:
        result = augment(
            input, output, wish, server, asking, journal=journal or None, rejects=rejects or None,
            with_seeds=with_seeds, check=gate, find=find, check_seed=check_seed,
        )  # fmt: skip
    except Interrupted as stopped:
        cost = "" if stopped.spent is None else f" ({money(stopped.spent, stopped.currency)})"
        out.note(
            f"dsforge: {quantity(stopped.answers, 'answer')} of this run{cost} kept in {stopped.journal}: run the same "
            f"command again to go on from there"
        )
        if stopped.behind:
            out.note(f"dsforge: {stopped.behind}")
        raise
    rejects_file = (rejects or str(rejects_path(output))) if result.rows_rejected or result.dropped else None
    _tell(out, result, input, output, rejects_file)
    show_spent(out, result, funds)
    compared = None
    if report:
        from dsforge.augment.compare import compare
        from dsforge.augment.page import write_page

        compared = compare(input, output, wish, result, with_seeds=with_seeds)
        write_page(report, compared)
        out.note(f"dsforge: wrote {report}")
    out.result(
        "augment", result.rows_in, result.rows_out, result.rows_rejected, rows_generated=result.rows_generated,
        rows_kept=result.rows_kept, rows_unchanged=result.rows_unchanged, requests=result.requests,
        prompt_tokens=result.prompt_tokens, completion_tokens=result.completion_tokens,
        spent=number(result.spent), currency=result.currency or None,
        spent_before=number(result.spent_before), budget=number(funds.cap), unpaid=result.unpaid,
        dropped=result.dropped, lost=result.lost, unchanged=result.unchanged,
        failed=len(result.failures), failures=to_builtins(result.failures), retries=result.retries,
        from_journal=result.from_journal, method=method, model=model, output=output, journal=result.journal,
        rejects=rejects_file, report=report or None, comparison=compared.figures() if compared else None,
    )  # fmt: skip
    return 1 if result.rows_rejected or result.failures or result.unpaid else 0


def told_counts(counts: dict[str, int]) -> str:
    """`: 3 for one reason, 2 for another`, "" for none."""
    return "".join(f"{', ' if at else ': '}{count:,} {reason}" for at, (reason, count) in enumerate(counts.items()))


def _tell(out: Output, result: AugmentResult, input: str, output: str, rejects: str | None) -> None:
    out.say(
        f"{input} -> {output}: {quantity(result.rows_in, 'row')} in, {result.rows_generated:,} generated, "
        f"{result.rows_kept:,} kept, {result.rows_out:,} out, {sum(result.dropped.values()):,} dropped, "
        f"{len(result.failures):,} failed, {result.rows_rejected:,} rejected"
    )
    for reason, count in result.dropped.items():
        out.say(f"  dropped  {reason}: {count:,}")
    if result.rows_unchanged:
        out.say(f"  as it is {quantity(result.rows_unchanged, 'row')}{told_counts(result.unchanged)}")
    for feature, count in result.lost.items():
        out.note(f"dsforge: {quantity(count, 'row')} lost, as the format cannot hold it: {feature}")
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
        out.note(
            f"dsforge: rejected seeds and answers with their reasons: {rejects} (the first: {result.first_reject})"
        )


def _check_places(input: str, output: str, journal: str, rejects: str, report: str) -> None:
    """Refuse, before the work, places that cannot be written to, are one another, or are the input."""
    from dsforge.augment.page import check_page
    from dsforge.augment.run import journal_path
    from dsforge.io.rejects import rejects_path
    from dsforge.io.together import check_outputs

    if report:
        check_page(report, input, output)
    beside = [journal or journal_path(output), *([report] if report else [])]
    check_outputs([input], [output, rejects or rejects_path(output)], others=beside)


def _dry_run(
    out: Output,
    input: str,
    output: str,
    wish: Wish,
    url: str,
    journal: str,
    funds: Funds,
    find: Find | None,
    check_seed: CheckSeed | None,
    with_seeds: bool,
) -> int:
    from pathlib import Path

    from dsforge.augment.estimate import estimate
    from dsforge.augment.run import journal_path

    result = estimate(input, wish, url, Path(journal) if journal else journal_path(output), funds, find, check_seed,
                      with_seeds)  # fmt: skip
    _tell_estimate(out, result, input, url)
    show_cost(out, result, funds)
    out.result(
        "augment", result.rows_in, 0, result.rows_rejected, rows_generated=0, rows_kept=0, requests=result.requests,
        prompt_tokens=result.prompt_tokens, completion_tokens=0, spent=None, currency=result.currency or None,
        expected_completion_tokens=result.completion_tokens, expected_cost=number(result.cost),
        most_cost=number(result.most), spent_before=number(result.spent), budget=number(funds.cap), dropped={},
        failed=0, from_journal=result.from_journal, tokenizer=result.tokenizer, exact=result.exact, dry_run=True,
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
