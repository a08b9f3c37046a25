"""One line per finding, as editors and grep like it: `path:line:column: CODE message`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsforge.finding import Finding
from dsforge.lint.reporter import Reporter, Style
from dsforge.report.visible import on_one_line


def _render(findings: Iterable[Finding], style: Style) -> Iterator[str]:
    for finding in findings:
        yield on_one_line(f"{finding.path}:{finding.line}:{finding.column}: {finding.code} {finding.message}")


REPORTER = Reporter("concise", _render)
