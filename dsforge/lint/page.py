"""Writes the page about a lint run: its findings with their rows, and what the dataset holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from dsforge.engine.chunks import size_of
from dsforge.finding import Finding
from dsforge.formats.format import Format, get_format
from dsforge.formats.read import array_is_row
from dsforge.io.atomic import atomic_write
from dsforge.io.naming import file_of
from dsforge.io.rows import RowReader
from dsforge.lint.facts import Settings
from dsforge.lint.rule import all_rules, documentation
from dsforge.lint.run import LintResult
from dsforge.lint.summarise import tokens_by
from dsforge.report.lint_report import LintReport, RuleLine, listed
from dsforge.report.page import lint_page


def write_page(path: str | Path, sources: Sequence[str], result: LintResult, settings: Settings) -> None:
    """Write the page to `path`; `result` has a summary.

    Raises:
        OutputError: the file cannot be written.
    """
    assert result.summary is not None
    report = LintReport(
        result.findings, result.counts, _rules(result), result.rows_in, result.rows_rejected,
        [(name, size_of(name)) for name in sources],
        [*result.notices, tokens_by(settings)],
    )  # fmt: skip
    title = f"dsforge lint: {sources[0]}" + (f" and {len(sources) - 1} more" if len(sources) > 1 else "")
    fmt = None if settings.format == "auto" else get_format(settings.format)
    page = lint_page(title, report, result.summary, _rows_of(result.findings, fmt))
    with atomic_write(path) as file:
        file.write(page.encode("utf-8", "replace"))


def _rules(result: LintResult) -> dict[str, RuleLine]:
    severities = {found.code: found.severity for found in result.findings}
    rules = all_rules()
    return {
        code: RuleLine(rules[code].name, severities[code], documentation(rules[code]).summary)
        for code in result.counts
    }  # fmt: skip


def _rows_of(findings: Sequence[Finding], fmt: Format | None) -> dict[tuple[str, int], str]:
    """The rows of the findings that a page has room for, read once more; those of a pipe are gone."""
    wanted: dict[str, set[int]] = {}
    for of_code in listed(findings).values():
        for finding in of_code:
            if finding.row and file_of(finding.path).is_file():
                wanted.setdefault(finding.path, set()).add(finding.row)
    rows: dict[tuple[str, int], str] = {}
    for path, numbers in wanted.items():
        last = max(numbers)
        reader = RowReader(path, strict=True, array_is_row=partial(array_is_row, path=path, fmt=fmt))
        for number, _, _, _, raw in reader.raw_rows():
            if number in numbers:
                rows[path, number] = raw.decode("utf-8", "surrogateescape")
            if number == last:
                break
    return rows
