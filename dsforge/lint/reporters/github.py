"""Annotations on GitHub: workflow commands, which a GitHub Actions job turns into notes beside the file's lines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from dsforge.finding import Finding
from dsforge.lint.reporter import Reporter, Style
from dsforge.report.visible import on_one_line

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def _data(text: str) -> str:
    """A text as the message of a command holds it; `%`, CR and LF would otherwise end or change it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A text as a property of a command holds it, where `:` and `,` are taken too."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _render(findings: Iterable[Finding], style: Style) -> Iterator[str]:
    for finding in findings:
        path = _property(on_one_line(finding.path.replace(os.sep, "/")))
        title = _property(on_one_line(f"{finding.code} {finding.name}"))
        row = f"row {finding.row:,}: " if finding.row else ""
        text = row + on_one_line(finding.message)
        if finding.help:
            text += f"\n{on_one_line(finding.help)}"
        place = f"file={path},line={max(1, finding.line)},col={max(1, finding.column)},title={title}"
        yield f"::{_COMMANDS[finding.severity]} {place}::{_data(text)}"


REPORTER = Reporter("github", _render)
