"""`dsforge lint`: everything that would spoil a fine-tuning run."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import typer

from dsforge.cli.before_lint import by_pattern, check_words, checked_inputs, with_rules
from dsforge.cli.output import FORMAT, JSON_FLAG, WORKERS, Output, quantity
from dsforge.errors import UsageError
from dsforge.finding import SEVERITIES, Finding

if TYPE_CHECKING:
    from dsforge.lint.facts import Settings
    from dsforge.lint.fix import Mended
    from dsforge.lint.reporter import Reporter
    from dsforge.lint.run import LintResult

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


_LONG_LINE = 2000
"""Characters of a line in which nobody sees what changes."""


class FailOn(str, Enum):
    """The least severity that makes the exit code 1."""

    error = "error"
    warning = "warning"
    info = "info"
    never = "never"


@app.command()
def command(
    inputs: list[str] = typer.Argument(..., metavar="INPUT...", help="JSONL or JSON files, taken as one dataset."),
    select: list[str] = typer.Option([], "--select", help="Rules to run: codes, families (T), names, ALL, DEFAULT."),
    ignore: list[str] = typer.Option([], "--ignore", help="Rules not to run."),
    per_file_ignores: list[str] = typer.Option(
        [], "--per-file-ignores", metavar="PATTERN:RULES", help="Rules not to run on some files: raw/*:Q,P601."
    ),
    fail_on: FailOn = typer.Option(FailOn.warning, "--fail-on", help="Exit with 1 from this severity on."),
    fix: bool = typer.Option(False, "--fix", help="Mend in the file what can be mended without a doubt."),
    unsafe_fixes: bool = typer.Option(
        False, "--unsafe-fixes", help="With --fix or --diff: also what may not be meant, such as copies taken out."
    ),
    diff: bool = typer.Option(False, "--diff", help="Print what --fix would change, and change nothing."),
    baseline: str = typer.Option("", "--baseline", metavar="FILE", help="Tell only what this file does not accept."),
    write_baseline: str = typer.Option(
        "", "--write-baseline", metavar="FILE", help="Accept what is found now, from now on."
    ),
    max_tokens: int = typer.Option(0, "--max-tokens", min=0, help="The longest row that fits (rule L301)."),
    min_rows: int = typer.Option(0, "--min-rows", min=0, help="The fewest rows that are enough (rule B402)."),
    tokenizer: str = typer.Option("", "--tokenizer", help="What counts the tokens; see dsforge cost --help."),
    target: str = typer.Option("", "--target", help="Check for a platform or trainer: openai, zhipu/glm-4-air ..."),
    model: str = typer.Option("", "--model", help="The platform's model, where limits differ."),
    by: str = typer.Option("", "--by", metavar="FIELD", help="The field that holds a row's category: meta.topic."),
    benchmark: list[str] = typer.Option(
        [], "--benchmark", metavar="FILE", help="Find rows that hold items of a benchmark (rule D705)."
    ),
    words: str = typer.Option("", "--words", metavar="FOLDER", help="Word lists of one's own for rule P608."),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Tell what the --target would make of each row: keep, cut, drop, not train."
    ),
    from_format: str = FORMAT,
    report: str = typer.Option(
        "", "--report", metavar="FILE.html", help="Write a page with the findings and what the dataset holds."
    ),
    show: int = typer.Option(5, "--show", min=0, help="Findings to print of each rule; 0 prints all."),
    output_format: str = typer.Option(
        "full", "--output-format", help="How to print findings: full, concise, github, sarif or junit."
    ),
    workers: int = WORKERS,
    as_json: bool = JSON_FLAG,
) -> int:
    """Check rows for everything that would spoil a fine-tuning run.

    Each finding has a code, its place in the file, a reason and what to do. dsforge rule CODE explains one.
    """
    from dsforge.io.together import check_outputs
    from dsforge.lint.facts import Settings
    from dsforge.lint.reporter import get_reporter
    from dsforge.lint.run import lint

    if unsafe_fixes and not (fix or diff):
        raise UsageError("--unsafe-fixes says what may be mended: give --fix or --diff with it")
    if dry_run and not target:
        raise UsageError("--dry-run tells what a trainer does: name it with --target (dsforge targets lists them)")
    if model and not target:
        raise UsageError(f"--model {model} is one of a platform: name that with --target (dsforge targets lists them)")
    if diff and as_json:
        raise UsageError("--diff prints a patch and --json an object: choose one")
    if output_format == "json":
        raise UsageError("--output-format json is called --json")
    reporter = get_reporter(output_format)
    settings = Settings(
        format=from_format, max_tokens=max_tokens or None, tokenizer=tokenizer, category_field=by or "category",
        min_rows=min_rows, benchmarks=tuple(benchmark), words=words,
    )  # fmt: skip
    settings = _for_target(settings, target, model)
    # what is asked for by an option of its own is run, though it is not by default
    select = with_rules(select, [code for code, asked in (("B402", min_rows), ("P608", words)) if asked])
    chosen = _Chosen(inputs, select, ignore, by_pattern(per_file_ignores), settings, workers)
    out = Output(as_json, only_result=reporter.whole)
    names = checked_inputs(inputs, twice=bool(baseline or write_baseline))
    check_outputs(names, [], others=filter(None, [report, write_baseline]))
    check_words(words)
    known = _baseline(baseline) if baseline and not write_baseline else {}
    if (profile := settings.profile()) and profile.notice:
        out.note(f"dsforge: {profile.title}: {profile.notice}")
    if diff:
        return _print_diff(chosen, unsafe_fixes)
    fixed = chosen.fixed(unsafe_fixes) if fix else {}
    result = lint(
        inputs, select=select, ignore=ignore, per_file_ignores=chosen.per_file_ignores, settings=settings,
        summarise=bool(report), workers=workers,
    )  # fmt: skip
    found = len(result.findings)
    if write_baseline:
        from dsforge.lint.baseline import write_baseline as accept

        accept(write_baseline, result.findings, from_format)
        out.say(f"{quantity(found, 'finding')} accepted from now on: dsforge lint --baseline {write_baseline}")
        result.findings.clear()
    elif known:
        from dsforge.lint.baseline import without_accepted

        result.findings = without_accepted(result.findings, known, from_format)
        out.note(f"dsforge: {quantity(found - len(result.findings), 'finding')} accepted by {baseline}")
    if by and result.rows_out and not result.categorised:
        rows = "the row has not" if result.rows_out == 1 else f"none of the {result.rows_out:,} rows looked at has"
        result.notices.append(f"{rows} the field {by!r} of --by: nothing is told by category")
    if dry_run:
        _print_dry_run(out, result, settings, show)
    else:
        _print(out, reporter, result, show, fixed, accepted=found - len(result.findings))
    if report:
        from dsforge.lint.page import write_page

        write_page(report, names, result, settings)
        out.note(f"dsforge: wrote {report}")
    severities = {finding.severity for finding in result.findings}
    worst = max((SEVERITIES.index(severity) for severity in severities), default=-1)
    return int(fail_on is not FailOn.never and worst >= SEVERITIES.index(fail_on.value))


@dataclass(frozen=True)
class _Chosen:
    """What is looked at, and by which rules."""

    inputs: list[str]
    select: list[str]
    ignore: list[str]
    per_file_ignores: dict[str, list[str]]
    settings: Settings
    workers: int

    def mended(self, unsafe: bool, diff: bool) -> Mended:
        """Mend the files, or only say how."""
        from dsforge.lint.fix import fix

        return fix(
            self.inputs, select=self.select, ignore=self.ignore, per_file_ignores=self.per_file_ignores,
            settings=self.settings, unsafe=unsafe, diff=diff, workers=self.workers,
        )  # fmt: skip

    def fixed(self, unsafe: bool) -> dict[str, int]:
        """Mend the files; how many changes were made, by code."""
        return self.mended(unsafe, diff=False).fixed


def _baseline(path: str) -> dict[str, int]:
    """What is accepted; read before the work, for it may be missing."""
    from dsforge.lint.baseline import read_baseline

    return read_baseline(path)


def _print_diff(chosen: _Chosen, unsafe: bool) -> int:
    mended = chosen.mended(unsafe, diff=True)
    for line in mended.diff:
        sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
    sys.stdout.flush()
    longest = max(map(len, mended.diff), default=0)
    if longest > _LONG_LINE:
        print(f"dsforge: the patch has lines of {longest:,} characters, for it gives whole rows; the findings show the "
              "places: leave out --diff", file=sys.stderr)  # fmt: skip
    changes = sum(mended.fixed.values())
    print(f"dsforge: {quantity(changes, 'change')} would be made by --fix" if changes else "dsforge: nothing to mend",
          file=sys.stderr)  # fmt: skip
    return int(bool(mended.diff))


def _print(
    out: Output, reporter: Reporter, result: LintResult, show: int, fixed: dict[str, int], accepted: int
) -> None:
    """What was found, for people or for the program that asked for its format; then the JSON object."""
    from msgspec.structs import asdict

    shown = result.findings if reporter.whole else _first_of_each(result.findings, show)
    if reporter.whole:
        out.document(reporter.render(shown, out.style))
    else:
        for line in reporter.render(shown, out.style):
            out.say(line)
        if fixed:
            codes = ", ".join(f"{count:,} {code}" for code, count in fixed.items())
            out.say(f"{quantity(sum(fixed.values()), 'change')} made: {codes}")
        _summary(out, result, shown, accepted)
    for notice in result.notices:
        out.note(f"dsforge: {notice}")
    out.result(
        "lint", result.rows_in, result.rows_out, result.rows_rejected,
        findings=[asdict(finding) for finding in result.findings], counts=result.counts, fixed=sum(fixed.values()),
    )  # fmt: skip


def _print_dry_run(out: Output, result: LintResult, settings: Settings, show: int) -> None:
    """What the target makes of the rows: a line for each that is not simply kept, then the counts."""
    from msgspec.structs import asdict

    from dsforge.lint.dry_run import EFFECTS, dry_run

    target = settings.profile()
    assert target is not None
    run = dry_run(result, target, settings.max_tokens)
    seen: Counter[str] = Counter()
    for outcome in run.outcomes:
        seen[outcome.effect] += 1
        if not show or seen[outcome.effect] <= show:
            place = out.style(f"{outcome.path}:{outcome.line}", "bold")
            out.say(f"{place} {out.style(run.told(outcome), 'yellow')}: {outcome.message} ({outcome.code})")
    if run.outcomes:
        out.say()
    for effect, count in run.counts.items():
        if count or effect == "kept":
            hidden = seen[effect] - show if show and seen[effect] > show else 0
            more = f"  ({hidden:,} not shown; --show 0 prints all)" if hidden else ""
            out.say(f"{count:>8,}  {effect}: {EFFECTS[effect]}{more}")
    if run.unread:
        out.say(f"{run.unread:>8,}  not readable: select S and J to see what becomes of them")
    if (tokens := run.tokens) and not any(outcome.effect == "stops" for outcome in run.outcomes):
        most = "up to " if tokens.at_most else ""
        out.say(f"{most}{tokens.lost:,} of {quantity(tokens.total, 'trained token')} lost ({tokens.tokenizer}, of the "
                "text alone)")  # fmt: skip
    out.say(f"{run.verdict}, {out.seconds:.2f} s")
    for notice in result.notices:
        out.note(f"dsforge: {notice}")
    out.result(
        "lint", result.rows_in, result.rows_out, result.rows_rejected, target=run.target, dry_run=run.counts,
        unread=run.unread, trained_tokens=asdict(run.tokens) if run.tokens else None,
        outcomes=[asdict(outcome) for outcome in run.outcomes], findings=[asdict(each) for each in result.findings],
        counts=result.counts, fixed=0,
    )  # fmt: skip


def _for_target(settings: Settings, target: str, model: str) -> Settings:
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


def _summary(out: Output, result: LintResult, shown: Sequence[Finding], accepted: int) -> None:
    rows = f"{quantity(result.rows_in, 'row')} ({', '.join(result.formats) or 'no format known'})"
    if not result.findings and accepted:
        out.say(f"{out.style('Nothing new', 'green')}: {rows} in {out.seconds:.2f} s")
        return
    if not result.findings and result.rows_rejected:
        out.say(f"Nothing found by the rules selected, but {quantity(result.rows_rejected, 'row')} of {rows} "
                "could not be read, nor checked: leave out --select and --ignore to see why")  # fmt: skip
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
    if ways := _ways_to_mend(result):
        out.say(f"Can be mended: {', '.join(ways)}; --diff in place of --fix shows how")
    worst = max(result.counts, key=lambda code: SEVERITIES.index(names[code][1]))
    out.say(f"Explain one: dsforge rule {worst}")


def _ways_to_mend(result: LintResult) -> list[str]:
    """How many findings `--fix` mends, and with which option; those that take a row out are counted apart."""
    safe = sum(finding.fixable and not finding.unsafe_fix for finding in result.findings)
    unsafe = [finding for finding in result.findings if finding.unsafe_fix]
    gone = sum(result.removals.get(finding.path, {}).get(finding.row) == finding.code for finding in unsafe)
    how = f" ({gone:,} by taking {'a row' if gone == 1 else 'rows'} out)" if gone else ""
    ways = [f"{safe:,} with --fix"] if safe else []
    return [*ways, f"{len(unsafe):,} with --fix --unsafe-fixes{how}"] if unsafe else ways
