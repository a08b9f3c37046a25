"""The findings on the page, as many as there is room for, shared out fairly among the codes."""

from __future__ import annotations

from collections.abc import Mapping

from dsforge.finding import SEVERITIES, Finding
from dsforge.report.lint_report import LintReport, listed
from dsforge.report.marked import Span, meant, quoted
from dsforge.report.markup import Html, clip, element, join

_ROW_LENGTHS = (12_000, 3_000, 1_000, 300)  # characters of a row that are tried, the longest first
_LEAST_SHARE = 2_000
_SPARE = 150  # bytes by which a code's frame grows once it has findings


def findings_section(report: LintReport, rows: Mapping[tuple[str, int], str], room: int) -> Html:
    """Every code that found something, with its first findings; at most `room` bytes of UTF-8."""
    if not report.codes():
        return element("p", "Nothing was found.", class_="nothing")
    frame = _sections(report, {code: [] for code in report.codes()})
    room -= len(frame.encode()) + _SPARE * (len(report.codes()) + 1)
    return _sections(report, _fitting(report, rows, room))


def _sections(report: LintReport, items: Mapping[str, list[Html]]) -> Html:
    sections = [_rule_section(report, code, items[code]) for code in report.codes()]
    return join([_filters(report, sum(map(len, items.values()))), *sections])


def _fitting(report: LintReport, rows: Mapping[tuple[str, int], str], room: int) -> dict[str, list[Html]]:
    """The items that fit, the first of every code before the second of any."""
    codes = report.codes()
    items: dict[str, list[Html]] = {code: [] for code in codes}
    by_code = listed(report.findings)
    queue = [
        (code, by_code[code][turn])
        for turn in range(max(map(len, by_code.values()), default=0))
        for code in codes
        if turn < len(by_code.get(code, ()))
    ]
    for number, (code, finding) in enumerate(queue):
        share = max(_LEAST_SHARE, 2 * room // (len(queue) - number))
        item = _item(finding, rows.get((finding.path, finding.row)), min(share, room))
        if item is None:
            break
        room -= len(item.encode())
        items[code].append(item)
    return items


def _item(finding: Finding, row: str | None, room: int) -> Html | None:
    """One finding with as much of its row as fits into `room` bytes; None where not even the finding does."""
    tried = []
    if row is not None and row != finding.excerpt:
        span = meant(row, finding)
        tried = [_row(finding, row, span, longest) for longest in _ROW_LENGTHS if longest < room]
        tried.append(element("p", f"Row {finding.row:,} is not shown: the page has no room for it.", class_="listed"))
    for shown in (*tried, Html("")):
        item = _finding(finding, shown)
        if len(item.encode()) <= room:
            return item
    return None


def _finding(finding: Finding, row: Html) -> Html:
    place = f"{clip(finding.path, 200)}:{finding.line}:{finding.column}"
    details = [element("span", place, class_="path")]
    if finding.row:
        details.append(element("span", f"row {finding.row:,}"))
    if finding.pointer:
        details.append(element("code", clip(finding.pointer, 120)))
    parts = [
        element("p", clip(finding.message, 500), class_="message", dir="auto"),
        element("p", *details, class_="place"),
    ]
    if finding.excerpt:
        start, length = finding.mark
        shown = quoted(finding.excerpt, Span(start, start + length), 200)
        parts.append(element("pre", shown, class_="excerpt", dir="auto"))
    if finding.help:
        parts.append(element("p", clip(finding.help, 300), class_="help", dir="auto"))
    return element(
        "li", *parts, row, class_=f"finding {finding.severity}", data_code=finding.code, data_severity=finding.severity
    )


def _row(finding: Finding, row: str, span: Span, longest: int) -> Html:
    much = f"{len(row):,} characters" if len(row) <= longest else f"{longest:,} of its {len(row):,} characters"
    title = element("summary", f"Row {finding.row:,}: {much}")
    return element("details", title, element("pre", quoted(row, span, longest), class_="row", dir="auto", tabindex="0"))


def _rule_section(report: LintReport, code: str, items: list[Html]) -> Html:
    rule, count = report.rule(code), report.counts[code]
    heading = element(
        "h3",
        element("code", code),
        " ",
        rule.name,
        " ",
        element("span", rule.severity, class_=f"severity {rule.severity}"),
    )
    said = f"{count:,} found." if count == len(items) else _unlisted(count, len(items))
    parts = [heading, element("p", clip(rule.summary, 120), class_="summary"), element("p", said, class_="listed")]
    if items:
        parts.append(element("ol", *items, class_="findings"))
    return element("section", *parts, id=code, class_="rule")


def _unlisted(count: int, shown: int) -> str:
    if not shown:
        return f"{count:,} found; none is listed here."
    return f"{count:,} found; the first {shown:,} are listed, {count - shown:,} are not."


def _filters(report: LintReport, shown: int) -> Html:
    """The controls, hidden until the script shows them: without it the list is whole."""
    codes = [(code, f"{code} {report.rule(code).name}") for code in report.codes()]
    severities: list[tuple[str, str]] = [(each, each) for each in reversed(SEVERITIES) if report.count_of(each)]
    said = f"{shown:,} listed of {sum(report.counts.values()):,} found"
    field = element("input", id="by-text", type="search", autocomplete="off", spellcheck="false")
    return element(
        "div",
        element("label", "Rule ", _choice("by-code", codes)),
        element("label", "Severity ", _choice("by-severity", severities)),
        element("label", "Text ", field),
        element("output", said, id="shown", for_="by-code by-severity by-text"),
        class_="filters", id="filters", role="search", hidden="",
    )  # fmt: skip


def _choice(name: str, choices: list[tuple[str, str]]) -> Html:
    options = [element("option", word, value=value) for value, word in (("", "all"), *choices)]
    return element("select", *options, id=name)
