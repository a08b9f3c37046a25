"""The dataset's card: what is in it, in words and in plots."""

from __future__ import annotations

from dsforge.report.document import facts, figure, file_list
from dsforge.report.histogram import quantile
from dsforge.report.lint_report import LintReport
from dsforge.report.markup import Html, clip, element, join
from dsforge.report.plots import bars, histogram, overlaid
from dsforge.report.summary import Summary
from dsforge.report.tally import CAPACITY

_MOST_BARS = 12
_MOST_CATEGORIES = 50
_SCRIPTS = {
    "Han": "Han (Chinese)", "Kana": "Kana (Japanese)", "Hangul": "Hangul (Korean)", "other": "other scripts",
    "mixed": "several scripts", "none": "no letters",
}  # fmt: skip


def card(report: LintReport, summary: Summary) -> Html:
    """Counts as a list of terms."""
    rows = summary.rows
    told: list[tuple[str, str]] = [("Files", file_list(report.sources)), ("Rows", _rows(report))]
    if summary.formats:
        named = (f"{name} ({count:,})" for name, count in _by_count(summary.formats)[:_MOST_BARS])
        told.append(("Formats", ", ".join(named)))
    told.append(("Characters", f"{summary.total_characters:,}"))
    if any(summary.tokens):
        told.append(("Tokens", f"{summary.total_tokens:,} in {sum(summary.tokens):,} rows"))
    kinds = (
        ("a system prompt", summary.with_system), ("tools", summary.with_tools),
        ("images", summary.with_images), ("reasoning", summary.with_reasoning),
    )  # fmt: skip
    told.append(("Rows with", "; ".join(f"{kind}: {_share(count, rows)}" for kind, count in kinds)))
    if summary.labels_true or summary.labels_false:
        told.append(("Labels", f"{summary.labels_true:,} good, {summary.labels_false:,} bad"))
    if summary.pairs:
        longer = _share(summary.chosen_longer, summary.pairs)
        told.append(("Preference pairs", f"{summary.pairs:,}; the chosen answer is the longer one in {longer}"))
    told += [("Note", clip(notice, 300)) for notice in report.notices[:10]]
    return facts(*told)


def _rows(report: LintReport) -> str:
    if not report.rows_rejected:
        return f"{report.rows_in:,}, all of them read"
    read = report.rows_in - report.rows_rejected
    rejected = _share(report.rows_rejected, report.rows_in)
    return f"{report.rows_in:,}; {read:,} could be read, {rejected} could not and are in no count below"


def _share(count: int, total: int) -> str:
    if not count or not total:
        return f"{count:,}"
    share = count / total
    return f"{count:,} ({'less than 1%' if share < 0.01 else f'{share:.0%}'})"


def _by_count(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(((name, count) for name, count in counts.items() if count), key=lambda pair: (-pair[1], pair[0]))


def plots(summary: Summary) -> Html:
    """A figure for everything that has a distribution."""
    rows = summary.rows
    if not rows:
        return element("p", "No row could be read, so there is nothing to draw.")
    figures = [
        _sized("characters", "Characters per row", "characters", summary.characters),
        _sized("turns", "Messages per row", "messages", summary.turns),
        _sized("prompt", "Characters of the prompt", "characters", summary.prompt),
        _sized("completion", "Characters of the completion", "characters", summary.completion),
    ]
    if any(summary.tokens):
        figures.append(_sized("tokens", "Tokens per row", "tokens", summary.tokens))
    if summary.pairs:
        drawn = overlaid("pairs", "Chosen and rejected answers", "characters",
                         ("chosen", summary.chosen), ("rejected", summary.rejected))  # fmt: skip
        same = f"; equally long in {summary.same_length:,}" if summary.same_length else ""
        longer = f"Chosen is longer in {_share(summary.chosen_longer, summary.pairs)} of the pairs{same}."
        figures.append(figure("Chosen and rejected answers", drawn, longer))
    scripts = [(_SCRIPTS.get(name, name), count) for name, count in _by_count(summary.scripts)]
    figures.append(figure("Scripts", bars("scripts", "Scripts", scripts, rows), "By most of a row's letters."))
    roles = _by_count(summary.roles)
    drawn = bars("roles", "Roles", roles, sum(summary.roles.values()))
    figures.append(figure("Roles", drawn, "Of all messages."))
    if len(summary.formats) > 1:
        formats = _by_count(summary.formats)[:_MOST_BARS]
        figures.append(figure("Formats", bars("formats", "Formats", formats, rows), "Of all rows."))
    if summary.categories.counts:
        figures.append(_categories(summary))
    return element("div", *figures, class_="plots")


def _sized(name: str, title: str, unit: str, counts: list[int]) -> Html:
    half, most = quantile(counts, 0.5), quantile(counts, 0.99)
    return figure(title, histogram(name, title, unit, counts),
                   f"Half of the rows have at most {half or 0:,}, 99% at most {most or 0:,}.")  # fmt: skip


def _categories(summary: Summary) -> Html:
    tally = summary.categories
    largest = tally.largest(_MOST_CATEGORIES)
    shown = largest[:_MOST_BARS]
    rest = tally.total - sum(count for _, count in shown)
    drawn = bars("categories", "Categories", [*shown, *([("all others", rest)] if rest else [])], summary.rows)
    said = f"{len(tally.counts):,} in {tally.total:,} rows."
    if tally.others:
        said = f"More than {CAPACITY:,}, of which {CAPACITY:,} were counted; {tally.others:,} rows are of others."
    if len(largest) == len(shown):
        return figure("Categories", drawn, said)
    lines = [
        element("tr", element("td", name, dir="auto"), element("td", f"{count:,}", class_="number"))
        for name, count in largest
    ]
    table = element("details", element("summary", f"The {len(largest)} largest"), element("table", join(lines)))
    return figure("Categories", drawn, said, table)
