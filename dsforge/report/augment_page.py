"""One self-contained HTML page about augmented rows: the dataset before and after, and what became of the requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dsforge.report.augment_plots import paired, stacked
from dsforge.report.augment_report import GRAMS, AugmentReport, Lengths, Side
from dsforge.report.cost_report import money
from dsforge.report.document import document, facts, figure, file_list, header, tile
from dsforge.report.markup import Html, clip, element, join
from dsforge.report.plots import overlaid

_MOST_CATEGORIES = 20
_MOST_REASONS = 15
_NAME, _REASON, _FACT = 80, 200, 400  # characters of a category, of a reason, of a fact
_SCALE = 1000  # rows of each set that distributions are drawn for, so that sets of any size can be compared


def augment_page(title: str, report: AugmentReport) -> str:
    """The page; it is bounded, as it names no rows and only so many categories and reasons."""
    title = clip(title, 200)
    sections = {
        "Rows": _fates(report),
        "Balance": element("div", _categories(report), _scripts(report), class_="plots"),
        "Lengths": _lengths(report),
        "Diversity": _diversity(report),
        "Run": _run(report),
    }
    written = [element("section", element("h2", name), content, id=name.lower()) for name, content in sections.items()]
    return document(title, header(title, list(sections), _tiles(report)), *written, styles=("page.css", "augment.css"))


def _tiles(report: AugmentReport) -> list[Html]:
    dropped = sum(report.dropped.values())
    grown = f"{report.after.rows / report.before.rows:.2f} × before" if report.before.rows else ""
    spent = (
        tile("requests", report.requests)
        if report.spent is None
        else tile(f"{clip(report.currency, 8)} spent", money(report.spent), detail=f"{report.requests:,} requests")
    )
    return [
        tile("rows before", report.before.rows),
        tile("rows after", report.after.rows, detail=grown),
        tile("changed" if report.in_place else "new rows kept", report.kept, detail=_of(report.kept, report.asked)),
        tile("dropped", dropped, detail=_of(dropped, report.generated)),
        tile("failed", report.failed, "error" if report.failed else ""),
        tile("not paid for", report.unpaid, "warning" if report.unpaid else ""),
        tile("rejected", report.rejected, detail="no seeds" if report.rejected else ""),
        spent,
    ]


def _of(count: int, total: int) -> str:
    return f"{_share(count, total)} of {total:,}" if total else ""


def _share(count: int, total: int) -> str:
    """A share to a tenth of a percent; what is not all is never rounded to all, nor something to nothing."""
    if not count or not total:
        return "0%"
    share = count / total
    return "100%" if count == total else "<0.1%" if share < 0.001 else ">99.9%" if share > 0.999 else f"{share:.1%}"


# -- what became of the rows asked for -----------------------------------------------------------------


def _fates(report: AugmentReport) -> Html:
    """Every row asked for has one line of the table that counts it."""
    fates = [("kept", report.kept)]
    fates += [(f"dropped: {reason}", count) for reason, count in _largest(report.dropped, "other reasons")]
    fates += [("failed: the request was given up", report.failed)] if report.failed else []
    fates += [("not asked for: the budget would not pay", report.unpaid)] if report.unpaid else []
    lines = [_line(clip(fate, _REASON), f"{count:,}", _share(count, report.asked)) for fate, count in fates]
    parts = [element("p", clip(notice, _FACT), class_="listed") for notice in report.notices[:_MOST_REASONS]]
    parts.append(_table(("Rows asked for", f"={report.asked:,}", "=Share"), lines))
    if report.unchanged:
        left = [_line(clip(reason, _REASON), f"{count:,}") for reason, count in _largest(report.unchanged, "others")]
        parts.append(_table(("Left as they are, not asked about", "=Rows"), left))
    return join(parts)


def _largest(counts: Mapping[str, int], others: str) -> list[tuple[str, int]]:
    """The largest counts, and the rest under one name."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _, count in ordered[_MOST_REASONS:])
    return [*ordered[:_MOST_REASONS], *([(others, rest)] if rest else [])]


# -- tables --------------------------------------------------------------------------------------------


def _table(heads: Sequence[str], *groups: Sequence[Html]) -> Html:
    """A table; `=` before a head says that numbers stand below it."""
    cells = [element("th", head.lstrip("="), scope="col", class_="number" if head.startswith("=") else "text")
             for head in heads]  # fmt: skip
    return element("table", element("thead", element("tr", *cells)),
                   *(element("tbody", *lines) for lines in groups), class_="counts")  # fmt: skip


def _line(word: str, *numbers: str) -> Html:
    return element("tr", element("th", word, scope="row", dir="auto"), *map(_number, numbers))


def _number(told: str) -> Html:
    return element("td", told, class_="number")


# -- balance ----------------------------------------------------------------------------


class _Group(NamedTuple):
    """How many rows of each set have a category or a script."""

    name: str
    before: int
    new: int
    after: int


def _categories(report: AugmentReport) -> Html:
    before, after = report.before, report.after
    names = {**before.categories, **after.categories}
    if not names:
        return element("p", "No row has a category where its format keeps one.", class_="nothing")
    groups = _groups([rows.categories for rows in report.sets.values()], _MOST_CATEGORIES)
    without = [rows.uncategorised for rows in report.sets.values()]
    groups += [_Group("none", *without)] if any(without) else []
    said = (
        f"{_quantity(len(before.categories), 'category', 'categories')} before, as even as {before.effective:.1f} of "
        f"the same size; {len(after.categories):,} after, as even as {after.effective:.1f}."
    )
    return _grouped(report, "Rows by category", said, groups)


def _scripts(report: AugmentReport) -> Html:
    groups = _groups([rows.scripts for rows in report.sets.values()], _MOST_CATEGORIES)
    return _grouped(report, "Rows by script", "By most of a row's letters.", groups)


def _groups(counts: Sequence[Mapping[str, int]], most: int) -> list[_Group]:
    """The groups that are largest after, and the others as one."""
    before, _, after = counts
    names = sorted({**before, **after}, key=lambda name: (-after.get(name, 0), name))
    groups = [_Group(clip(name, _NAME), *(each.get(name, 0) for each in counts)) for name in names[:most]]
    if rest := names[most:]:
        groups.append(_Group(f"{len(rest):,} more", *(sum(each.get(name, 0) for name in rest) for each in counts)))
    return groups


def _grouped(report: AugmentReport, title: str, said: str, groups: Sequence[_Group]) -> Html:
    if not groups:
        return element("p", "No row could be read.", class_="nothing")
    bars = [(group.name, group.after - group.new, group.new) for group in groups]
    drawn = stacked(f"{title.split()[-1]}-plot", title, _words(report), bars)
    lines = [
        _line(
            group.name, f"{group.before:,}", f"{group.new:,}",
            f"{_share(group.before, report.before.rows)} → {_share(group.after, report.after.rows)}",
        )
        for group in groups
    ]  # fmt: skip
    table = _table((title.split()[-1].capitalize(), "=Before", "=New", "=Share"), lines)
    return figure(title, drawn, said, element("details", element("summary", "The numbers"), table))


def _words(report: AugmentReport) -> tuple[str, str]:
    """What the rows are called that are as before, and those of the run."""
    return ("as before", "changed") if report.in_place else ("before", "new")


# -- lengths -------------------------------------------------------------------------------------------


def _lengths(report: AugmentReport) -> Html:
    prompts = [rows.prompt.lengths for rows in report.sets.values()]
    completions = [rows.completion.lengths for rows in report.sets.values()]
    figures = [_overlaid("prompt", prompts), _overlaid("completion", completions)]
    rows = (report.before.rows, report.new.rows, report.after.rows)
    lines = [
        _line(
            f"{of} of {name}", *(f"{size(each):,}" if count else "-" for each, count in zip(lengths, rows, strict=True))
        )
        for name, lengths in (("prompts", prompts), ("completions", completions))
        for of, size in (("Half", _median), ("95%", _most))
    ]
    table = _table(("Characters at most", "=Before", "=New", "=After"), lines)
    return join([element("div", *figures, class_="plots"), table])


def _median(lengths: Lengths) -> int:
    return lengths.median


def _most(lengths: Lengths) -> int:
    return lengths.most


def _overlaid(what: str, lengths: Sequence[Lengths]) -> Html:
    before, new, _ = lengths
    title = f"Characters of the {what}"
    counted = f"of {_SCALE:,} rows"
    drawn = overlaid(f"{what}-lengths", title, "characters", ("before", _scaled(before.bins)),
                     ("new", _scaled(new.bins)), counted)  # fmt: skip
    medians = [f"{each.median:,} {word}" for word, each in (("before", before), ("of the new", new)) if any(each.bins)]
    said = f"Half have at most {', '.join(medians)}." if medians else "No row could be read."
    return figure(title, drawn, said)


def _scaled(bins: Sequence[int]) -> list[int]:
    total = sum(bins) or 1
    return [round(_SCALE * count / total) for count in bins]


# -- diversity -----------------------------------------------------------------------------------------


def _diversity(report: AugmentReport) -> Html:
    parts: list[Html] = []
    sides = {"Prompts": [rows.prompt for rows in report.sets.values()],
             "Completions": [rows.completion for rows in report.sets.values()]}  # fmt: skip
    figures = [_paired(name, of, words) for (name, of), words in zip(sides.items(), report.words, strict=True) if words]
    if figures:
        parts.append(element("div", *figures, class_="plots"))
    groups = [
        group
        for (name, of), words in zip(sides.items(), report.words, strict=True)
        for group in (
            _distinct(name, "all of them", [side.distinct for side in of]),
            *([_distinct(name, f"samples of {words:,} words", [side.sampled for side in of])] if words else []),
        )
    ]
    heads = ("Different n-grams of all", "=n", "=Before", "=New", "=After")
    parts += [element("h3", "Distinct-n"), element("p", _DISTINCT, class_="listed"), _table(heads, *groups)]
    parts += [element("h3", "Prompts that are alike"), *_clusters(report)]
    return join(parts)


_DISTINCT = (
    "The share of the n-grams of words that differ from one another. It falls as rows are added, whatever they say: "
    "sets of different size are compared by samples of as many words."
)


def _paired(name: str, sides: Sequence[Side], words: int) -> Html:
    before, new, _ = (side.sampled for side in sides)
    lines = [(f"distinct-{n}", old, more) for n, old, more in zip(GRAMS, before, new, strict=True)
             if old is not None and more is not None]  # fmt: skip
    title = f"Distinct n-grams of {name.lower()}"
    said = f"Of samples of {words:,} words."
    return figure(title, paired(f"{name.lower()}-distinct", title, lines), said)


def _distinct(name: str, which: str, shares: Sequence[Sequence[float | None]]) -> list[Html]:
    """The lines of the prompts or completions of all sets."""
    head = element("th", name, element("span", which, class_="detail"), scope="rowgroup", rowspan=len(GRAMS))
    lines = [[_number(str(n)), *(_number(_told(each[at])) for each in shares)] for at, n in enumerate(GRAMS)]
    lines[0].insert(0, head)
    return [element("tr", *cells) for cells in lines]


def _told(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _clusters(report: AugmentReport) -> list[Html]:
    before, after = report.clusters_before, report.clusters_after
    lines = [
        _line("Rows", f"{report.before.rows:,}", f"{report.after.rows:,}"),
        _line("Clusters", f"{before.prompts:,}", f"{after.prompts:,}"),
        _line("Clusters of two or more rows", f"{before.shared:,}", f"{after.shared:,}"),
        _line("Rows of the largest cluster", f"{before.largest:,}", f"{after.largest:,}"),
    ]
    said = f"A cluster holds the rows whose prompts have a similarity of {report.alike:g} or more with its first one."
    if report.new.rows:
        share = _share(report.near, report.new.rows)
        said += (
            f" Of {_quantity(report.new.rows, 'new row')}, {report.near:,} ({share}) stand with a row of the source."
        )
    return [element("p", said, class_="listed"), _table(("Prompts", "=Before", "=After"), lines)]


# -- the run -------------------------------------------------------------------------------------------


def _run(report: AugmentReport) -> Html:
    told: list[tuple[str, str]] = [("Source and output", file_list(report.sources))]
    told += [(term, clip(fact, _FACT)) for term, fact in report.run]
    return facts(*told)


def _quantity(count: int, noun: str, nouns: str = "") -> str:
    """So many of something."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
