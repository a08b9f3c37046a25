"""What a run of augment did, and what one would do."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """A request that was given up: the seed's row and line (from 1), which of its new rows, and why."""

    row: int
    line: int
    number: int
    reason: str


class AugmentResult(msgspec.Struct):
    """Counts of a run.

    Conservation: rows asked for = rows_generated + failures; rows_generated = rows_kept + those of `dropped` (by
    reason); rows_out = rows_kept (+ rows_in - rows_rejected where the seeds are written too). `requests`, `retries`
    and tokens are of this run; `from_journal` answers were paid for earlier.
    """

    journal: str
    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    rows_generated: int = 0
    rows_kept: int = 0
    requests: int = 0
    retries: int = 0
    from_journal: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    untraced: int = 0
    dropped: dict[str, int] = {}
    failures: list[Failure] = []
    first_reject: str = ""

    def check(self, with_seeds: bool) -> None:
        """AssertionError where a row was lost."""
        seeds = self.rows_in - self.rows_rejected if with_seeds else 0
        if (
            self.rows_generated != self.rows_kept + sum(self.dropped.values())
            or self.rows_out != self.rows_kept + seeds
        ):
            raise AssertionError(f"conservation broken: {self}")


class Estimate(msgspec.Struct):
    """What a run would ask: requests that the journal has no answer to, and the tokens of their prompts."""

    rows_in: int = 0
    rows_rejected: int = 0
    requests: int = 0
    from_journal: int = 0
    prompt_tokens: int = 0
    tokenizer: str = ""
    exact: bool = True
    note: str = ""
    first_reject: str = ""


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; `answers` of it are in the journal."""

    def __init__(self, answers: int, journal: Path) -> None:
        super().__init__()
        self.answers, self.journal = answers, journal
