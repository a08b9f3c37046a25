"""One self-contained HTML page about a deduplication: what was removed, for which rows, and how these differ."""

from __future__ import annotations

from collections.abc import Sequence

from dsforge.report.dedup_report import Cluster, DedupReport, Origin, similarity_edges
from dsforge.report.document import MAX_BYTES, document, facts, figure, file_list, header, tile
from dsforge.report.histogram import filled
from dsforge.report.markup import Html, clip, element, join
from dsforge.report.plots import bars, histogram, stepped
from dsforge.report.side_by_side import fitting

_MOST_FILES = 20
_MOST_KEPT = 4  # files named beside one: those that have the rows kept in place of its own
_MOST_NOTICES = 10
_PATH = 100
_SPARE = 500  # bytes by which the frame grows once it has pairs


def dedup_page(title: str, report: DedupReport) -> str:
    """The page; of the pairs side by side those that there is room for."""
    title = clip(title, 200)
    room = MAX_BYTES - _SPARE - len(_page(title, report, [], []).encode())
    contradictions = fitting(report.shown_contradictions, ("", ""), room // 3)
    room -= sum(len(item.encode()) for item in contradictions)
    return _page(title, report, fitting(report.shown, ("kept", "removed"), room), contradictions)


def _page(title: str, report: DedupReport, shown: Sequence[Html], contradictions: Sequence[Html]) -> Html:
    sections = {
        "Overview": _plots(report),
        "Run": _run(report),
        "Files": _files(report),
        "Clusters": _clusters(report, shown),
        "Contradictions": _contradictions(report, contradictions),
    }
    written = [element("section", element("h2", name), content, id=name.lower()) for name, content in sections.items()]
    return document(title, header(title, list(sections), _tiles(report)), *written, styles=("page.css", "dedup.css"))


def _tiles(report: DedupReport) -> list[Html]:
    found = sum(each.found for each in report.disagreements)
    largest = max((exact + near + 1 for _, exact, near, _ in report.largest), default=0)
    return [
        tile("rows in", report.rows_in, detail=_quantity(len(report.sources), "file")),
        _rows("kept", report.rows_out, report),
        _rows("exact copies", report.exact, report),
        _rows("near-duplicates", report.near, report),
        _rows("held already", report.against, report),
        _rows("contradictory", report.contradictory, report)
        if report.contradictory or not found
        else tile("contradictory", 0, detail=f"{found:,} found"),
        _rows("rejected", report.rejected, report, "error" if report.rejected else ""),
        tile("clusters", report.clusters, detail=f"up to {_quantity(largest, 'row')}" if largest else ""),
    ]  # fmt: skip


def _rows(word: str, count: int, report: DedupReport, kind: str = "") -> Html:
    return tile(word, count, kind, _percent(count, report.rows_in) if count else "")


def _percent(count: int, total: int) -> str:
    """A share to a tenth of a percent; what is not all is never rounded to all, nor something to nothing."""
    if count == total:
        return "100%"
    share = count / total
    return "<0.1%" if share < 0.001 else ">99.9%" if share > 0.999 else f"{share:.1%}"


def _quantity(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _plots(report: DedupReport) -> Html:
    """Where the rows went, how alike near-duplicates are, how large the clusters."""
    fates = [
        ("kept", report.rows_out), ("exact copies", report.exact), ("near-duplicates", report.near),
        ("held already", report.against), ("contradictory", report.contradictory), ("rejected", report.rejected),
    ]  # fmt: skip
    drawn = bars("fates", "Where the rows went", [fate for fate in fates if fate[1]], report.rows_in)
    figures = [figure("Where the rows went", drawn, f"Of {_quantity(report.rows_in, 'row')}.")]
    if near := sum(report.similarities):
        edges = similarity_edges(report.threshold)
        drawn = stepped("similarities", "Similarity of near-duplicates", "similarity", edges, report.similarities)
        said = f"Of {_quantity(near, 'removed row')} to the row that is kept; {report.threshold:g} is the threshold."
        figures.append(figure("Similarity of near-duplicates", drawn, said))
    if report.clusters:
        drawn = histogram("sizes", "Rows of a cluster", "rows", report.sizes, "clusters")
        pairs = sum(count for low, _, count in filled(report.sizes) if low == 2)
        said = f"With the row that is kept; {pairs:,} of {_quantity(report.clusters, 'cluster')} are of two rows."
        figures.append(figure("Rows of a cluster", drawn, said))
    return element("div", *figures, class_="plots")


def _run(report: DedupReport) -> Html:
    """What was compared, and how: all that it takes to get the same result again."""
    told: list[tuple[str, str]] = [("Files", file_list(report.sources))]
    if report.others:
        told.append((_term("Compared with", "--against"), file_list(report.others)))
    told += [(_term(choice.term, choice.option), clip(choice.value, 200)) for choice in report.choices]
    told += [("Note", clip(notice, 300)) for notice in report.notices[:_MOST_NOTICES]]
    if len(report.notices) > _MOST_NOTICES:
        told.append(("Note", f"and {len(report.notices) - _MOST_NOTICES:,} more"))
    return facts(*told)


def _term(term: str, option: str) -> Html:
    return join([term, " ", element("code", option)]) if option else join([term])


def _files(report: DedupReport) -> Html:
    """From which files rows were removed, and in which files the rows stand that are kept in their place."""
    if not report.origins:
        return element("p", "No duplicates were found in any file.", class_="nothing")
    by_path: dict[str, list[Origin]] = {}
    for origin in report.origins:
        by_path.setdefault(origin.path, []).append(origin)
    largest = sorted(by_path.values(), key=lambda origins: -sum(map(_removed, origins)))
    groups = [_file(origins) for origins in largest[:_MOST_FILES]]
    heads = _heads("Removed from", "Kept instead in", "=Exact", "=Near")
    table = element("table", heads, *groups, class_="counts")
    if len(largest) <= _MOST_FILES:
        return table
    rest = sum(_removed(origin) for origins in largest[_MOST_FILES:] for origin in origins)
    said = f"and {_quantity(rest, 'row')} of {_quantity(len(largest) - _MOST_FILES, 'file')} more"
    return join([table, element("p", said, class_="listed")])


def _removed(origin: Origin) -> int:
    return origin.exact + origin.near


def _file(origins: Sequence[Origin]) -> Html:
    """The lines of one file."""
    named = len(origins) if len(origins) <= _MOST_KEPT else _MOST_KEPT - 1
    first, rest = origins[:named], origins[named:]
    kept = [
        (element("span", "the same file", class_="nothing"), origin)
        if origin.kept_path == origin.path
        else (_path(origin.kept_path), origin)
        for origin in first
    ]
    if rest:
        others = Origin("", "", sum(origin.exact for origin in rest), sum(origin.near for origin in rest))
        kept.append((element("span", f"{_quantity(len(rest), 'other file')}", class_="nothing"), others))
    removed = element("span", f"{_quantity(sum(map(_removed, origins)), 'row')}", class_="detail")
    head = element("th", _path(origins[0].path), removed, scope="rowgroup", rowspan=len(kept))
    lines = [[element("td", where), _number(origin.exact), _number(origin.near)] for where, origin in kept]
    lines[0].insert(0, head)
    return element("tbody", *(element("tr", *cells) for cells in lines))


def _path(path: str) -> Html:
    return element("span", clip(path, _PATH), class_="path")


def _number(count: int) -> Html:
    return element("td", f"{count:,}", class_="number")


def _heads(*words: str) -> Html:
    """The head of a table; `=` before a word says that numbers stand below it."""
    cells = [element("th", word.lstrip("="), scope="col", class_="number" if word.startswith("=") else "text")
             for word in words]  # fmt: skip
    return element("thead", element("tr", *cells))


def _clusters(report: DedupReport, shown: Sequence[Html]) -> Html:
    if not report.clusters:
        return element("p", "No two rows are alike.", class_="nothing")
    lines = [_cluster(cluster) for cluster in report.largest]
    table = element("table", _heads("Row that is kept", "=Exact", "=Near", "=Least alike"), element("tbody", *lines),
                    class_="counts")  # fmt: skip
    listed = f"{len(lines):,} of {_quantity(report.clusters, 'cluster')}, with the rows removed for each."
    parts = [element("h3", "The largest"), element("p", listed, class_="listed"), table]
    if shown:
        told = (
            f"{len(shown):,} of {_quantity(report.clusters, 'cluster')}, those with near-duplicates first: the row "
            "that is kept and the one least like it, cut to what stands around the differences."
        )
        parts += [element("h3", "Side by side"), element("p", told, class_="listed"), _pairs(shown)]
    return join(parts)


def _cluster(cluster: Cluster) -> Html:
    least = element("td", f"{cluster.least:.2f}", class_="number")
    kept = element("th", _path(cluster.kept), scope="row")
    return element("tr", kept, _number(cluster.exact), _number(cluster.near), least)


def _pairs(items: Sequence[Html]) -> Html:
    return element("ol", *items, class_="pairs")


def _contradictions(report: DedupReport, shown: Sequence[Html]) -> Html:
    found = sum(each.found for each in report.disagreements)
    if not found:
        return element("p", "No rows ask the same and contradict one another.", class_="nothing")
    lines = [
        element("tr", element("th", each.what, scope="row"), *map(_number, (each.found, each.rows, each.dropped)))
        for each in report.disagreements
        if each.found
    ]
    heads = _heads("Kept rows that ask the same", "=Found", "=Rows", "=Removed")
    parts = [element("table", heads, element("tbody", *lines), class_="counts")]
    if shown:
        told = f"The first {len(shown):,}: two rows of each, cut to what stands around the differences."
        parts += [element("h3", "Side by side"), element("p", told, class_="listed"), _pairs(shown)]
    return join(parts)
