"""Near-duplicates by meaning: what `dsforge.similarity.semantic` finds among collected rows."""

from __future__ import annotations

import numpy as np

from dsforge.dedup.comparison import Comparison
from dsforge.similarity.cluster import Match
from dsforge.similarity.collect import Collected
from dsforge.similarity.compared import Compared, compared
from dsforge.similarity.embed import Embedder
from dsforge.similarity.semantic import semantic_matches
from dsforge.similarity.shingle import F64


def find_semantic(rows: Collected, comparison: Comparison, embedder: Embedder, ranks: F64 | None = None) -> list[Match]:
    """The matches among the documents of the rows, as `find_matches` of `dsforge.similarity.stages` gives them.

    What the user should know of the texts is added to the notices.

    Raises:
        ServiceError: a server gives no embeddings.
    """
    documents = _Documents(rows, comparison)
    numbers = documents.numbers
    matches = semantic_matches(
        documents,
        [documents.compared(at).guard for at in range(len(documents))],
        embedder,
        comparison.threshold,
        rank=None if ranks is None else ranks[numbers].tolist(),
        known=int(np.searchsorted(numbers, rows.known_documents)),
    )
    rows.notices += embedder.notices()
    return [Match(int(numbers[match.removed]), int(numbers[match.kept]), match.similarity) for match in matches]


class _Documents:
    """The parts of each document, decoded once more from the first row that has it."""

    def __init__(self, rows: Collected, comparison: Comparison) -> None:
        self._rows, self._comparison = rows, comparison
        self.numbers = np.flatnonzero(rows.are_first)

    def __len__(self) -> int:
        return len(self.numbers)

    def compared(self, at: int) -> Compared:
        """What is compared of the document at a place among those that differ."""
        example = self._rows.example(int(self._rows.document_row[self.numbers[at]]))
        return compared(example, self._comparison.on, self._comparison.clean)

    def __getitem__(self, at: int) -> tuple[bytes, bytes, bytes]:
        return self.compared(at).parts
