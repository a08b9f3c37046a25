"""What a deduplication did, row by row."""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias

import msgspec

from dsforge.dedup.difference import Stretch


class Place(msgspec.Struct, frozen=True):
    """A row of a file; rows and lines count from 1."""

    path: str
    row: int
    line: int


class Removed(msgspec.Struct, frozen=True):
    """A removed row, the row that is kept in its place, and how alike they are (1.0 for an exact copy).

    Rows and lines count from 1 within their file. `similarity` is the exact Jaccard similarity of the
    shingle sets, the least over the compared parts. `against` says that the kept row is one of `--against` or
    of the index.
    """

    path: str
    row: int
    line: int
    kept_path: str
    kept_row: int
    kept_line: int
    similarity: float
    exact: bool
    against: bool = False


class InLsh(msgspec.Struct, frozen=True):
    """A row removed because an LSH holds it already: under which key, and how alike the two are by estimate."""

    path: str
    row: int
    line: int
    key: str
    estimate: float

    @property
    def there(self) -> str:
        """Where that row stood when dsforge added it, or the key that it has of others."""
        return self.key.partition("#dsforge:")[0]


ContradictionKind: TypeAlias = Literal["swapped", "labels", "answers"]
CONTRADICTIONS: dict[ContradictionKind, str] = {
    "swapped": "one prefers what the other rejects",
    "labels": "one answer is labelled true and false",
    "answers": "one question has several answers",
}


class Contradiction(msgspec.Struct, frozen=True):
    """Kept rows that ask the same and contradict one another; `dropped` are those taken out for it."""

    kind: ContradictionKind
    rows: list[Place]
    dropped: int = 0


class Shown(msgspec.Struct, frozen=True):
    """Two rows side by side. `title` says what they are to one another, `rows` how many there are in all."""

    title: str
    left: Place
    right: Place
    stretches: list[Stretch]
    rows: int = 2


class DedupResult(msgspec.Struct):
    """Counts and verdicts.

    Conservation: rows_in = rows_out + rows_rejected + exact_duplicates + near_duplicates + against_duplicates +
    lsh_duplicates + contradictory. `indexed` is how many rows the index has now, `lsh_rows` how many the `lsh` has.
    `shown` and `shown_contradictions` are as many clusters and contradictions as were asked for.
    """

    rows_in: int
    rows_out: int
    rows_rejected: int
    threshold: float
    removed: list[Removed] = []
    in_lsh: list[InLsh] = []
    contradictions: list[Contradiction] = []
    contradictory: int = 0
    shown: list[Shown] = []
    shown_contradictions: list[Shown] = []
    indexed: int = 0
    lsh: str = ""
    lsh_rows: int = 0
    first_reject: str = ""
    notices: list[str] = []

    @property
    def exact_duplicates(self) -> int:
        """Rows removed because another of the input is the same but for what does not count."""
        return sum(1 for removed in self.removed if removed.exact and not removed.against)

    @property
    def near_duplicates(self) -> int:
        """Rows removed because they reach the threshold with a kept row of the input."""
        return sum(1 for removed in self.removed if not removed.exact and not removed.against)

    @property
    def against_duplicates(self) -> int:
        """Rows removed because a row of `--against` or of the index is the same or reaches the threshold."""
        return sum(1 for removed in self.removed if removed.against)

    @property
    def lsh_duplicates(self) -> int:
        """Rows removed because the LSH holds them already, by estimate."""
        return len(self.in_lsh)

    @property
    def clusters(self) -> int:
        """Kept rows in whose place at least one other was removed."""
        return len({(removed.kept_path, removed.kept_row) for removed in self.removed})

    @property
    def contradiction_counts(self) -> dict[str, int]:
        """Contradictions by kind."""
        found = Counter(contradiction.kind for contradiction in self.contradictions)
        return {kind: found[kind] for kind in CONTRADICTIONS}


class CheckResult(msgspec.Struct):
    """What a check found: rows of the input that stand in held-out files, or hold items of a benchmark.

    Conservation: rows_in = rows_out + rows_rejected + rows found. `unread` rows of the other files could not be read.
    """

    rows_in: int
    rows_out: int
    rows_rejected: int
    other_rows: int
    unread: int = 0
    first_reject: str = ""
    notices: list[str] = []


class LeakResult(CheckResult):
    """`leaks` are the rows that leak; what is kept in their place is the held-out row."""

    leaks: list[Removed] = []
    shown: list[Shown] = []


class Contaminated(msgspec.Struct, frozen=True):
    """A row that holds an item of a benchmark: the share of the item's n-grams in it, and the stretch of the row."""

    path: str
    row: int
    line: int
    item_path: str
    item_row: int
    share: float
    stretch: str


class ContaminationResult(CheckResult):
    """`contaminated` are the rows that hold an item."""

    contaminated: list[Contaminated] = []
