"""Removes exact copies and near-duplicates, and keeps of each cluster the row that is preferred."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from dsforge import __version__
from dsforge.dedup.clusters import members, place, removed, shown_clusters, side_by_side
from dsforge.dedup.comparison import LEAST_THRESHOLD, THRESHOLD, Comparison
from dsforge.dedup.contradictions import Conflict, conflicts
from dsforge.dedup.keep import Keep, parse_keep, values_of
from dsforge.dedup.lsh import Lsh, find_held, lsh_files, open_lsh
from dsforge.dedup.output import Outputs, check_apart
from dsforge.dedup.result import CONTRADICTIONS, Contradiction, DedupResult, InLsh, Shown
from dsforge.dedup.verdict import Verdicts, judge
from dsforge.engine.chunks import plan_identity, read_once
from dsforge.engine.engine import Engine
from dsforge.engine.plan import work_folder
from dsforge.errors import UsageError
from dsforge.io.atomic import is_special
from dsforge.io.expand import expand_sources
from dsforge.similarity.collect import Collected, check_sources
from dsforge.similarity.compared import On
from dsforge.similarity.embed import open_embedder
from dsforge.similarity.index import Index
from dsforge.similarity.key import DEFAULT_STEPS
from dsforge.similarity.shingle import F64, I64, parse_shingling

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
    index: str | Path | None = None,
    lsh: str | Path | None = None,
    drop_contradictions: bool = False,
    clusters: str | Path | None = None,
    show: int = 0,
    rejects: str | Path | None = None,
    format_name: str = "auto",
    shingles: str = "characters",
    semantic: str = "",
    workers: int = 1,
    engine: str = "local",
    partitions: int = 0,
) -> DedupResult:
    """Write the rows of `sources`, taken for one dataset, without duplicates to `output`.

    Rows keep their bytes and their order. `on` is what is compared (see `dsforge.similarity.compared`), `normalise`
    what does not count in it, `shingles` how texts are cut (see `dsforge.similarity.shingle`); `exact` removes only
    exact copies; `semantic` names a model by whose embeddings rows are near-duplicates instead (see
    `dsforge.similarity.embed`). `keep` says which row of a cluster stays (see `dsforge.dedup.keep`). Rows that the
    files of `against` or the `index` hold already are removed too; the kept rows are added to the index (see
    `dsforge.similarity.index`). So it is with an `lsh` of datasketch, which can only estimate what it holds (see
    `dsforge.dedup.lsh`).

    `clusters` gets a line for each row of each cluster (`Member`), `rejects` the rows that could not be decoded; `show`
    clusters and as many contradictions stand side by side in the result. The work is done by `workers` processes, or
    by Ray, in so many `partitions` (see `Engine`); the result depends neither on these nor on chance. A script that
    asks for several workers has its own work under `if __name__ == "__main__":`, as these may import it.

    Raises:
        UsageError: an option that does not exist or is out of range, an output that is an input, a field of `keep`
            that no row has.
        InputError, OutputError: a file that cannot be read or written.
        ServiceError: Redis failed, where it has the LSH.
    """
    shingling = parse_shingling(shingles)
    comparison = Comparison(on, threshold, exact, tuple(normalise), shingling=shingling, semantic=semantic)
    if semantic and index:
        raise UsageError("--index keeps what shingles are found by, not embeddings: leave out --semantic or --index")
    embedder = open_embedder(semantic) if semantic else None
    runs = Engine(engine, workers, partitions)
    preference = parse_keep(keep) if isinstance(keep, str) else keep
    sources, others = expand_sources(map(str, sources)), expand_sources(map(str, against))
    check_apart(sources, others)
    check_sources([*others, *sources], format_name)
    outputs = Outputs(output, rejects, clusters)
    outputs.check([*sources, *others], lsh_files(str(lsh)) if lsh else ())
    with ExitStack() as stack:
        there = stack.enter_context(Index(index, comparison.in_words, comparison.banding)) if index else None
        known_lsh = stack.enter_context(open_lsh(str(lsh), comparison)) if lsh else None
        files = _Files(sources, others, there, known_lsh, output)
        rows = stack.enter_context(_collected(files, comparison, format_name, preference, runs))
        unread = _read_known(rows, files)
        rows.read(sources, preference.see if preference else None)
        values = values_of(rows, preference) if preference else None
        held = find_held(known_lsh, rows, threshold) if known_lsh is not None else []
        verdicts = judge(rows, comparison, values, embedder, held)
        kept = _kept_rows(rows, verdicts)
        dropping = _find_conflicts(rows, kept, values, drop_contradictions)
        if dropping.rows:
            kept = kept[~np.isin(kept, list(dropping.rows))]
        result = _result(rows, verdicts, len(kept), dropping, threshold)
        result.notices += unread
        result.shown = [*shown_clusters(rows, verdicts, show)]
        result.shown_contradictions = [*_shown_conflicts(rows, dropping.found, show)]
        lines = map(msgspec.json.encode, members(rows, verdicts, comparison))
        result.notices += outputs.write(rows, kept, lines)
        if known_lsh is not None:
            known_lsh.add(rows, kept)
            result.lsh, result.lsh_rows = known_lsh.name, len(known_lsh)
            result.notices += known_lsh.notices(threshold, held)
        if there is not None:  # last: a run that is killed before it finds the index as it was, and can be run again
            rows.put_into(there, kept)
            result.indexed = len(there)
    return result


@dataclass(frozen=True)
class _Files:
    """What is read, what it is compared with, and what is written."""

    sources: Sequence[str]
    others: Sequence[str]
    index: Index | None
    lsh: Lsh | None
    output: str | Path

    @property
    def identity(self) -> object:
        """What makes the plan the same plan."""
        index = self.index.identity if self.index is not None else None
        lsh = self.lsh.name if self.lsh is not None else None
        return (plan_identity([*self.others, *self.sources]), len(self.others), index, lsh)

    @property
    def last(self) -> bool:
        """Whether they are there to be read and written once more."""
        passing = str(self.output) == "-" or is_special(Path(self.output))
        return not (passing or any(map(read_once, [*self.others, *self.sources])))


@contextmanager
def _collected(
    files: _Files, comparison: Comparison, format_name: str, keep: Keep | None, engine: Engine
) -> Iterator[Collected]:
    """Where rows are collected: beside the output, so that a run that is killed goes on where it stopped."""
    preference = (keep.name, sorted((keep.findings or {}).items())) if keep else ""
    plan = ("dedup", __version__, files.identity, comparison, format_name, preference, engine.partitions)
    with work_folder(files.output, plan, files.last) as folder, engine:
        yield Collected(comparison.reading(format_name), folder, engine)


def _read_known(rows: Collected, files: _Files) -> list[str]:
    """Take in the rows to compare with; what the user should know of those that could not be read."""
    if files.index is not None:
        rows.read_index(files.index)
    rows.read(files.others)
    unread = rows.make_known()
    told = f"{', '.join(files.others)}: rows that could not be read, and so were not compared with: {unread:,}"
    return [told] if unread else []


def _kept_rows(rows: Collected, verdicts: Verdicts) -> I64:
    numbers = np.arange(len(rows))
    kept: I64 = numbers[(verdicts.kept == numbers) & (numbers >= rows.known)]
    return np.setdiff1d(kept, list(verdicts.held), assume_unique=True)


def _removed_rows(rows: Collected, verdicts: Verdicts) -> I64:
    numbers = np.arange(len(rows))
    gone: I64 = numbers[(verdicts.kept != numbers) & (numbers >= rows.known)]
    return gone


@dataclass
class _Dropping:
    """Contradictions, and the rows that are taken out for them."""

    found: list[Conflict]
    rows: set[int] = field(default_factory=set)


def _find_conflicts(rows: Collected, kept: I64, values: F64 | None, drop: bool) -> _Dropping:
    found = conflicts(rows, kept)
    dropped = {row for conflict in found for row in conflict.to_drop(values)} if drop else set()
    return _Dropping(found, dropped)


def _shown_conflicts(rows: Collected, found: Sequence[Conflict], count: int) -> Iterator[Shown]:
    for conflict in islice(found, count):
        left, right, *_ = conflict.rows
        yield side_by_side(rows, CONTRADICTIONS[conflict.kind], left, right, len(conflict.rows))


def _result(rows: Collected, verdicts: Verdicts, rows_out: int, dropping: _Dropping, threshold: float) -> DedupResult:
    gone = [
        removed(rows, row, int(verdicts.kept[row]), verdicts.similarity.get(row))
        for row in _removed_rows(rows, verdicts).tolist()
    ]
    result = DedupResult(
        rows_in=rows.rows_in,
        rows_out=rows_out,
        rows_rejected=len(rows.rejects),
        threshold=threshold,
        removed=gone,
        in_lsh=[InLsh(*rows.place(row), held.key, held.similarity) for row, held in verdicts.held.items()],
        contradictions=[
            Contradiction(conflict.kind, [place(rows, row) for row in conflict.rows],
                          sum(row in dropping.rows for row in conflict.rows))
            for conflict in dropping.found
        ],
        contradictory=len(dropping.rows),
        first_reject=rows.first_reject,
        notices=rows.notices,
    )  # fmt: skip
    gone_for = len(gone) + result.lsh_duplicates + result.contradictory
    if result.rows_in != result.rows_out + result.rows_rejected + gone_for:
        raise AssertionError(f"conservation broken: {result}")
    return result
