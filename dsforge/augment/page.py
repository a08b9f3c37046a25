"""Writes the page that compares a dataset before and after augment."""

from __future__ import annotations

from pathlib import Path

from dsforge.engine.chunks import read_once
from dsforge.errors import UsageError
from dsforge.io.atomic import atomic_write
from dsforge.report.augment_page import augment_page
from dsforge.report.augment_report import AugmentReport


def check_page(path: str, source: str, output: str) -> None:
    """Refuse, before anything is asked, a page that could not be made.

    Raises:
        UsageError: it has no file to go to, or its rows can be read only once.
    """
    if path == "-":
        raise UsageError("--report writes a page: name a file for it, as --report page.html")
    for name in (source, output):
        if read_once(name):
            raise UsageError(f"--report reads its rows again, and {name} can be read only once: name a file")


def write_page(path: str | Path, report: AugmentReport) -> None:
    """Write the page about `report` (see `dsforge.augment.compare`) to `path`.

    Raises:
        OutputError: the file cannot be written.
    """
    title = f"dsforge augment: {report.sources[0][0]}" if report.sources else "dsforge augment"
    with atomic_write(path) as file:
        file.write(augment_page(title, report).encode("utf-8", "replace"))
