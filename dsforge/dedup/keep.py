"""Which row of a cluster is kept: the one of the highest value, of equal ones the first."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TypeAlias

from dsforge.errors import UsageError, did_you_mean
from dsforge.example import JSON, Example
from dsforge.io.rows import Row
from dsforge.similarity.compared import message_text

Value: TypeAlias = Callable[[str, Row, Example], "float | None"]
"""How much a row of a file is worth to be kept; None where it does not say."""


@dataclass(frozen=True)
class Keep:
    """A preference among rows: its `name` on the command line, its value, and what a row `wants` to have one."""

    name: str
    value: Value
    wants: str = ""


KEEP = ("first", "longest", "newest:FIELD", "best:FIELD", "fewest-findings")


def parse_keep(text: str) -> Keep | None:
    """The preference that `--keep` names; None for the first row.

    Raises:
        UsageError: there is none of that name, or it lacks a field.
    """
    name, _, field = text.partition(":")
    if text == "first":
        return None
    if text == "longest":
        return Keep(text, _length)
    if text == "fewest-findings":
        raise UsageError("--keep fewest-findings needs the findings of a lint: see dsforge.dedup.keep.fewest_findings")
    if name in _BY_FIELD and field:
        read, wants = _BY_FIELD[name]
        path = field.split(".")
        return Keep(text, lambda _, row, __: read(_at(row.value, path)), f"{wants} in {field}")
    if name in _BY_FIELD:
        raise UsageError(
            f"--keep {name} needs the field to go by, as {name}:meta.{'score' if name == 'best' else 'date'}"
        )
    raise UsageError(f"--keep {text!r} names no row to keep{did_you_mean(text, KEEP)}")


def fewest_findings(findings: Mapping[tuple[str, int], int]) -> Keep:
    """Prefers rows with fewer findings, given how many each `(file, row)` has."""
    return Keep("fewest-findings", lambda path, row, _: -findings.get((path, row.number), 0))


def _length(path: str, row: Row, example: Example) -> float:
    return sum(len(message_text(message)) for message in example.all_messages())


def _at(value: JSON, path: Sequence[str]) -> JSON:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _number(value: JSON) -> float | None:
    """A finite number, also one written as text (as tables have it)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _moment(value: JSON) -> float | None:
    """A number as it is, a date of ISO 8601 as seconds since 1970; without a time zone it is UTC."""
    number = _number(value)
    if number is not None or not isinstance(value, str):
        return number
    text = value.strip()
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in "Zz" and text else text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


_BY_FIELD: dict[str, tuple[Callable[[JSON], float | None], str]] = {
    "best": (_number, "a number"),
    "newest": (_moment, "a date (as 2025-01-31) or a number"),
}


class Ranks:
    """The value of each row, in the order in which they are seen; a row without one gives way to all that have one.

    Rows that are `known` to be kept are preferred to all.
    """

    def __init__(self, keep: Keep, known: int) -> None:
        self._keep = keep
        self.values = array("d", [math.inf]) * known
        self._known = known
        self._without = 0
        self._first_without = ""

    def see(self, path: str, row: Row, example: Example) -> None:
        """Take in a row."""
        value = self._keep.value(path, row, example)
        if value is None:
            self._without += 1
            self._first_without = self._first_without or f"{path}:{row.line}"
        self.values.append(-math.inf if value is None else value)

    def notice(self) -> str:
        """What the user should know of rows without a value, "" where there is none.

        Raises:
            UsageError: no row has a value.
        """
        seen = len(self.values) - self._known
        if not self._without:
            return ""
        if self._without == seen:
            raise UsageError(f"--keep {self._keep.name}: no row has {self._keep.wants}; check the name of the field")
        lack = "lacks" if self._without == 1 else "lack"
        return (
            f"--keep {self._keep.name}: {self._without:,} of {seen:,} rows {lack} {self._keep.wants} "
            f"(the first: {self._first_without}); rows that have it are preferred"
        )
