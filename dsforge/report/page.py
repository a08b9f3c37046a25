"""One self-contained HTML page about a lint run: what was found, where, and what is in the dataset."""

from __future__ import annotations

from collections.abc import Mapping

from dsforge.report.card import card, plots
from dsforge.report.document import MAX_BYTES, document, header, tile
from dsforge.report.lint_report import LintReport
from dsforge.report.listing import findings_section
from dsforge.report.markup import Html, clip, element, join
from dsforge.report.summary import Summary


def lint_page(title: str, report: LintReport, summary: Summary, rows: Mapping[tuple[str, int], str]) -> str:
    """The page. `rows` holds the text of rows as they stand in the file, by path and row number, at least of the
    findings that `listed` names; findings whose row is not there are shown without it.
    """
    title = clip(title, 200)
    before = join([
        _head(title, report),
        element("section", element("h2", "Rules"), _rules(report), id="rules"),
        element("section", element("h2", "Dataset"), card(report, summary), plots(summary), id="dataset"),
    ])  # fmt: skip
    frame = _document(title, before, Html(""))
    room = MAX_BYTES - len(frame.encode())
    return _document(title, before, findings_section(report, rows, room))


def _document(title: str, before: Html, findings: Html) -> Html:
    found = element("section", element("h2", "Findings"), findings, id="findings")
    return document(title, before, found, script="page.js")


def _head(title: str, report: LintReport) -> Html:
    tiles = [
        tile("rows", report.rows_in),
        tile("unreadable", report.rows_rejected, "error" if report.rows_rejected else ""),
        tile("errors", report.count_of("error"), "error" if report.count_of("error") else ""),
        tile("warnings", report.count_of("warning"), "warning" if report.count_of("warning") else ""),
        tile("notes", report.count_of("info"), "info" if report.count_of("info") else ""),
    ]
    return header(title, ("Rules", "Dataset", "Findings"), tiles)


def _rules(report: LintReport) -> Html:
    """Every code that found something, with its count."""
    if not report.codes():
        return element("p", "Nothing was found.", class_="nothing")
    lines = []
    for code in report.codes():
        rule = report.rule(code)
        name = element("a", element("code", code), " ", rule.name, href=f"#{code}")
        lines.append(
            element(
                "tr",
                element("td", name),
                element("td", element("span", rule.severity, class_=f"severity {rule.severity}")),
                element("td", f"{report.counts[code]:,}", class_="number"),
                element("td", clip(rule.summary, 120), class_="says"),
            )
        )
    heads = [element("th", word, scope="col", class_=kind) for word, kind in
             (("Rule", "text"), ("Severity", "text"), ("Found", "number"), ("What is wrong", "says"))]  # fmt: skip
    return element("table", element("thead", element("tr", *heads)), element("tbody", *lines), class_="rules")
