"""What a reporter is, and where to find one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from dsforge.errors import UsageError, did_you_mean
from dsforge.finding import Finding
from dsforge.registry import values

Style: TypeAlias = Callable[[str, str], str]
"""Colours a text by name, or leaves it as it is."""


@dataclass(frozen=True)
class Reporter:
    """A way to write findings: `render(findings, style)` gives lines, each safe to print whatever the rows hold.

    The lines of a reporter that is `whole` are one document: it wants every finding, nothing else may be printed
    beside it, and no findings are a document too.
    """

    name: str
    render: Callable[[Iterable[Finding], Style], Iterator[str]]
    whole: bool = False


def all_reporters() -> dict[str, Reporter]:
    """Every reporter by name, found by a walk over reporters/."""
    return {reporter.name: reporter for reporter in values("dsforge.lint.reporters", "REPORTER", Reporter)}


def get_reporter(name: str) -> Reporter:
    """The reporter called `name`.

    Raises:
        UsageError: there is none.
    """
    known = all_reporters()
    if name not in known:
        raise UsageError(f"no output format {name!r}{did_you_mean(name, known)}")
    return known[name]
