"""How rows are compared, asked for once and checked before the work."""

from __future__ import annotations

from dataclasses import dataclass

from dsforge.errors import UsageError
from dsforge.similarity.collect import Reading
from dsforge.similarity.compared import On, parts_of
from dsforge.similarity.key import DEFAULT_STEPS, Clean, cleaner
from dsforge.similarity.lsh import MISS, Banding, choose_banding
from dsforge.similarity.shingle import CHARACTERS, Shingling

THRESHOLD = 0.8
LEAST_THRESHOLD = 0.3
"""Below it nearly every pair becomes a candidate, and unrelated texts reach it by chance."""


@dataclass(frozen=True)
class Comparison:
    """What is compared (`on`), from which similarity on rows are near-duplicates, and what does not count in a text.

    `exact` looks for exact copies alone. Of the pairs right at the threshold, the share `miss` may be overlooked. With
    the name of a model, near-duplicates are `semantic`: the threshold is that of a cosine (see
    `dsforge.similarity.semantic`).

    Raises:
        UsageError: a part, a threshold or a step of `normalise` that does not exist.
    """

    on: On = "conversation"
    threshold: float = THRESHOLD
    exact: bool = False
    normalise: tuple[str, ...] = DEFAULT_STEPS
    miss: float = MISS
    shingling: Shingling = CHARACTERS
    semantic: str = ""

    def __post_init__(self) -> None:
        parts_of(self.on)
        if self.exact and self.semantic:
            raise UsageError("--exact looks for copies alone, --semantic for the same in other words: leave out one")
        if not LEAST_THRESHOLD <= self.threshold <= 1:
            raise UsageError(f"--threshold {self.threshold} is out of range: give a number from {LEAST_THRESHOLD} to 1")
        cleaner(self.normalise)

    @property
    def clean(self) -> Clean:
        """Takes out of a text what does not count."""
        return cleaner(self.normalise)

    @property
    def banding(self) -> Banding | None:
        """The bands in which candidates meet, None where only exact copies are looked for, or meaning counts."""
        return None if self.exact or self.semantic else choose_banding(self.threshold, self.miss)

    @property
    def in_words(self) -> dict[str, str]:
        """How rows are compared, by option, in words that are equal where it is the same."""
        return {
            "--on": ",".join(sorted(parts_of(self.on))) or self.on,
            "--normalise": ",".join(sorted(self.normalise)) or "none",
            "--shingles": str(self.shingling),
            "--threshold": "--exact" if self.exact else str(self.threshold),
        }

    def reading(self, format_name: str) -> Reading:
        """How rows are read to be compared so."""
        return Reading(self.on, self.normalise, self.banding, self.shingling, format_name)
