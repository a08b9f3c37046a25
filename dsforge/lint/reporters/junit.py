"""JUnit XML, which most CI services read: a suite for each file, a test case for each rule that found something."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from dsforge.finding import Finding
from dsforge.lint.reporter import Reporter, Style
from dsforge.report.visible import on_one_line

_MAX_PLACES = 100


@dataclass
class _Case:
    """What one rule found in one file: the first places, and how many there are."""

    first: Finding
    places: list[str] = field(default_factory=list)
    count: int = 0

    @property
    def failed(self) -> bool:
        return self.first.severity != "info"

    def add(self, finding: Finding) -> None:
        self.count += 1
        if len(self.places) < _MAX_PLACES:
            row = f"row {finding.row}: " if finding.row else ""
            help = f" ({finding.help})" if finding.help else ""
            place = f"{finding.path}:{finding.line}:{finding.column}: {row}{finding.message}{help}"
            self.places.append(on_one_line(place))


def _xml(text: str) -> str:
    """`text` in an element or a quoted attribute: what XML has no place for written out, ASCII for any encoding."""
    return escape(text).encode("ascii", "xmlcharrefreplace").decode()


def _quoted(text: str) -> str:
    return f'"{_xml(on_one_line(text))}"'


def _render(findings: Iterable[Finding], style: Style) -> Iterator[str]:
    suites: defaultdict[str, dict[str, _Case]] = defaultdict(dict)
    for finding in findings:
        suites[finding.path].setdefault(finding.code, _Case(finding)).add(finding)
    cases = [case for suite in suites.values() for case in suite.values()]
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="dsforge lint" {_counts(cases)}>'
    for path, suite in suites.items():
        yield f"  <testsuite name={_quoted(path)} {_counts(suite.values())}>"
        for code in sorted(suite):
            yield from _test_case(path, suite[code])
        yield "  </testsuite>"
    if not suites:
        yield f'  <testsuite name="dsforge lint" {_counts(())}>'
        yield '    <testcase classname="dsforge lint" name="nothing found" time="0"/>'
        yield "  </testsuite>"
    yield "</testsuites>"


def _counts(cases: Iterable[_Case]) -> str:
    cases = list(cases)
    return f'tests="{max(1, len(cases))}" failures="{sum(case.failed for case in cases)}" errors="0" time="0"'


def _test_case(path: str, case: _Case) -> Iterator[str]:
    """A rule's test case: it fails, unless what was found is only for information."""
    found = case.first
    yield f'    <testcase classname={_quoted(path)} name={_quoted(f"{found.code} {found.name}")} time="0">'
    places = _xml("\n".join(case.places))
    if case.count > len(case.places):
        places += f"\n{case.count - len(case.places)} more not listed"
    if case.failed:
        more = f" (and {case.count - 1} more)" if case.count > 1 else ""
        message = _quoted(found.message + more)
        yield f"      <failure type={_quoted(found.severity)} message={message}>{places}</failure>"
    else:
        yield f"      <system-out>{places}</system-out>"
    yield "    </testcase>"


REPORTER = Reporter("junit", _render, whole=True)
