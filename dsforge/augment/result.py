"""What a run of augment did, and what one would do."""

from __future__ import annotations

from decimal import Decimal
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

    Conservation: rows asked for = rows_generated + failures + unpaid; rows_generated = rows_kept + those of `dropped`
    (by reason); rows_out = rows_kept (+ rows_in - rows_rejected where the seeds are written too, + `rows_unchanged`
    where a method changes rows in their place: then rows_in = rows_out + rows_rejected). `requests`, `retries`
    and tokens are of this run; `from_journal` answers were paid for earlier.

    `unpaid` rows were not asked for, as the first request might have cost `next_cost` and the budget no longer held it.
    `spent` is the money of this run, `spent_before` that of earlier ones with the same journal, None where no price is
    known; `uncertain` is the part of both that was counted at its most, as the server told no tokens. Answers of
    earlier runs that no cost is known of are `unpriced`. `lost` counts the rows kept that lost a feature of their seed,
    which their format cannot hold; `unchanged` those of `rows_unchanged` that were not asked about, by reason.
    """

    journal: str
    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    rows_generated: int = 0
    rows_kept: int = 0
    rows_unchanged: int = 0
    requests: int = 0
    retries: int = 0
    from_journal: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unpaid: int = 0
    spent: Decimal | None = None
    spent_before: Decimal | None = None
    uncertain: Decimal = Decimal(0)
    next_cost: Decimal | None = None
    currency: str = ""
    unpriced: int = 0
    untraced: int = 0
    dropped: dict[str, int] = {}
    lost: dict[str, int] = {}
    unchanged: dict[str, int] = {}
    failures: list[Failure] = []
    first_reject: str = ""

    def check(self, with_seeds: bool, in_place: bool) -> None:
        """AssertionError where a row was lost."""
        seeds = self.rows_in - self.rows_rejected
        beside = seeds if with_seeds else self.rows_unchanged
        if (
            self.rows_generated != self.rows_kept + sum(self.dropped.values())
            or self.rows_out != self.rows_kept + beside
            or (in_place and self.rows_out != seeds)
        ):
            raise AssertionError(f"conservation broken: {self}")


class Estimate(msgspec.Struct):
    """What a run would ask: requests that the journal has no answer to, and the tokens of their prompts.

    `completion_tokens` are expected, and `cost` is the money for both. `most` is what the run can cost at most, None
    where answers are not limited; `spent` is the money in the journal. All are None where no price is known.
    """

    rows_in: int = 0
    rows_rejected: int = 0
    requests: int = 0
    from_journal: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = None
    most: Decimal | None = None
    spent: Decimal | None = None
    currency: str = ""
    tokenizer: str = ""
    exact: bool = True
    note: str = ""
    first_reject: str = ""


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; `answers` of it are in the journal, and `spent` is their price, None if not known.

    `behind` says what goes on at the server, "" for nothing.
    """

    def __init__(
        self, answers: int, journal: Path, spent: Decimal | None = None, currency: str = "", behind: str = ""
    ) -> None:
        super().__init__()
        self.answers, self.journal = answers, journal
        self.spent, self.currency, self.behind = spent, currency, behind
