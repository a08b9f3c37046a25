"""Removes exact copies and near-duplicates, and keeps of each cluster the row that is preferred."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from dsforge.dedup.clusters import members, place, removed, shown_clusters, side_by_side
from dsforge.dedup.comparison import LEAST_THRESHOLD, THRESHOLD, Comparison
from dsforge.dedup.contradictions import Conflict, conflicts
from dsforge.dedup.keep import Keep, Ranks, parse_keep
from dsforge.dedup.output import Outputs, check_apart
from dsforge.dedup.result import CONTRADICTIONS, Contradiction, DedupResult, Shown
from dsforge.dedup.verdict import Verdicts, judge
from dsforge.io.expand import expand_sources
from dsforge.similarity.collect import Collected, check_sources
from dsforge.similarity.compared import On
from dsforge.similarity.key import DEFAULT_STEPS

__all__ = ["LEAST_THRESHOLD", "THRESHOLD", "dedup"]


def dedup(
    sources: Sequence[str],
    output: str | Path,
    *,
    on: On = "conversation",
    threshold: float = THRESHOLD,
    exact: bool = False,
    normalise: Sequence[str] = DEFAULT_STEPS,
    keep: str | Keep = "first",
    against: Sequence[str] = (),
    drop_contradictions: bool = False,
    clusters: str | Path | None = None,
    show: int = 0,
    rejects: str | Path | None = None,
    format_name: str = "auto",
    workers: int = 1,
) -> DedupResult:
    """Write the rows of `sources`, taken for one dataset, without duplicates to `output`.

    Rows keep their bytes and their order. `on` is what is compared (see `dsforge.similarity.compared`), `normalise`
    what does not count in it; `exact` removes only exact copies. `keep` says which row of a cluster stays (see
    `dsforge.dedup.keep`). Rows that the files of `against` hold already are removed too. `clusters` gets a line for
    each row of each cluster (`Member`), `rejects` the rows that could not be decoded; `show` clusters and as many
    contradictions stand side by side in the result. The result depends neither on `workers` nor on chance.

    Raises:
        UsageError: an option out of range, an output that is an input, a field of `keep` that no row has.
        InputError, OutputError: a file that cannot be read or written.
    """
    comparison = Comparison(on, threshold, exact, tuple(normalise))
    preference = parse_keep(keep) if isinstance(keep, str) else keep
    sources, others = expand_sources(map(str, sources)), expand_sources(map(str, against))
    check_apart(sources, others)
    check_sources([*others, *sources], format_name)
    outputs = Outputs(output, rejects, clusters)
    outputs.check([*sources, *others])
    with comparison.collected(workers) as rows:
        unread = _read_known(rows, others, format_name)
        values = _read(rows, sources, format_name, preference)
        verdicts = judge(rows, threshold, values)
        dropping = _find_conflicts(rows, verdicts, comparison, values, drop_contradictions)
        result = _result(rows, verdicts, dropping, threshold)
        result.notices += unread
        result.shown = [*shown_clusters(rows, verdicts, show)]
        result.shown_contradictions = [*_shown_conflicts(rows, dropping.found, show)]
        lines = map(msgspec.json.encode, members(rows, verdicts, comparison))
        kept = (row for row in _kept_rows(rows, verdicts) if row not in dropping.rows)
        result.notices += outputs.write(rows, kept, lines)
    return result


def _read_known(rows: Collected, others: Sequence[str], format_name: str) -> list[str]:
    """Take in the rows to compare with; what the user should know of those that could not be read."""
    for other in others:
        rows.read(other, format_name)
    unread = rows.make_known()
    told = f"{', '.join(others)}: rows that could not be read, and so were not compared with: {unread:,}"
    return [told] if unread else []


def _read(rows: Collected, sources: Sequence[str], format_name: str, keep: Keep | None) -> Sequence[float] | None:
    """Take in the rows; what each is worth, None where the first is always preferred."""
    ranks = Ranks(keep, rows.known) if keep else None
    for source in sources:
        rows.read(source, format_name, see_row=ranks.see if ranks else None)
    if ranks is None:
        return None
    rows.notices += filter(None, [ranks.notice()])
    return ranks.values


def _kept_rows(rows: Collected, verdicts: Verdicts) -> Iterator[int]:
    return (row for row in range(rows.known, len(rows)) if verdicts.kept[row] == row)


@dataclass
class _Dropping:
    """Contradictions, and the rows that are taken out for them."""

    found: list[Conflict]
    rows: set[int] = field(default_factory=set)


def _find_conflicts(
    rows: Collected, verdicts: Verdicts, comparison: Comparison, values: Sequence[float] | None, drop: bool
) -> _Dropping:
    found = conflicts(rows, list(_kept_rows(rows, verdicts)), comparison.clean)
    dropped = {row for conflict in found for row in conflict.to_drop(values)} if drop else set()
    return _Dropping(found, dropped)


def _shown_conflicts(rows: Collected, found: Sequence[Conflict], count: int) -> Iterator[Shown]:
    for conflict in islice(found, count):
        left, right, *_ = conflict.rows
        yield side_by_side(rows, CONTRADICTIONS[conflict.kind], left, right, len(conflict.rows))


def _result(rows: Collected, verdicts: Verdicts, dropping: _Dropping, threshold: float) -> DedupResult:
    gone = [
        removed(rows, row, verdicts.kept[row], verdicts.similarity.get(row))
        for row in range(rows.known, len(rows))
        if verdicts.kept[row] != row
    ]
    result = DedupResult(
        rows_in=rows.rows_in,
        rows_out=sum(1 for row in _kept_rows(rows, verdicts)) - len(dropping.rows),
        rows_rejected=len(rows.rejects),
        threshold=threshold,
        removed=gone,
        contradictions=[
            Contradiction(conflict.kind, [place(rows, row) for row in conflict.rows],
                          sum(row in dropping.rows for row in conflict.rows))
            for conflict in dropping.found
        ],
        contradictory=len(dropping.rows),
        first_reject=rows.first_reject,
        notices=rows.notices,
    )  # fmt: skip
    if result.rows_in != result.rows_out + result.rows_rejected + len(gone) + result.contradictory:
        raise AssertionError(f"conservation broken: {result}")
    return result
