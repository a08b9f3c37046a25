"""For people: a line per finding, under it the text with carets at what is meant, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsforge.finding import Finding
from dsforge.lint.reporter import Reporter, Style
from dsforge.report.visible import columns, on_one_line

_COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}
_GUTTER = "    | "


def _render(findings: Iterable[Finding], style: Style) -> Iterator[str]:
    for finding in findings:
        place = style(on_one_line(f"{finding.path}:{finding.line}:{finding.column}"), "bold")
        code = style(f"{finding.code} {finding.name}", _COLOURS[finding.severity])
        row = f"row {finding.row:,}: " if finding.row else ""
        yield f"{place} {code} {row}{on_one_line(finding.message)}"
        yield from _quoted(finding, style)
        if finding.help:
            yield style(f"    {on_one_line(finding.help)}", "dim")


def _quoted(finding: Finding, style: Style) -> Iterator[str]:
    """The excerpt, and carets under the columns that the marked characters take."""
    if not finding.excerpt:
        return
    start, length = finding.mark
    end = start + length
    before, marked = on_one_line(finding.excerpt[:start]), on_one_line(finding.excerpt[start:end])
    yield f"{style(_GUTTER, 'dim')}{before}{marked}{on_one_line(finding.excerpt[end:])}"
    if length > 0:
        carets = style("^" * max(1, columns(marked)), _COLOURS[finding.severity])
        yield f"{style(_GUTTER, 'dim')}{' ' * columns(before)}{carets}"


REPORTER = Reporter("full", _render)
