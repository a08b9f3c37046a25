"""What the page about a lint run is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dsforge.finding import SEVERITIES, Finding, Severity

PER_CODE = 40
"""Findings of a code that a page lists at most; fewer where rows are long."""


class RuleLine(NamedTuple):
    """What the page says of a rule."""

    name: str
    severity: Severity
    summary: str


@dataclass(frozen=True)
class LintReport:
    """A lint run: its findings (at least the first `PER_CODE` of each code), and what holds of all of them.

    `counts` are the findings by code, `rules` what to say of each code, `sources` the files with their sizes in bytes,
    `notices` how they were read.
    """

    findings: Sequence[Finding]
    counts: Mapping[str, int]
    rules: Mapping[str, RuleLine]
    rows_in: int
    rows_rejected: int
    sources: Sequence[tuple[str, int]]
    notices: Sequence[str] = ()

    def rule(self, code: str) -> RuleLine:
        """What to say of a code, also of one that `rules` does not know."""
        if code in self.rules:
            return self.rules[code]
        for finding in self.findings:
            if finding.code == code:
                return RuleLine(finding.name, finding.severity, "")
        return RuleLine("", "info", "")

    def codes(self) -> list[str]:
        """The codes that found something: the gravest first, then the most frequent."""

        def rank(code: str) -> tuple[int, int, str]:
            return -SEVERITIES.index(self.rule(code).severity), -self.counts[code], code

        return sorted((code for code, count in self.counts.items() if count), key=rank)

    def count_of(self, severity: Severity) -> int:
        """How many findings are of a severity."""
        return sum(count for code, count in self.counts.items() if self.rule(code).severity == severity)


def listed(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """The findings that a page has room for at best, by code; only the rows of these are worth reading again."""
    kept: dict[str, list[Finding]] = {}
    for finding in findings:
        of_code = kept.setdefault(finding.code, [])
        if len(of_code) < PER_CODE:
            of_code.append(finding)
    return kept
