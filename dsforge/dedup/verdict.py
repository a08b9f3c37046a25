"""Which row stands for which: the verdicts on collected rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dsforge.similarity.cluster import Match, known_matches, star_clusters
from dsforge.similarity.collect import Collected
from dsforge.similarity.lsh import buckets


@dataclass(frozen=True)
class Verdicts:
    """`kept[r]` is the row kept in place of row r, which may be itself; `similarity` is that of near-duplicates.

    A row that is another's exact copy stands for the same kept row, with the same similarity.
    """

    kept: list[int]
    similarity: dict[int, float]


def judge(rows: Collected, threshold: float, values: Sequence[float] | None = None) -> Verdicts:
    """Star clusters of the rows: each that goes reaches the threshold with one that is kept and is worth no less.

    `values` are those of the rows, of equal ones the first is kept. The known rows are kept in any case.
    """
    best = _best_copies(rows, values)
    matches: list[Match] = []
    if rows.sketches is not None:
        rank = [-values[row] for row in best] if values is not None else None
        matches = star_clusters(
            buckets(rows.sketches.keys()), rows.sketches, threshold, rank=rank, known=rows.known_documents
        )
    return _of_rows(rows, best, matches)


def judge_by_known(rows: Collected, threshold: float) -> Verdicts:
    """Each row that a known one is alike stands for that; what the others are to one another does not matter."""
    matches: list[Match] = []
    if rows.sketches is not None:
        matches = known_matches(buckets(rows.sketches.keys()), rows.sketches, threshold, rows.known_documents)
    found = _of_rows(rows, rows.document_row, matches)
    kept = [of if of < rows.known else row for row, of in enumerate(found.kept)]
    return Verdicts(kept, found.similarity)


def _best_copies(rows: Collected, values: Sequence[float] | None) -> Sequence[int]:
    """Of each document, the row worth most: the first, where they are equal."""
    if values is None:
        return rows.document_row
    best = rows.document_row[:]
    for row, document in enumerate(rows.document):
        if values[row] > values[best[document]]:
            best[document] = row
    return best


def _of_rows(rows: Collected, best: Sequence[int], matches: Sequence[Match]) -> Verdicts:
    """What is true of documents, told of rows."""
    stands_for = list(range(len(best)))
    alike = [math.nan] * len(best)
    for match in matches:
        stands_for[match.removed], alike[match.removed] = match.kept, match.similarity
    kept = [row if row < rows.known else best[stands_for[document]] for row, document in enumerate(rows.document)]
    similarity = {
        row: alike[document] for row, document in enumerate(rows.document) if stands_for[document] != document
    }
    return Verdicts(kept, similarity)
