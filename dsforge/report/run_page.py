"""Self-contained HTML pages about a run of dsforge train, and about several side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsforge.report.document import MAX_BYTES, document, facts, figure, header, tile
from dsforge.report.markup import Html, clip, element, join
from dsforge.report.run_plots import MOST_CURVES, curve_key, curves, parallel
from dsforge.report.run_report import Answered, Chart, Measured, Refused, Rows, RunReport, RunsReport

STYLES = ("page.css", "run.css")
_FACT, _NAME = 400, 120  # characters of a fact, of a name
_TEXTS = (3000, 1000, 300, 80)  # characters of an answer that are tried, the most first
_LINES = (500, 200, 60, 20)  # runs of a table that are tried
_MOST_ANSWERS, _MOST_REFUSALS, _MOST_SETTINGS, _MOST_DRAWN = 20, 30, 150, 100


def run_page(report: RunReport) -> str:
    """The page about one run, bounded: only so many texts are shown, and those as long as there is room for."""
    return _fitting(_run_page(report, longest) for longest in _TEXTS)


def _fitting(pages: Iterable[str]) -> str:
    """The first page that is not too large, else the last."""
    page = ""
    for page in pages:
        if len(page.encode()) <= MAX_BYTES:
            break
    return page


def _run_page(report: RunReport, longest: int) -> str:
    title = clip(report.name, _NAME)
    sections = {"Loss": _charts(report.charts)}
    if report.measured:
        sections["Measured"] = _measured(report.measured, report.measured_over)
    if report.answered:
        sections["Answers"] = _answers(report.answered, report.answered_of, longest)
    sections["Data"] = _data(report.rows, report.refused)
    if report.commands:
        sections["Use"] = _commands(report.commands)
    sections["Settings"] = facts(*((key, clip(value, _FACT)) for key, value in report.settings[:_MOST_SETTINGS]))
    sections["Run"] = _facts(report)
    tiles = [tile(word, count if isinstance(count, int) else clip(count, 40)) for word, count in report.tiles]
    return _page(title, sections, tiles)


def _page(title: str, sections: dict[str, Html], tiles: Sequence[Html]) -> str:
    written = [element("section", element("h2", name), content, id=name.lower()) for name, content in sections.items()]
    return document(title, header(title, list(sections), tiles), *written, styles=STYLES)


def _charts(charts: Sequence[Chart]) -> Html:
    drawn = [_chart(f"chart-{number}", chart) for number, chart in enumerate(charts)]
    return element("div", *drawn, class_="plots") if drawn else element("p", "No loss was logged.", class_="nothing")


def _chart(name: str, chart: Chart) -> Html:
    keys = [element("li", curve_key(number), clip(curve.word, _NAME))
            for number, curve in enumerate(chart.curves[:MOST_CURVES])]  # fmt: skip
    said = chart.said
    if len(chart.curves) > MOST_CURVES:
        said = f"The first {MOST_CURVES} of {len(chart.curves):,}. {said}"
    return figure(chart.title, curves(name, chart), said, element("ul", *keys, class_="legend"))


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]], kind: str = "counts") -> Html:
    """A table; `=` before a head says that numbers stand below it."""
    kinds = ["number" if head.startswith("=") else "text" for head in heads]
    cells = [element("th", head.lstrip("="), scope="col", class_=of) for head, of in zip(heads, kinds, strict=True)]
    body = [
        element("tr", *(element("td", cell, class_=of, dir="auto") for cell, of in zip(line, kinds, strict=True)))
        for line in lines
    ]
    table = element("table", element("thead", element("tr", *cells)), element("tbody", *body), class_=kind)
    return element("div", table, class_="wide")


def _measured(measured: Sequence[Measured], over: str) -> Html:
    lines = [
        [each.name, each.base, each.trained, each.difference, element("span", each.verdict, class_=_kind(each.verdict))]
        for each in measured
    ]
    heads = ("Measure", "=Base", "=Trained", "=Trained - base", "")
    return join([element("p", clip(over, _FACT), class_="listed"), _table(heads, lines)])


def _kind(verdict: str) -> str:
    return verdict if verdict in ("better", "worse") else "listed"


def _answers(answered: Sequence[Answered], of: str, longest: int) -> Html:
    items = [_answer(each, longest) for each in answered[:_MOST_ANSWERS]]
    return join([element("p", clip(of, _FACT), class_="listed"), element("ul", *items, class_="answers")])


def _answer(each: Answered, longest: int) -> Html:
    sides = [("before", each.before), ("after", each.after), ("the row's own", each.reference)]
    columns = [
        element("div", element("h3", word), element("pre", clip(text, longest), dir="auto"))
        for word, text in sides
        if text is not None
    ]
    asked = element("pre", clip(each.prompt, longest), dir="auto")
    return element("li", element("b", f"Row {each.row:,}"), asked, element("div", *columns, class_="sides"))


def _data(rows: Sequence[Rows], refused: Sequence[Refused]) -> Html:
    heads = ("For", "File", "=Rows", "=Rejected", "=Too long", "=Tokens", "=Trained", "=Cut off", "SHA-256")
    lines = [
        [each.use, element("span", clip(each.path, 200), class_="path"), f"{each.used:,}", f"{each.rejected:,}",
         f"{each.over_length:,}", f"{each.tokens:,}", f"{each.trained:,}", f"{each.cut:,}",
         element("code", each.sha256[:16])]
        for each in rows
    ]  # fmt: skip
    parts = [_table(heads, lines)]
    if refused:
        shown = [[each.code, f"{each.rows:,}", clip(each.reason, _FACT)] for each in refused[:_MOST_REFUSALS]]
        parts += [element("h3", "Rejected rows"), _table(("Code", "=Rows", "The first of them"), shown)]
    return join(parts)


def _commands(commands: Sequence[tuple[str, str]]) -> Html:
    parts = [part for word, command in commands for part in (element("p", word), element("pre", clip(command, 2000)))]
    return element("div", *parts, class_="commands")


def _facts(report: RunReport) -> Html:
    told = [(term, clip(fact, _FACT)) for term, fact in report.facts]
    told += [("Note", clip(note, _FACT)) for note in report.notes[:_MOST_REFUSALS]]
    return facts(*told)


def runs_page(report: RunsReport) -> str:
    """The page that compares runs, bounded: its table has as many as there is room for."""
    return _fitting(_runs_page(report, most) for most in _LINES)


def _runs_page(report: RunsReport, most: int) -> str:
    title = clip(report.title, _NAME)
    sections: dict[str, Html] = {}
    if len(report.axes) > 1 and len(report.names) > 1:
        drawn = parallel("sweep", "Settings and results", report.names[:_MOST_DRAWN], report.axes, report.ranked)
        last = report.axes[-1].name
        of = f" (the first {_MOST_DRAWN})" if len(report.names) > _MOST_DRAWN else ""
        said = f"A line for each run{of}, from green (the best {last}) to red; hover over one to read it."
        sections["Settings"] = element("div", figure("Settings and results", drawn, said), class_="wide")
    sections["Loss"] = _charts(report.charts)
    lines = [[clip(cell, _NAME) for cell in line] for line in report.lines[:most]]
    parts = [_table(report.heads, lines, "counts runs")]
    if len(report.lines) > most:
        parts.append(element("p", f"and {len(report.lines) - most:,} more", class_="listed"))
    parts += [element("p", clip(note, _FACT), class_="listed") for note in report.notes[:_MOST_REFUSALS]]
    sections["Runs"] = join(parts)
    return _page(title, sections, [tile("run" if len(report.names) == 1 else "runs", len(report.names))])
