"""The result of a review, as a dataset: what was accepted and mended, with its trail; what was rejected, apart."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import msgspec
from msgspec.structs import replace

from dsforge.errors import RowError
from dsforge.example import JSON, Example
from dsforge.feature import Feature
from dsforge.formats.format import CANNOT_HOLD
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import Reject, rejects_path, write_rejects
from dsforge.io.rows import Row, one_line
from dsforge.io.together import check_outputs
from dsforge.io.write import refusal_for, row_writer
from dsforge.review.decision import told
from dsforge.review.record import ReviewedRow
from dsforge.review.review import Review
from dsforge.review.state import RowState

TRAIL = "review"
"""The field of the metadata that says what was done to a row."""
NOT_REVIEWED = "not reviewed"


class ExportResult(msgspec.Struct):
    """Counts of an export.

    Conservation: rows_in = rows_out + rows_rejected + the sum of `removed` (by reason). `statuses` counts all rows by
    status, `changed` those written otherwise than they stand in the source, `untraced` those whose format cannot hold
    what was done to them, and `lost` rows by what was put into them that their format cannot hold. `reasons` counts
    the rejected rows by reason.
    """

    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    removed: dict[str, int] = {}
    statuses: dict[str, int] = {}
    reasons: dict[str, int] = {}
    changed: int = 0
    untraced: int = 0
    lost: dict[str, int] = {}
    rejects: str = ""


def export(
    review: Review,
    output: str | Path,
    *,
    rejects: str | Path | None = None,
    only_reviewed: bool = False,
    strip_meta: bool = False,
) -> ExportResult:
    """Write the rows as they stand to `output`, each in its format, and rejected ones to `rejects` with the reason.

    A row that nobody gave a verdict on is written as it stands, or with `only_reviewed` left out (and counted). Rows
    that annotators disagree about go to the rejects until somebody settles them, and so does what cannot be read or
    written. Every row that something was done to has its trail in `meta.review`, unless with `strip_meta`. The source
    is not changed.

    Raises:
        UsageError: `output` is the source, or of a kind that is not written.
        OutputError: a place that cannot be written to.
    """
    rejects = rejects or rejects_path(output)
    check_outputs([review.path], [output, rejects], others=[review.journal.path])
    result, counts = ExportResult(), _Counts()
    refused: list[Reject] = []
    refusal = refusal_for(output)
    with row_writer(output) as write:
        for row in review.rows():
            result.rows_in += 1
            counts.statuses[row.state.status] += 1
            if reason := _why_removed(row.state, only_reviewed):
                counts.removed[reason] += 1
                continue
            try:
                raw = _written(row, review.path, counts, strip_meta)
                if refusal and (why := refusal(msgspec.json.decode(raw))):
                    _refuse(why)
            except RowError as error:
                counts.reasons[error.reason] += 1
                where = row.original
                refused.append(
                    Reject(review.path, where.number, where.line, error.code, error.reason, error.pointer, where.raw)
                )
                continue
            write(raw)
            result.rows_out += 1
    write_rejects(rejects, refused)
    result.rows_rejected = len(refused)
    result.rejects = str(rejects) if refused else ""
    result.removed, result.statuses, result.reasons = dict(counts.removed), dict(counts.statuses), dict(counts.reasons)
    result.changed, result.untraced, result.lost = counts.changed, counts.untraced, dict(counts.lost)
    return result


class _Counts:
    def __init__(self) -> None:
        self.removed: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.changed = self.untraced = 0


def _refuse(reason: str) -> None:
    raise RowError(reason, code=CANNOT_HOLD)


def _why_removed(state: RowState, only_reviewed: bool) -> str:
    if state.status == "removed":
        return state.reason
    return NOT_REVIEWED if only_reviewed and state.status in ("new", "open") else ""


def _written(row: ReviewedRow, path: str, counts: _Counts, strip_meta: bool) -> bytes:
    """The row as one line of JSON; RowError where it is not to be written, or cannot be."""
    state, original = row.state, row.original
    if state.status in ("rejected", "disputed"):
        raise RowError(state.reason or "rejected without a reason", code=state.status)
    if state.example is None or state.format is None:
        flaw = state.flaw
        assert flaw is not None  # a row without an example says why
        raise RowError(flaw.reason, flaw.pointer, flaw.code)
    raw = state.written()
    assert raw is not None  # only a row without an example has none
    if raw != original.raw:
        counts.changed += 1
        counts.lost.update(feature.value for feature in state.lost(original))
    outcome = state.outcome
    if state.done and not strip_meta and outcome is not None:
        traced = with_trail(outcome, row, Path(path).name)
        if Feature.METADATA not in state.format.losses(traced):
            raw = dumps(state.format.written(traced)[0])
        else:
            counts.untraced += 1
    return one_line(Row(original.number, original.line, 0, raw, None))


def with_trail(example: Example, row: ReviewedRow, name: str) -> Example:
    """The example with its trail in `meta.review`: who did what and when, and to which row of which file.

    What an earlier review left there is kept under `before`.
    """
    state, original = row.state, row.original
    trail: dict[str, JSON] = {
        "status": state.status,
        "decisions": [{"by": each.annotator, "at": utc(each.time), "did": told(each.action)} for each in state.done],
        "from": {"file": name, "row": original.number, "key": original.key},
    }
    if state.scores:
        trail["scores"] = state.scores
    if TRAIL in example.meta:
        trail["before"] = example.meta[TRAIL]
    return replace(example, meta={**example.meta, TRAIL: trail})


def utc(seconds: float) -> str:
    """Seconds since 1970 as `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
