"""For people: a line per finding, and under it what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsforge.finding import Finding
from dsforge.lint.reporter import Reporter, Style

_COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}


def _render(findings: Iterable[Finding], style: Style) -> Iterator[str]:
    for finding in findings:
        place = style(f"{finding.path}:{finding.line}:{finding.column}", "bold")
        code = style(f"{finding.code} {finding.name}", _COLOURS[finding.severity])
        row = f"row {finding.row:,}: " if finding.row else ""
        yield f"{place} {code} {row}{finding.message}"
        if finding.help:
            yield style(f"    {finding.help}", "dim")


REPORTER = Reporter("full", _render)
