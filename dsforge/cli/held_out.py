"""The checks of `dsforge dedup`: what training rows share with held-out files (--leaks) or benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from dsforge.cli.output import Output, quantity
from dsforge.errors import UsageError

if TYPE_CHECKING:
    from dsforge.dedup.result import CheckResult, ContaminationResult, DedupResult, LeakResult, Removed

_LISTED = 5
_SPAN = 80  # characters of a stretch that are shown

T = TypeVar("T")


def check_leaks(out: Output, inputs: list[str], output: str, show: int, **options: Any) -> int:
    """Tell which rows of the first input the others hold too; 1 if there is any, or a row could not be checked."""
    from dsforge.cli.side_by_side import print_side_by_side
    from dsforge.dedup.check import leaks

    train, *held_out = inputs
    if not held_out:
        raise UsageError(f"--leaks needs a held-out file too: dsforge dedup --leaks {train} val.jsonl")
    result: LeakResult = leaks(train, held_out, output or None, show=show, **options)
    found = len(result.leaks)
    out.say(f"{train} against {' '.join(held_out)}: {quantity(result.rows_in, 'row')} checked, {_leak(found)}")
    if show:
        print_side_by_side(out, result.shown, "held out", "trained")
    else:
        _list(out, result.leaks, "--show N prints some side by side, --json lists all", lambda leak: (
            f"{leak.path}:{leak.line} {_how(leak, options['on'])} "
            f"{leak.kept_path}:{leak.kept_line}"
        ))  # fmt: skip
    exact = sum(leak.exact for leak in result.leaks)
    return _finish(
        out, result, found, output, options["rejects"], exact_duplicates=exact, near_duplicates=found - exact,
        clusters=len({(leak.kept_path, leak.kept_row) for leak in result.leaks}), threshold=options["threshold"],
        on=options["on"], leaks=[_named(leak) for leak in result.leaks],
    )  # fmt: skip


def _leak(count: int) -> str:
    return {0: "none leaks", 1: "1 leaks"}.get(count, f"{count:,} leak")


def _how(leak: Removed, on: str) -> str:
    return f"has the same {on} as" if leak.exact else f"is {leak.similarity:.2f} alike"


def _named(leak: Removed) -> dict[str, Any]:
    """A leak with names that say which side is which."""
    plain: dict[str, Any] = msgspec.to_builtins(leak)
    del plain["against"]
    return {name.replace("kept_", "held_out_"): value for name, value in plain.items()}


def check_contamination(out: Output, inputs: list[str], benchmarks: list[str], output: str, **options: Any) -> int:
    """Tell which rows hold an item of a benchmark; 1 if there is any, or a row could not be checked."""
    from dsforge.dedup.check import contamination

    result: ContaminationResult = contamination(inputs, benchmarks, output or None, **options)
    found = len(result.contaminated)
    out.say(
        f"{' '.join(inputs)} against {' '.join(benchmarks)} ({quantity(result.other_rows, 'item')}): "
        f"{quantity(result.rows_in, 'row')} checked, {found:,} {'holds' if found == 1 else 'hold'} an item"
    )
    _list(out, result.contaminated, "--json lists all", lambda row: (
        f"{row.path}:{row.line} holds {row.share:.0%} of {row.item_path} row {row.item_row:,}: {_span(row.stretch)!r}"
    ))  # fmt: skip
    return _finish(
        out, result, found, output, options["rejects"], contaminated=msgspec.to_builtins(result.contaminated)
    )


def _span(stretch: str) -> str:
    shown = " ".join(stretch.split())
    return shown if len(shown) <= _SPAN else f"{shown[:_SPAN]}..."


def _list(out: Output, found: Sequence[T], where: str, tell: Callable[[T], str]) -> None:
    for each in found[:_LISTED]:
        out.say(f"  {tell(each)}")
    if len(found) > _LISTED:
        out.say(f"  and {len(found) - _LISTED:,} more: {where}")


def _finish(out: Output, result: CheckResult, found: int, output: str, rejects: str | None, **more: Any) -> int:
    for notice in result.notices:
        out.note(f"dsforge: {notice}")
    if result.unread:
        out.note(f"dsforge: {result.unread:,} held-out rows could not be read: nothing was compared with them")
    rejects_file = note_rejects(out, result, output, rejects)
    if output:
        out.say(f"  {quantity(result.rows_out, 'row')} without them: {output}")
    out.result(
        "dedup", result.rows_in, result.rows_out, result.rows_rejected, **more, other_rows=result.other_rows,
        other_rows_unread=result.unread, output=output or None, rejects=rejects_file,
    )  # fmt: skip
    return int(bool(found or result.rows_rejected or result.unread))


def note_rejects(out: Output, result: DedupResult | CheckResult, output: str, rejects: str | None) -> str | None:
    """Tell of rows that could not be decoded; the file that has them, None where none was written."""
    from dsforge.io.rejects import rejects_path

    if not result.rows_rejected:
        return None
    if not output:
        out.note(f"dsforge: {quantity(result.rows_rejected, 'row')} could not be read, nor checked "
                 f"(the first: {result.first_reject}); dsforge lint tells of each")  # fmt: skip
        return None
    path = rejects or str(rejects_path(output))
    out.note(f"dsforge: rejected rows with their reasons: {path} (the first: {result.first_reject})")
    return path
