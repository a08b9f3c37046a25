"""Removes exact copies and near-duplicates; of each cluster the first row is kept."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dsforge.dedup.result import DedupResult, Removed
from dsforge.errors import UsageError, did_you_mean
from dsforge.io.expand import expand_sources
from dsforge.io.rejects import rejects_path
from dsforge.io.together import check_outputs, rows_together
from dsforge.similarity.cluster import star_clusters
from dsforge.similarity.collect import Collected, check_sources
from dsforge.similarity.compared import ON, On
from dsforge.similarity.lsh import buckets, choose_banding

THRESHOLD = 0.8
LEAST_THRESHOLD = 0.3
"""Below it nearly every pair becomes a candidate, and unrelated texts reach it by chance."""


def check_options(on: str, threshold: float) -> None:
    """Raise UsageError for a part or a threshold that does not exist."""
    if on not in ON:
        raise UsageError(f"--on {on!r} is not something to compare{did_you_mean(on, ON)}")
    if not LEAST_THRESHOLD <= threshold <= 1:
        raise UsageError(f"--threshold {threshold} is out of range: give a number from {LEAST_THRESHOLD} to 1")


def dedup(
    sources: list[str],
    output: str | Path,
    *,
    on: On = "conversation",
    threshold: float = THRESHOLD,
    exact: bool = False,
    clusters: str | Path | None = None,
    rejects: str | Path | None = None,
    format_name: str = "auto",
    workers: int = 1,
) -> DedupResult:
    """Write the rows of `sources`, taken for one dataset, without duplicates to `output`.

    Rows keep their bytes and their order. `on` is what is compared (see `dsforge.similarity.compared`);
    `exact` removes only exact copies. `clusters` gets one line for each removed row (`Removed`), `rejects` the
    rows that could not be decoded. The result depends neither on `workers` nor on chance.

    Raises:
        UsageError: an option out of range, or an output that is an input.
        InputError, OutputError: a file that cannot be read or written.
    """
    check_options(on, threshold)
    sources = expand_sources(map(str, sources))
    rejects = rejects or rejects_path(output)
    check_sources(sources, format_name)
    check_outputs(sources, [output, rejects, *([clusters] if clusters else [])])
    with Collected(on, None if exact else choose_banding(threshold), workers) as rows:
        for source in sources:
            rows.read(source, format_name)
        kept, similarity = _verdicts(rows, threshold)
        result = DedupResult(
            rows_in=rows.rows_in,
            rows_out=sum(1 for row, of in enumerate(kept) if row == of),
            rows_rejected=len(rows.rejects),
            threshold=threshold,
            removed=[_removed(rows, row, of, similarity.get(row)) for row, of in enumerate(kept) if row != of],
            first_reject=rows.rejects[0].reason if rows.rejects else "",
            notices=rows.notices,
        )
        if result.rows_in != result.rows_out + result.rows_rejected + len(result.removed):
            raise AssertionError(f"conservation broken: {result}")
        _write(rows, kept, result, output, clusters, rejects)
    return result


def _verdicts(rows: Collected, threshold: float) -> tuple[list[int], dict[int, float]]:
    """`(kept, similarity)`: the row kept in place of each row (itself, or another), and that of near-duplicates.

    An exact copy of a row that is itself removed as a near-duplicate goes with it: it stands for the same kept row,
    with the same similarity.
    """
    kept = list(rows.original)
    similarity: dict[int, float] = {}
    if rows.sketches is None:
        return kept, similarity
    near: dict[int, int] = {}
    for match in star_clusters(buckets(rows.sketches.keys()), rows.sketches, threshold):
        row = rows.document_row[match.removed]
        near[row], similarity[row] = rows.document_row[match.kept], match.similarity
    for row, original in enumerate(rows.original):
        if original in near:
            kept[row], similarity[row] = near[original], similarity[original]
    return kept, similarity


def _removed(rows: Collected, row: int, kept: int, similarity: float | None) -> Removed:
    place, of = rows.place(row), rows.place(kept)
    exact = similarity is None
    return Removed(*place, *of, 1.0 if similarity is None else similarity, exact)


def _write(
    rows: Collected, kept: list[int], result: DedupResult, output: str | Path,
    clusters: str | Path | None, rejects: str | Path,
) -> None:  # fmt: skip
    paths = [output, *([clusters] if clusters else []), *([rejects] if rows.rejects else [])]
    with rows_together(paths) as files:
        for row, of in enumerate(kept):
            if row == of:
                files[0].write(rows.raw(row))
        if clusters:
            for removed in result.removed:
                files[1].write(msgspec.json.encode(removed))
        if rows.rejects:
            for reject in rows.rejects:
                files[-1].write(reject.to_json())
    result.notices += [notice for file in files for notice in file.notices]
    if not rows.rejects and "-" not in (str(rejects), str(output)):
        Path(rejects).unlink(missing_ok=True)  # one of an earlier run would tell of rows that are fine now
