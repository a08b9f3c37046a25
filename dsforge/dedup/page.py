"""Writes the page about a deduplication: its counts, its clusters, and where the duplicates come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dsforge import __version__
from dsforge.dedup.result import CONTRADICTIONS, Contradiction, DedupResult, Place, Removed, Shown
from dsforge.engine.chunks import size_of
from dsforge.io.atomic import atomic_write
from dsforge.report.dedup_page import dedup_page
from dsforge.report.dedup_report import (
    Choice,
    Cluster,
    DedupReport,
    Disagreement,
    Origin,
    Pair,
    similarity_steps,
)
from dsforge.report.histogram import bin_of, empty
from dsforge.similarity.key import DEFAULT_STEPS

_LARGEST = 20


def write_page(
    path: str | Path,
    sources: Sequence[str],
    result: DedupResult,
    *,
    on: str,
    threshold: float,
    keep: str,
    shingles: str,
    semantic: str = "",
    exact: bool = False,
    normalise: Sequence[str] = DEFAULT_STEPS,
    against: Sequence[str] = (),
    index: str = "",
    drop_contradictions: bool = False,
) -> None:
    """Write the page about `result`, which came of these files and options, to `path`.

    Raises:
        OutputError: the file cannot be written.
    """
    choices = [
        Choice("What has to be alike", "--on", on),
        Choice("Near-duplicates", "--exact", "not looked for")
        if exact
        else Choice("Near-duplicates from", "--threshold", f"{'cosine' if semantic else 'similarity'} {threshold:g}"),
        Choice("What does not count", "--normalise", ", ".join(normalise) or "none: every character counts"),
        Choice("Compared by meaning, with", "--semantic", semantic)
        if semantic
        else Choice("Texts are cut into", "--shingles", shingles),
        Choice("Row that stays", "--keep", keep),
        Choice("Contradictions", "--drop-contradictions", "removed" if drop_contradictions else "told, not removed"),
        *([Choice("Index, added to", "--index", index)] if index else []),
        Choice("Made by", "", f"dsforge {__version__}"),
    ]  # fmt: skip
    title = f"dsforge dedup: {sources[0]}" + (f" and {len(sources) - 1:,} more" if len(sources) > 1 else "")
    page = dedup_page(title, _report(result, threshold, sources, against, choices))
    with atomic_write(path) as file:
        file.write(page.encode("utf-8", "replace"))


def _report(
    result: DedupResult, threshold: float, sources: Sequence[str], against: Sequence[str], choices: Sequence[Choice]
) -> DedupReport:
    clusters = _clusters(result.removed)
    return DedupReport(
        rows_in=result.rows_in,
        rows_out=result.rows_out,
        exact=result.exact_duplicates,
        near=result.near_duplicates,
        against=result.against_duplicates,
        contradictory=result.contradictory,
        rejected=result.rows_rejected,
        clusters=len(clusters),
        threshold=threshold,
        similarities=similarity_steps((gone.similarity for gone in result.removed if not gone.exact), threshold),
        sizes=_sizes(clusters.values()),
        origins=_origins(result.removed),
        largest=_largest(clusters),
        disagreements=_disagreements(result.contradictions),
        sources=[(name, size_of(name)) for name in sources],
        others=[(name, size_of(name)) for name in against],
        choices=choices,
        notices=result.notices,
        shown=[_pair(shown) for shown in result.shown],
        shown_contradictions=[_pair(shown) for shown in result.shown_contradictions],
    )


@dataclass
class _Removals:
    """What was removed for one kept row."""

    kept: Place
    exact: int = 0
    near: int = 0
    least: float = 1.0

    def add(self, removed: Removed) -> None:
        if removed.exact:
            self.exact += 1
        else:
            self.near += 1
            self.least = min(self.least, removed.similarity)

    @property
    def rows(self) -> int:
        """The rows of the cluster, with the kept one."""
        return self.exact + self.near + 1


def _clusters(removed: Iterable[Removed]) -> dict[tuple[str, int], _Removals]:
    """The clusters by their kept rows."""
    clusters: dict[tuple[str, int], _Removals] = {}
    for gone in removed:
        key = gone.kept_path, gone.kept_row
        if key not in clusters:
            clusters[key] = _Removals(Place(gone.kept_path, gone.kept_row, gone.kept_line))
        clusters[key].add(gone)
    return clusters


def _sizes(clusters: Iterable[_Removals]) -> list[int]:
    bins = empty()
    for cluster in clusters:
        bins[bin_of(cluster.rows)] += 1
    return bins


def _largest(clusters: dict[tuple[str, int], _Removals]) -> list[Cluster]:
    """The clusters with the most rows, of equal ones those that stand first by their place."""
    first = sorted(clusters, key=lambda key: (-clusters[key].rows, key))[:_LARGEST]
    found = (clusters[key] for key in first)
    return [Cluster(_told(each.kept), each.exact, each.near, each.least) for each in found]


def _origins(removed: Iterable[Removed]) -> list[Origin]:
    counts = Counter((gone.path, gone.kept_path, gone.exact) for gone in removed)
    origins = [
        Origin(path, kept, counts[path, kept, True], counts[path, kept, False])
        for path, kept in dict.fromkeys((path, kept) for path, kept, _ in counts)
    ]
    return sorted(origins, key=lambda origin: (-origin.exact - origin.near, origin))


def _disagreements(contradictions: Iterable[Contradiction]) -> list[Disagreement]:
    found = {kind: Disagreement(what, 0, 0, 0) for kind, what in CONTRADICTIONS.items()}
    for contradiction in contradictions:
        what, times, rows, dropped = found[contradiction.kind]
        found[contradiction.kind] = Disagreement(
            what, times + 1, rows + len(contradiction.rows), dropped + contradiction.dropped
        )
    return list(found.values())


def _pair(shown: Shown) -> Pair:
    return Pair(shown.title, _told(shown.left), _told(shown.right), shown.stretches, shown.rows)


def _told(place: Place) -> str:
    return f"{place.path}:{place.line}"
