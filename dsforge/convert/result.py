"""What a conversion did: rows, losses and refusals, each with the first row that it concerns."""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

import msgspec

from dsforge.formats.format import CANNOT_HOLD

NEEDS_PAIR = "S901"
WOULD_LOSE = "S903"
_OWN_WORDS = (CANNOT_HOLD, NEEDS_PAIR, WOULD_LOSE)

Place: TypeAlias = "tuple[str, int]"
"""Path and line (from 1)."""


class Reason(msgspec.Struct):
    """Why rows were rejected: a code, the reason of the first such row, and how many there are."""

    code: str
    first: str
    rows: int = 0


class ConvertResult(msgspec.Struct):
    """What a conversion did. `losses` counts, by feature, the rows that lost it, `first_lost` says where the first
    stands, `lost_fields` names the unknown fields among them; `formats` counts the rows read. `written` is False where
    a loss was an error and nothing was written. `verified` is None where nobody asked. `notices` are for the user.

    Conservation: rows_in = rows_out + rows_rejected.
    """

    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    lines: int = 0
    formats: dict[str, int] = {}
    losses: dict[str, int] = {}
    first_lost: dict[str, Place] = {}
    reasons: list[Reason] = []
    notices: list[str] = []
    written: bool = True
    verified: int | None = None
    lost_fields: dict[str, int] = {}

    def count_reject(self, code: str, reason: str, rows: int = 1) -> None:
        """Count rejected rows under their code; those that the format cannot hold, under their own words."""
        for known in self.reasons:
            if known.code == code and (code not in _OWN_WORDS or known.first == reason):
                known.rows += rows
                return
        self.reasons.append(Reason(code, reason, rows))

    def add(self, other: ConvertResult, lines_before: int = 0) -> None:
        """Take the counts of another part of the work into this one; its lines count from its own beginning."""
        for name in ("rows_in", "rows_out", "rows_rejected", "lines"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("formats", "losses", "lost_fields"):
            setattr(self, name, dict(Counter(getattr(self, name)) + Counter(getattr(other, name))))
        for feature, (path, line) in other.first_lost.items():
            self.first_lost.setdefault(feature, (path, line + lines_before))
        for reason in other.reasons:
            self.count_reject(reason.code, reason.first, reason.rows)
        self.notices += [notice for notice in other.notices if notice not in self.notices]

    @property
    def cannot_be_held(self) -> int:
        """Rows that were rejected because the target cannot hold them."""
        return sum(reason.rows for reason in self.reasons if reason.code in _OWN_WORDS)
