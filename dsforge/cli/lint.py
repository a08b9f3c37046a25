"""`dsforge lint`: everything that would spoil a fine-tuning run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

import typer

from dsforge.cli.output import FORMAT, JSON_FLAG, WORKERS, Output, quantity
from dsforge.finding import SEVERITIES, Finding

if TYPE_CHECKING:
    from dsforge.lint.facts import Settings
    from dsforge.lint.run import LintResult

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


class FailOn(str, Enum):
    """The least severity that makes the exit code 1."""

    error = "error"
    warning = "warning"
    info = "info"
    never = "never"


@app.command()
def command(
    inputs: list[str] = typer.Argument(..., metavar="INPUT...", help="JSONL or JSON files, taken as one dataset."),
    select: list[str] = typer.Option([], "--select", help="Rules to run: codes, families (T), names, ALL."),
    ignore: list[str] = typer.Option([], "--ignore", help="Rules not to run."),
    fail_on: FailOn = typer.Option(FailOn.warning, "--fail-on", help="Exit with 1 from this severity on."),
    max_tokens: int = typer.Option(0, "--max-tokens", min=0, help="The longest row that fits (rule L301)."),
    tokenizer: str = typer.Option("", "--tokenizer", help="What counts the tokens; see dsforge cost --help."),
    target: str = typer.Option("", "--target", help="Check against a platform's formats and limits: openai, zhipu ..."),
    model: str = typer.Option("", "--model", help="The platform's model, where limits differ."),
    from_format: str = FORMAT,
    show: int = typer.Option(5, "--show", min=0, help="Findings to print of each rule; 0 prints all."),
    output_format: str = typer.Option("full", "--output-format", help="How to print findings: full or concise."),
    workers: int = WORKERS,
    as_json: bool = JSON_FLAG,
) -> int:
    """Check rows for everything that would spoil a fine-tuning run.

    Each finding has a code, its place in the file, a reason and what to do. dsforge rule CODE explains one.
    """
    from msgspec.structs import asdict

    from dsforge.lint.reporter import get_reporter
    from dsforge.lint.run import lint

    reporter = get_reporter(output_format)
    out = Output(as_json)
    settings = _settings(from_format, max_tokens, tokenizer, target, model)
    result = lint(inputs, select=select, ignore=ignore, settings=settings, workers=workers)
    shown = _first_of_each(result.findings, show)
    for line in reporter.render(shown, out.style):
        out.say(line)
    _summary(out, result, shown)
    for notice in result.notices:
        out.note(f"dsforge: {notice}")
    out.result(
        "lint", result.rows_in, result.rows_out, result.rows_rejected,
        findings=[asdict(finding) for finding in result.findings], counts=result.counts, fixed=0,
    )  # fmt: skip
    severities = {finding.severity for finding in result.findings}
    worst = max((SEVERITIES.index(severity) for severity in severities), default=-1)
    return int(fail_on is not FailOn.never and worst >= SEVERITIES.index(fail_on.value))


def _settings(from_format: str, max_tokens: int, tokenizer: str, target: str, model: str) -> Settings:
    from dsforge.lint.facts import Settings

    settings = Settings(format=from_format, max_tokens=max_tokens or None, tokenizer=tokenizer)
    if not target:
        return settings
    from dsforge.lint.target import for_target

    return for_target(settings, target, model)


def _first_of_each(findings: Sequence[Finding], show: int) -> list[Finding]:
    if not show:
        return list(findings)
    seen: dict[str, int] = defaultdict(int)
    shown = []
    for finding in findings:
        seen[finding.code] += 1
        if seen[finding.code] <= show:
            shown.append(finding)
    return shown


def _summary(out: Output, result: LintResult, shown: Sequence[Finding]) -> None:
    rows = f"{quantity(result.rows_in, 'row')} ({', '.join(result.formats) or 'no format known'})"
    if not result.findings and result.rows_rejected:
        out.say(f"Nothing found by the rules selected, but {quantity(result.rows_rejected, 'row')} of {rows} "
                "could not be read, nor checked: select S and J to see why")  # fmt: skip
        return
    if not result.findings:
        out.say(f"{out.style('All checks passed', 'green')}: {rows} in {out.seconds:.2f} s")
        return
    if shown:
        out.say()
    printed = Counter(finding.code for finding in shown)
    names = {finding.code: (finding.name, finding.severity) for finding in result.findings}
    for code, count in result.counts.items():
        name, severity = names[code]
        hidden = f"  ({count - printed[code]:,} not shown; --show 0 prints all)" if count > printed[code] else ""
        out.say(f"{count:>8,}  {code} {name} [{severity}]{hidden}")
    by_severity = Counter(finding.severity for finding in result.findings)
    counts = ", ".join(quantity(by_severity[each], each) for each in reversed(SEVERITIES) if by_severity[each])
    rejected = f", {result.rows_rejected:,} unreadable" if result.rows_rejected else ""
    out.say(f"{counts.replace('infos', 'info')} in {rows}{rejected}, {out.seconds:.2f} s")
    out.say(f"Explain one: dsforge rule {next(iter(result.counts))}")
