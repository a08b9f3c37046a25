"""Which row of a cluster is kept: the one of the highest value, of equal ones the first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dsforge.errors import UsageError, did_you_mean
from dsforge.example import JSON, Example, at_path
from dsforge.io.rows import Row
from dsforge.similarity.collect import Collected, See
from dsforge.similarity.compared import message_text


@dataclass(frozen=True)
class Keep:
    """A preference among rows: its `name` on the command line, and what makes the value of a row.

    That is what `see` says of the row when it is read (None where it does not say, because it lacks what it `wants`),
    or how few `findings` its `(file, row)` has.
    """

    name: str
    see: See | None = None
    wants: str = ""
    findings: Mapping[tuple[str, int], int] | None = None


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
        return Keep(text, partial(_field, read, field.split(".")), f"{wants} in {field}")
    if name in _BY_FIELD:
        raise UsageError(
            f"--keep {name} needs the field to go by, as {name}:meta.{'score' if name == 'best' else 'date'}"
        )
    raise UsageError(f"--keep {text!r} names no row to keep{did_you_mean(text, KEEP)}")


def fewest_findings(findings: Mapping[tuple[str, int], int]) -> Keep:
    """Prefers rows with fewer findings, given how many each `(file, row)` has."""
    return Keep("fewest-findings", findings=findings)


def _field(read: Callable[[JSON], float | None], names: Sequence[str], path: str, row: Row, _: Example) -> float | None:
    return read(at_path(row.value, names))


def _length(path: str, row: Row, example: Example) -> float:
    return sum(len(message_text(message)) for message in example.all_messages())


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


def values_of(rows: Collected, keep: Keep) -> NDArray[np.float64]:
    """What each row is worth, of known ones infinitely much; one without a value gives way to all that have one.

    What the user should know of rows without is added to the notices.

    Raises:
        UsageError: no row has a value.
    """
    if keep.findings is not None:
        findings = [keep.findings.get(rows.place(row)[:2], 0) for row in range(rows.known, len(rows))]
        return np.concatenate([np.full(rows.known, np.inf), -np.array(findings, dtype=np.float64)])
    values = np.array([math.nan if value is None else value for value in rows.notes()], dtype=np.float64)
    without = np.flatnonzero(np.isnan(values))
    if len(without) == len(values) and len(values):
        raise UsageError(f"--keep {keep.name}: no row has {keep.wants}; check the name of the field")
    if len(without):
        first = rows.place(rows.known + int(without[0]))
        rows.notices.append(
            f"--keep {keep.name}: {len(without):,} of {len(values):,} rows {'lacks' if len(without) == 1 else 'lack'} "
            f"{keep.wants} (the first: {first.path}:{first.line}); rows that have it are preferred"
        )
    return np.concatenate([np.full(rows.known, np.inf), np.where(np.isnan(values), -np.inf, values)])
