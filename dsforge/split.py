"""Train and validation files that share no near-duplicates."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from dsforge.engine.engine import Engine
from dsforge.errors import InputError, UsageError
from dsforge.example import JSON, Example, at_path
from dsforge.io.arrays import temporary_folder
from dsforge.io.expand import expand_sources
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import rejects_path
from dsforge.io.rows import Row
from dsforge.io.together import check_outputs, rows_together
from dsforge.similarity.cluster import Groups
from dsforge.similarity.collect import Collected, Reading, check_sources
from dsforge.similarity.lsh import choose_banding
from dsforge.similarity.stages import find_matches

THRESHOLD = 0.8
MISS = 1e-6
"""Share of the pairs right at the threshold that the bands may miss: 32 bands of 4 rows miss 5e-8."""
UNCATEGORISED = "(none)"

Group: TypeAlias = "list[int]"


class CategoryCount(msgspec.Struct, frozen=True):
    """Rows of one category on each side."""

    train: int
    validation: int


class SplitResult(msgspec.Struct):
    """What a split did. Conservation: rows_in = train_rows + validation_rows + rows_rejected.

    `ratio` is the true share of train; `groups` counts the groups of two or more rows that were kept on
    one side, `grouped_rows` the rows in them, `largest_group` the rows of the largest.
    """

    rows_in: int
    train_rows: int
    validation_rows: int
    rows_rejected: int
    ratio: float
    wanted_ratio: float
    seed: int
    groups: int
    grouped_rows: int
    largest_group: int
    categories: dict[str, CategoryCount]
    first_reject: str = ""
    notices: list[str] = []


def split(
    sources: list[str],
    train: str | Path,
    validation: str | Path,
    *,
    ratio: float = 0.8,
    seed: int = 42,
    rejects: str | Path | None = None,
    by: str = "",
    together: str = "",
    format_name: str = "auto",
    workers: int = 1,
    engine: str = "local",
    partitions: int = 0,
) -> SplitResult:
    """Write `ratio` of the rows of `sources`, taken for one dataset, to `train` and the rest to `validation`.

    Rows whose prompts are near-duplicates (verified, Jaccard similarity 0.8), whatever their answers and
    system prompts, stay on one side, and so does everything connected through such pairs, and rows of the same value
    in the field `together` (that of a conversation or a document, as `meta.source_id`). Categories, those of the field
    `by`, are spread in proportion as far as the groups allow. Rows keep their bytes and, on each side, their order. The
    same rows and seed give the same files.

    Raises:
        UsageError: an option out of range, a field that no row has, or an output that is an input.
        InputError: a file that cannot be read as rows, or rows that cannot be parted.
        OutputError: a file that cannot be written.
    """
    if not 0 < ratio < 1:
        raise UsageError(f"--ratio {ratio} is out of range: give the share of train, between 0 and 1, for example 0.8")
    sources = expand_sources(map(str, sources))
    if "-" in (str(train), str(validation)):
        raise UsageError("a split makes two files: name them, - (standard output) takes only one")
    rejects = rejects or rejects_path(train)
    check_sources(sources, format_name)
    check_outputs(sources, [train, validation, rejects])
    reading = Reading("prompt", banding=choose_banding(THRESHOLD, MISS), format_name=format_name)
    with temporary_folder() as folder, Engine(engine, workers, partitions) as runs:
        rows = Collected(reading, folder, runs)
        rows.read(sources, partial(_see, by, together))
        notes = rows.notes()
        categories = [category for category, _ in notes]
        _check_fields(rows, notes, by, together)
        groups = _groups(rows, [name for _, name in notes])
        chosen = choose_validation(groups, categories, ratio, seed)
        if not chosen or len(chosen) == len(rows):
            raise InputError(_unsplittable(sources, rows, groups))
        result = _result(rows, groups, categories, chosen, ratio, seed)
        result.notices += _write(rows, chosen, train, validation, rejects)
    return result


def _see(by: str, together: str, path: str, row: Row, example: Example) -> tuple[str, str]:
    """The category of a row, and the name of the group that it belongs to, "" where it says none."""
    category = at_path(row.value, by.split(".")) if by else example.meta.get("category")
    group = at_path(row.value, together.split(".")) if together else None
    return _written(category) or UNCATEGORISED, _written(group)


def _written(value: JSON) -> str:
    return value if isinstance(value, str) else "" if value is None else dumps(value).decode()


def _check_fields(rows: Collected, notes: Sequence[tuple[str, str]], by: str, together: str) -> None:
    """Tell of rows without the field that is to part them.

    Raises:
        UsageError: no row has it.
    """
    for option, field, lacking in (
        ("--by", by, [category == UNCATEGORISED for category, _ in notes]),
        ("--together", together, [not name for _, name in notes]),
    ):
        if field and notes and all(lacking):
            raise UsageError(f"{option} {field}: no row has this field; check its name")
        if field and any(lacking):
            first = rows.place(lacking.index(True))
            what = "count as one category" if option == "--by" else "belong to no group"
            rows.notices.append(
                f"{option} {field}: {sum(lacking):,} of {len(notes):,} rows lack it and {what} "
                f"(the first: {first.path}:{first.line})"
            )


def _groups(rows: Collected, names: Sequence[str]) -> list[Group]:
    """Rows that have to stay together, by first row."""
    together = Groups(range(len(rows)))
    for match in find_matches(rows, "groups", THRESHOLD):
        together.join(*rows.document_row[[match.removed, match.kept]].tolist())
    for row, original in enumerate(rows.original.tolist()):
        together.join(row, original)
    first_named: dict[str, int] = {}
    for row, name in enumerate(names):
        if name:
            together.join(row, first_named.setdefault(name, row))
    return together.members()


def quotas(counts: Mapping[str, int], share: float) -> Counter[str]:
    """How many rows of each category make up `share` of all: largest remainders, at least one row on each side."""
    total = sum(counts.values())
    wanted = min(max(round(total * share), 1), total - 1)
    exact = {category: count * wanted / total for category, count in counts.items()}
    result = Counter({category: int(value) for category, value in exact.items()})
    by_remainder = sorted(exact, key=lambda category: (result[category] - exact[category], category))
    for category in by_remainder[: wanted - result.total()]:
        result[category] += 1
    return result


def _shortfall(wanted: Counter[str], counts: Counter[str]) -> int:
    """By how many rows the distance to the quotas shrinks when rows of these categories are added."""
    return sum(abs(wanted[category]) - abs(wanted[category] - count) for category, count in counts.items())


def choose_validation(groups: Sequence[Group], categories: Sequence[str], ratio: float, seed: int) -> set[int]:
    """The rows for validation: whole groups, each category near its share.

    Groups are drawn in a random order and taken where they fit the quotas; a second round takes those that
    do not fit but bring the counts nearer, a third fills up to the total whatever the category.
    """
    if len(groups) < 2:
        return set()
    wanted = quotas(Counter(categories), 1 - ratio)
    order = list(groups)
    random.Random(seed).shuffle(order)  # noqa: S311 - a reproducible draw, nothing secret
    chosen: set[int] = set()
    left = []
    for group in order:
        counts = Counter(categories[row] for row in group)
        if all(count <= wanted[category] for category, count in counts.items()):
            chosen.update(group)
            wanted.subtract(counts)
        else:
            left.append((group, counts))
    for group, counts in left:
        if wanted.total() > 0 and _shortfall(wanted, counts) > 0:
            chosen.update(group)
            wanted.subtract(counts)
    for group, counts in left:
        if len(group) <= wanted.total() and chosen.isdisjoint(group):
            chosen.update(group)
            wanted.subtract(counts)
    if not chosen:  # every group is far larger than the share: the smallest is the least wrong
        smallest: Group = min(order, key=len)
        chosen.update(smallest)
    return chosen


def _unsplittable(sources: list[str], rows: Collected, groups: Sequence[Group]) -> str:
    names = ", ".join(sources)
    if len(rows) == 0:
        return (
            f"{names}: none of the {rows.rows_in} rows can be decoded (see dsforge lint), so there is nothing to split"
        )
    if len(rows) == 1:
        return f"{names}: one row cannot be split in two files"
    return f"{names}: the {len(rows)} rows are near-duplicates of one another, so they cannot be put on two sides"


def _result(
    rows: Collected, groups: Sequence[Group], categories: Sequence[str], chosen: set[int], ratio: float, seed: int
) -> SplitResult:
    together = [len(group) for group in groups if len(group) > 1]
    total, held_out = Counter(categories), Counter(categories[row] for row in chosen)
    return SplitResult(
        rows_in=rows.rows_in,
        train_rows=len(rows) - len(chosen),
        validation_rows=len(chosen),
        rows_rejected=len(rows.rejects),
        ratio=round(1 - len(chosen) / len(rows), 4),
        wanted_ratio=ratio,
        seed=seed,
        groups=len(together),
        grouped_rows=sum(together),
        largest_group=max(together, default=1),
        categories={
            category: CategoryCount(total[category] - held_out[category], held_out[category])
            for category in sorted(total)
        },
        first_reject=rows.rejects[0].reason if rows.rejects else "",
        notices=rows.notices,
    )


def _write(
    rows: Collected, chosen: set[int], train: str | Path, validation: str | Path, rejects: str | Path
) -> list[str]:
    """Write the two sides and the rejects; what the user should know of them."""
    with rows_together([train, validation, *([rejects] if rows.rejects else [])]) as files:
        held_out = np.array(sorted(chosen), dtype=np.int64)
        sides = [np.setdiff1d(np.arange(len(rows)), held_out), held_out]
        for file, side in zip(files, sides, strict=False):  # a third is that of the rejects
            for lines in rows.lines(side):
                file.write_lines(lines)
        for reject in rows.rejects:
            files[2].write(reject.to_json())
    if not rows.rejects:
        Path(rejects).unlink(missing_ok=True)
    return [notice for file in files for notice in file.notices]
