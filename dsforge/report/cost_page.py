"""One self-contained HTML page about what a training costs: all ways to do it, what they need, why they cost that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsforge.report.cost_plots import (
    LETTERS,
    Machine,
    amount_bars,
    bill_lines,
    capacity_key,
    kinds_of,
    line_key,
    memory_bars,
    over_key,
    part_key,
    reach,
)
from dsforge.report.cost_report import Basis, CostReport, Way, duration, money
from dsforge.report.document import MAX_BYTES, document, facts, figure, file_list, header, tile
from dsforge.report.histogram import quantile
from dsforge.report.markup import Html, clip, element, join
from dsforge.report.plots import histogram

_MOST_BARS = 12
_MOST_MACHINES = 24
_MOST_CURRENCIES = 3
_MOST_PARTS = 12
_MOST_TOLD = 12
_NAME, _LABEL, _PART = 48, 60, 16  # characters of a name in the table, a label in a chart, a part of memory
_SPARE = 1000  # bytes by which the frame grows once it says how much is left out
_SHARE_OF_WAYS = 0.6  # of the room, the rest is for how amounts come about


def cost_page(title: str, report: CostReport) -> str:
    """The page; of the ways, and of how their amounts come about, as many as there is room for."""
    title = clip(title, 200)
    room = MAX_BYTES - _SPARE - len(_page(title, report, [], []).encode())
    ways = _fitting((_line(way, report) for way in report.ways), int(room * _SHARE_OF_WAYS))
    room -= sum(len(line.encode()) for line in ways)
    return _page(title, report, ways, _fitting(map(_basis, report.basis), room))


def _fitting(items: Iterable[Html], room: int) -> list[Html]:
    """The first that `room` bytes hold."""
    held = []
    for item in items:
        room -= len(item.encode())
        if room < 0:
            break
        held.append(item)
    return held


def _page(title: str, report: CostReport, ways: Sequence[Html], basis: Sequence[Html]) -> Html:
    sections = {"Ways": _ways(report, ways), "Charts": _charts(report)}
    if any(report.lengths) or report.shape:
        sections["Lengths"] = _lengths(report)
    sections |= {"Prices": _prices(report, basis), "Run": _run(report)}
    written = [element("section", element("h2", name), content, id=name.lower()) for name, content in sections.items()]
    return document(title, header(title, list(sections), _tiles(report)), *written, styles=("page.css", "cost.css"))


def _tiles(report: CostReport) -> list[Html]:
    share = f" ({report.trained / report.tokens:.0%})" if report.tokens else ""
    cheapest = next((way for way in report.ways if "cheapest" in way.marks and way.price is not None), None)
    fastest = next((way for way in report.ways if "fastest" in way.marks and way.hours), None)
    priced = sum(way.amount is not None for way in report.ways)
    return [
        tile("rows", report.rows, detail=_quantity(len(report.sources), "file")),
        tile("tokens", report.tokens, detail=f"{report.trained:,} trained{share}"),
        tile("epoch" if report.epochs == 1 else "epochs", report.epochs),
        tile("the cheapest", _amount(cheapest), detail=_name(cheapest.where))
        if cheapest
        else tile("ways", len(report.ways), detail=f"{priced:,} with a price"),
        tile("the fastest", duration(fastest.hours), detail=_name(fastest.where))
        if fastest and fastest.hours
        else tile("tokens in the longest row", report.longest),
    ]


def _quantity(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _name(text: str) -> str:
    return clip(text, _NAME)


def _amount(way: Way) -> str:
    return "?" if way.amount is None else money(way.amount, way.currency)


# -- all ways ------------------------------------------------------------------------------------------


def _ways(report: CostReport, lines: Sequence[Html]) -> Html:
    if not report.ways:
        return element("p", "Nothing was priced.", class_="nothing")
    heads = [("Way", "text"), ("Amount", "number"), ("Time", "number time"), ("GiB of each GPU", "number memory")]
    cells = [element("th", word, scope="col", class_=kind) for word, kind in heads]
    parts = [element("table", element("thead", element("tr", *cells)), element("tbody", *lines), class_="counts ways")]
    if len(lines) < len(report.ways):
        parts.append(element("p", f"and {_quantity(len(report.ways) - len(lines), 'way')} more", class_="listed"))
    currencies = _currencies(report)
    if len(currencies) > 1 and not report.currency:
        first, second = sorted(currencies)[:2]
        told = (
            "Amounts in several currencies cannot be compared: give ", element("code", f"--rate {first}/{second}=..."),
            f", what one {first} is in {second}.",
        )  # fmt: skip
        parts.append(element("p", *told, class_="listed"))
    return join(parts)


def _currencies(report: CostReport) -> list[str]:
    """The currencies of the bills."""
    return list(dict.fromkeys(way.currency for way in report.ways if way.amount is not None))


def _line(way: Way, report: CostReport) -> Html:
    badges = [(mark, "info") for mark in way.marks] if way.fits else [("does not fit", "error")]
    marked = [part for word, kind in badges for part in (" ", element("span", word, class_=f"severity {kind}"))]
    trained = f"{_name(way.model)}, {_name(way.method)}"
    head = element("th", _name(way.where), *marked, element("span", trained, class_="detail"), scope="row")
    time = duration(way.hours) if way.hours else "-"
    memory = "-" if way.memory_gib is None else f"{way.memory_gib:,.1f}"
    if way.capacity_gib is not None:
        memory += f" of {way.capacity_gib:g}"
    cells = [element("td", *_paid(way, report), class_="number"), element("td", time, class_="number time"),
             element("td", memory, class_="number memory")]  # fmt: skip
    return element("tr", head, *cells, class_="best" if "cheapest" in way.marks else "other")


def _paid(way: Way, report: CostReport) -> list[str]:
    """The amount, below it in the common currency; or how to give the price."""
    if not way.fits:
        return ["-"]
    if way.amount is None:
        give = element("code", clip(way.option, 2 * _NAME))
        return ["?", *([element("span", "give ", give, class_="detail")] if way.option else [])]
    if way.compared is None or way.currency == report.currency:
        return [_amount(way)]
    return [_amount(way), element("span", f"= {money(way.compared, report.currency)}", class_="detail")]


# -- charts --------------------------------------------------------------------------------------------


def _charts(report: CostReport) -> Html:
    figures: list[Html] = []
    groups = _by_currency(report)
    for number, (currency, ways) in enumerate(list(groups.items())[:_MOST_CURRENCIES]):
        figures.append(_costs(f"cost-{number}", ways, currency, report))
        if any(way.bills for way in ways):
            figures.append(_growth(f"epochs-{number}", [way for way in ways if way.bills], currency, report))
    if any(way.memory_gib for way in report.ways):
        figures.append(_memory([way for way in report.ways if way.memory_gib], report))
    if not figures:
        return element("p", "No price is known, so there is nothing to draw.", class_="nothing")
    left = list(groups)[_MOST_CURRENCIES:]
    told = [element("p", f"Not drawn: amounts in {clip(', '.join(left), 100)}.", class_="listed")] if left else []
    return join([element("div", *figures, class_="plots"), *told])


def _by_currency(report: CostReport) -> dict[str, list[Way]]:
    """The ways with a price by the currency that they are compared in, the cheapest first."""
    groups: dict[str, list[Way]] = {}
    for way in sorted(report.ways, key=lambda way: way.price or 0):
        if way.fits and way.price is not None:
            groups.setdefault(report.currency or way.currency, []).append(way)
    return groups


def _named(ways: Sequence[Way]) -> list[tuple[str, str]]:
    """What each is called: where, and what else tells it from the others."""
    models, methods = len({way.model for way in ways}) > 1, len({way.method for way in ways}) > 1
    return [(_name(way.where), ", ".join([_name(way.model)] * models + [_name(way.method)] * methods)) for way in ways]


def _labels(ways: Sequence[Way]) -> list[str]:
    return [clip(f"{where}, {more}" if more else where, _LABEL) for where, more in _named(ways)]


def _costs(name: str, ways: Sequence[Way], currency: str, report: CostReport) -> Html:
    shown = ways[:_MOST_BARS]
    choices = [(label, way.price) for label, way in zip(_labels(shown), shown, strict=True) if way.price is not None]
    said = _quantity(report.epochs, "epoch")
    said += f"; the cheapest {len(shown)} of {len(ways):,}." if len(shown) < len(ways) else "."
    amounts = [amount for _, amount in choices]
    if max(amounts) > reach(amounts):
        said += " A bar with an arrow is longer than there is room for."
    if unknown := sum(way.fits and way.amount is None for way in report.ways):
        said += f" Without a price, and so not drawn: {unknown:,}."
    title = f"Cost by choice, {currency}"
    return figure(title, amount_bars(name, title, choices, currency), said)


def _growth(name: str, ways: Sequence[Way], currency: str, report: CostReport) -> Html:
    shown = ways[: len(LETTERS)]
    lines = [(label, way.bills) for label, way in zip(_labels(shown), shown, strict=True)]
    title = f"Cost against epochs, {currency}"
    drawn = bill_lines(name, title, report.drawn, report.epochs, lines, currency)
    said = f"The upright line stands at what was asked for: {_quantity(report.epochs, 'epoch')}."
    if len(shown) < len(ways):
        said = f"The cheapest {len(shown)} of {len(ways):,}. {said}"
    columns = list(dict.fromkeys([0, report.drawn.index(report.epochs), len(report.drawn) - 1]))
    heads = [element("th", "Line", scope="col")]
    heads += [element("th", _quantity(report.drawn[at], "epoch"), scope="col", class_="number") for at in columns]
    rows = [
        element(
            "tr",
            element("th", line_key(number), element("b", LETTERS[number]), f" {where}", *_detail(more), scope="row"),
            *(element("td", money(way.bills[at]), class_="number") for at in columns),
        )
        for number, (way, (where, more)) in enumerate(zip(shown, _named(shown), strict=True))
    ]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="key-table")
    return figure(title, drawn, said, table)


def _detail(text: str) -> list[Html]:
    return [element("span", text, class_="detail")] if text else []


def _memory(ways: Sequence[Way], report: CostReport) -> Html:
    shown = ways[:_MOST_MACHINES]
    machines = [_machine(way, label) for way, label in zip(shown, _labels(shown), strict=True)]
    title = "Memory against what a GPU has"
    said = "GiB of each GPU" + (f"; the first {len(shown)} of {len(ways):,}." if len(shown) < len(ways) else ".")
    if report.usable < 1:
        said += f" A training fits that takes no more than {report.usable:.0%} of the memory."
    keys = [element("li", part_key(number), kind) for number, kind in enumerate(kinds_of(machines))]
    keys.append(element("li", capacity_key(), "what the GPU has"))
    if not all(machine.fits for machine in machines):
        keys.append(element("li", over_key(), "more than it has"))
    each = [element("li", f"{machine.word}: {_parts(machine)}") for machine in machines]
    numbers = element("details", element("summary", "The numbers"), element("ul", *each, class_="each"))
    return figure(title, memory_bars("memory", title, machines), said, element("ul", *keys, class_="legend"), numbers)


def _machine(way: Way, label: str) -> Machine:
    total = way.memory_gib or 0.0
    parts = [(clip(part, _PART), gib) for part, gib in way.parts[:_MOST_PARTS]]
    return Machine(label, parts or [("memory", total)], total, way.capacity_gib, way.fits)


def _parts(machine: Machine) -> str:
    parts = [f"{part} {gib:.2f}" for part, gib in machine.parts if gib > 0]
    return f"{machine.told} ({', '.join(parts)})"


# -- lengths, prices, the run --------------------------------------------------------------------------


def _lengths(report: CostReport) -> Html:
    parts: list[Html] = []
    if any(report.lengths):
        half, most = quantile(report.lengths, 0.5), quantile(report.lengths, 0.99)
        drawn = histogram("lengths-plot", "Tokens per sequence", "tokens", report.lengths, "sequences")
        said = f"Half of them have at most about {half or 0:,}, 99% at most about {most or 0:,}."
        parts.append(figure("Tokens per sequence", drawn, said))
    if report.shape:
        parts.append(facts(*report.shape))
    return element("div", *parts, class_="plots")


def _basis(basis: Basis) -> Html:
    """How an amount comes about."""
    told = [clip(basis.formula, 400)]
    if basis.origin:
        told.append(element("span", clip(basis.origin, 300), class_="origin"))
    told += [element("span", clip(note, 300), class_="note") for note in basis.notes[:_MOST_TOLD]]
    return element("div", element("dt", clip(basis.what, 100)), element("dd", *told))


def _prices(report: CostReport, basis: Sequence[Html]) -> Html:
    if not report.basis:
        return element("p", "Nothing was priced.", class_="nothing")
    parts = [element("dl", *basis, class_="card")]
    if len(basis) < len(report.basis):
        parts.append(element("p", f"and {len(report.basis) - len(basis):,} more", class_="listed"))
    if report.assumptions:
        parts += [element("h3", "Assumptions for GPUs"), _told(report.assumptions)]
    return join(parts)


def _told(lines: Sequence[str]) -> Html:
    items = [element("li", clip(line, 300)) for line in lines[:_MOST_TOLD]]
    if len(lines) > _MOST_TOLD:
        items.append(element("li", f"and {len(lines) - _MOST_TOLD:,} more"))
    return element("ul", *items, class_="notes")


def _run(report: CostReport) -> Html:
    told = [("Files", file_list(report.sources)), *((term, clip(fact, 300)) for term, fact in report.run)]
    if report.notes:
        told.append(("Notes", _told(report.notes)))
    return facts(*told)
