"""Which row stands for which: the verdicts on collected rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dsforge.dedup.comparison import Comparison
from dsforge.dedup.lsh import Held
from dsforge.dedup.semantic import find_semantic
from dsforge.similarity.cluster import Match
from dsforge.similarity.collect import Collected
from dsforge.similarity.embed import Embedder
from dsforge.similarity.shingle import F64, I64
from dsforge.similarity.stages import find_matches


@dataclass(frozen=True)
class Verdicts:
    """`kept[r]` is the row kept in place of row r, which may be itself; `similarity` is that of near-duplicates.

    A row that is another's exact copy stands for the same kept row, with the same similarity. Rows that are `held` go
    too, for what an LSH knows; they stand for themselves.
    """

    kept: I64
    similarity: dict[int, float]
    held: dict[int, Held] = field(default_factory=dict)


def judge(
    rows: Collected,
    comparison: Comparison,
    values: F64 | None = None,
    embedder: Embedder | None = None,
    held: Sequence[Held] = (),
) -> Verdicts:
    """Star clusters of the rows: each that goes reaches the threshold with one that is kept and is worth no less.

    `values` are those of the rows, of equal ones the first is kept. The known rows are kept in any case.
    With an `embedder` it is the cosine that reaches the threshold. Rows of documents that an LSH has `held` already
    are out of question: none is removed for their sake.
    """
    best = _best_copies(rows, values)
    matches: list[Match] = []
    ranks = -np.array(values)[best] if values is not None else None
    if embedder is not None:
        matches = find_semantic(rows, comparison, embedder, ranks)
    elif not comparison.exact:
        matches = find_matches(rows, "stars", comparison.threshold, ranks, [each.document for each in held])
    verdicts = _of_rows(rows, best, matches)
    return _but_held(rows, verdicts, {each.document: each for each in held}) if held else verdicts


def judge_by_known(rows: Collected, threshold: float) -> Verdicts:
    """Each row that a known one is alike stands for that; what the others are to one another does not matter."""
    matches: list[Match] = []
    if rows.reading.banding is not None:
        matches = find_matches(rows, "known", threshold)
    found = _of_rows(rows, rows.document_row, matches)
    kept = np.where(found.kept < rows.known, found.kept, np.arange(len(rows)))
    return Verdicts(kept, found.similarity)


def _but_held(rows: Collected, verdicts: Verdicts, held: dict[int, Held]) -> Verdicts:
    """The verdicts, with the rows of the documents held set apart."""
    gone = np.flatnonzero(np.isin(rows.document, list(held)))
    kept = verdicts.kept.copy()
    kept[gone] = gone
    by_row = {row: held[document] for row, document in zip(gone.tolist(), rows.document[gone].tolist(), strict=True)}
    return Verdicts(kept, verdicts.similarity, by_row)


def _best_copies(rows: Collected, values: F64 | None) -> I64:
    """Of each document, the row worth most: the first, where they are equal."""
    best = rows.document_row
    if values is not None:
        best = best.copy()
        order = np.lexsort((-np.arange(len(rows)), np.array(values)))  # the last of each document is the best
        best[rows.document[order]] = order
    return best


def _of_rows(rows: Collected, best: I64, matches: Sequence[Match]) -> Verdicts:
    """What is true of documents, told of rows."""
    stands_for = np.arange(len(best))
    alike = np.full(len(best), np.nan)
    for match in matches:
        stands_for[match.removed], alike[match.removed] = match.kept, match.similarity
    kept = best[stands_for[rows.document]]
    kept[: rows.known] = np.arange(rows.known)
    similar = np.flatnonzero(stands_for[rows.document] != rows.document)
    similarity = dict(zip(similar.tolist(), alike[rows.document[similar]].tolist(), strict=True))
    return Verdicts(kept, similarity)
