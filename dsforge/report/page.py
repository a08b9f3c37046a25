"""One self-contained HTML page about a lint run: what was found, where, and what is in the dataset.

The page asks the network for nothing, and a browser lets nothing in it run but its own script: texts of rows are
escaped where they are put in, and the content security policy admits the one style and the one script by their hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from dsforge.report.card import card, plots
from dsforge.report.lint_report import LintReport
from dsforge.report.listing import findings_section
from dsforge.report.markup import Html, clip, element, join
from dsforge.report.summary import Summary

MAX_BYTES = 300_000
"""No page is larger, however many findings there are."""

_HERE = Path(__file__).parent


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
    style, script = _own("page.css"), _own("page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    found = element("section", element("h2", "Findings"), findings, id="findings")
    body = element("body", element("main", before, found), element("script", script))
    return Html("<!doctype html>\n" + element("html", head, body, lang="en") + "\n")


def _own(name: str) -> Html:
    """The page's style or script, which stands in the page as it is."""
    return Html((_HERE / name).read_text(encoding="utf-8"))


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _head(title: str, report: LintReport) -> Html:
    links = [element("a", name, href=f"#{name.lower()}") for name in ("Rules", "Dataset", "Findings")]
    tiles = [
        _tile("rows", report.rows_in, ""),
        _tile("unreadable", report.rows_rejected, "error" if report.rows_rejected else ""),
        _tile("errors", report.count_of("error"), "error" if report.count_of("error") else ""),
        _tile("warnings", report.count_of("warning"), "warning" if report.count_of("warning") else ""),
        _tile("notes", report.count_of("info"), "info" if report.count_of("info") else ""),
    ]
    return element(
        "header",
        element("h1", title, dir="auto"),
        element("nav", *links, aria_label="Sections"),
        element("ul", *tiles, class_="tiles"),
    )


def _tile(word: str, count: int, kind: str) -> Html:
    return element("li", element("b", f"{count:,}", class_=kind or "none"), f" {word}")


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
