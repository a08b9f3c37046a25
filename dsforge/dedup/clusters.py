"""The clusters, for a table and for the eye."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec
import numpy as np

from dsforge.dedup.comparison import Comparison
from dsforge.dedup.difference import compare, differing_words
from dsforge.dedup.result import Place, Removed, Shown
from dsforge.dedup.verdict import Verdicts
from dsforge.example import Example, Message
from dsforge.similarity.collect import Collected
from dsforge.similarity.compared import compared, message_text


class Member(msgspec.Struct, frozen=True):
    """A row of a cluster; clusters count from 1.

    `similarity` is that to the kept row, which comes first; `only_here` and `only_in_kept` are the words, as they are
    compared, that one of the two has more often.
    """

    cluster: int
    path: str
    row: int
    line: int
    kept: bool
    exact: bool
    similarity: float
    only_here: list[str] = []
    only_in_kept: list[str] = []


def clusters_of(verdicts: Verdicts) -> dict[int, list[int]]:
    """The rows removed for each kept row, both in the order of the rows."""
    found: dict[int, list[int]] = {}
    removed = np.flatnonzero(verdicts.kept != np.arange(len(verdicts.kept)))
    for row, kept in zip(removed.tolist(), verdicts.kept[removed].tolist(), strict=True):
        found.setdefault(kept, []).append(row)
    return dict(sorted(found.items()))


def place(rows: Collected, row: int) -> Place:
    """Where a row stands."""
    return Place(*rows.place(row))


def removed(rows: Collected, row: int, kept: int, similarity: float | None) -> Removed:
    """The verdict on a removed row; `similarity` is None for an exact copy."""
    of, exact = rows.place(kept), similarity is None
    return Removed(*rows.place(row), *of, 1.0 if similarity is None else similarity, exact, against=kept < rows.known)


def members(rows: Collected, verdicts: Verdicts, comparison: Comparison) -> Iterator[Member]:
    """Every row of every cluster, the kept one first."""
    for number, (kept, others) in enumerate(clusters_of(verdicts).items(), 1):
        kept_text = ""
        yield Member(number, *rows.place(kept), kept=True, exact=False, similarity=1.0)
        for row in others:
            similarity = verdicts.similarity.get(row)
            if similarity is None:
                yield Member(number, *rows.place(row), kept=False, exact=True, similarity=1.0)
                continue
            kept_text = kept_text or _compared_text(rows, kept, comparison)
            here, there = differing_words(_compared_text(rows, row, comparison), kept_text)
            yield Member(number, *rows.place(row), False, False, similarity, here, there)


def _compared_text(rows: Collected, row: int, comparison: Comparison) -> str:
    return compared(rows.example(row), comparison.on, comparison.clean).text


def shown_clusters(rows: Collected, verdicts: Verdicts, count: int) -> Iterator[Shown]:
    """The kept row and the least alike one of `count` clusters, those with near-duplicates first."""
    if not count:
        return
    by_need = sorted(clusters_of(verdicts).items(), key=lambda cluster: not _has_near(cluster[1], verdicts))
    for kept, others in islice(by_need, count):
        row = min(others, key=lambda other: verdicts.similarity.get(other, 2.0))
        similarity = verdicts.similarity.get(row)
        title = "exact copy" if similarity is None else f"{similarity:.2f} alike"
        yield side_by_side(rows, title, kept, row, len(others) + 1)


def _has_near(others: list[int], verdicts: Verdicts) -> bool:
    return any(row in verdicts.similarity for row in others)


def side_by_side(rows: Collected, title: str, left: int, right: int, count: int = 2) -> Shown:
    """Two rows with what differs between them."""
    stretches = compare(_full_text(rows.example(left)), _full_text(rows.example(right)))
    return Shown(title, place(rows, left), place(rows, right), stretches, count)


def _full_text(example: Example) -> str:
    """All that is said, each message under its role."""
    lines = [_line(message.role, message) for message in example.messages]
    for name, side in (("chosen", example.chosen), ("rejected", example.rejected)):
        lines += [_line(name, message) for message in side or ()]
    if example.label is not None:
        lines.append(f"label: {str(example.label).lower()}")
    return "\n".join(lines)


def _line(name: str, message: Message) -> str:
    media = "".join(f" [{media.kind} {media.url}]" for media in message.media)
    return f"{name}: {message_text(message)}{media}"
