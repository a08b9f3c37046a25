"""The record of a review: what was done to each row, and what the row is now.

For who reads it (exports, other tools): `ReviewedRow` has the row of the source, its state by each annotator, the
settled state, every decision and the findings. Who brings decisions made elsewhere makes a `Decision` for each and
gives them to `Review.add` (see review.py). All of this module is pure.

The state of a row is a fold over decisions and kept nowhere else: the journal is the only truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from dsforge.finding import Finding
from dsforge.review.apply import UnfitError, applied
from dsforge.review.decision import Adopt, Decision, Redo, Undo
from dsforge.review.state import VERDICTS, Original, RowState, untouched

__all__ = ["Decision", "Original", "ReviewedRow", "RowState", "fold", "in_effect", "reviewed", "settled"]


class ReviewedRow(msgspec.Struct, frozen=True):
    """Everything that is known of a row.

    - `original`: the row of the source, with its bytes and its example;
    - `state`: the row as it now stands for everyone (`state.status`, `state.outcome` is the example to be written);
    - `states`: the row as each annotator left it, by name; only those who did something;
    - `decisions`: all decisions of all annotators, in the order of the journal, undone ones and undos too;
    - `findings`: what lint says of the row as it stands in the source; empty where nobody asked lint.
    """

    original: Original
    state: RowState
    states: dict[str, RowState] = {}
    decisions: tuple[Decision, ...] = ()
    findings: tuple[Finding, ...] = ()


def in_effect(decisions: Iterable[Decision]) -> tuple[list[Decision], list[Decision]]:
    """`(decisions that count, decisions undone that Redo brings back)` of one person on one row, in their order."""
    done: list[Decision] = []
    undone: list[Decision] = []
    for decision in decisions:
        if isinstance(decision.action, Undo):
            if done:
                undone.append(done.pop())
        elif isinstance(decision.action, Redo):
            if undone:
                done.append(undone.pop())
        else:
            done.append(decision)
            undone.clear()
    return done, undone


def fold(original: Original, decisions: Iterable[Decision], among: Sequence[Decision] = ()) -> RowState:
    """The row after the decisions of one person; `among` are those of all, which an adjudicator may adopt.

    A decision that does not fit the row is told of in `unfit` and changes nothing.
    """
    done, undone = in_effect(decisions)
    state = untouched(original)
    unfit: list[tuple[Decision, str]] = []
    for decision in done:
        try:
            if isinstance(decision.action, Adopt):
                state = _adopted(original, decision.action, among)
            else:
                state = applied(state, decision.action)
        except UnfitError as error:
            unfit.append((decision, str(error)))
    return replace(state, done=tuple(done), undone=tuple(undone), unfit=tuple(unfit))


def _adopted(original: Original, action: Adopt, among: Sequence[Decision]) -> RowState:
    theirs = [
        each for each in among
        if each.annotator == action.annotator and not each.final and 0 < each.number <= action.upto
    ]  # fmt: skip
    if not theirs:
        raise UnfitError(f"{action.annotator} has done nothing to the row")
    return fold(original, theirs)


def by_annotator(original: Original, decisions: Sequence[Decision]) -> dict[str, RowState]:
    """The row as each annotator left it; what was done to settle it is left out."""
    names = dict.fromkeys(each.annotator for each in decisions if not each.final)
    return {
        name: fold(original, [each for each in decisions if each.annotator == name and not each.final])
        for name in names
    }


def settled(original: Original, decisions: Sequence[Decision]) -> RowState:
    """The row as it stands for everyone.

    What an adjudicator did outweighs all else. Else the annotators with a verdict have to agree: on the verdict, and,
    of rows that stay, on the row itself. Where they do not the status is "disputed" and the row is that of the source.
    Where nobody has given a verdict, the row is as the last one who changed it left it.
    """
    return _settled(original, decisions, by_annotator(original, decisions))


def _settled(original: Original, decisions: Sequence[Decision], states: Mapping[str, RowState]) -> RowState:
    final = fold(original, [each for each in decisions if each.final], decisions)
    if final.done and final.status != "new":
        return final
    verdicts = [state for state in states.values() if state.status in VERDICTS]
    if not verdicts:
        touched = [state for state in states.values() if state.done]
        return max(touched, key=lambda state: state.done[-1].number, default=untouched(original))
    if any(not agree(verdicts[0], other) for other in verdicts[1:]):
        every = sorted((each for state in verdicts for each in state.done), key=lambda each: each.number)
        return replace(untouched(original), status="disputed", reason="annotators disagree", done=tuple(every))
    return verdicts[0]


def agree(one: RowState, other: RowState) -> bool:
    """Whether two people say the same of a row: its verdict, its choice, and, where it stays, what it is."""
    if (one.status, one.choice, one.order) != (other.status, other.choice, other.order):
        return False
    return one.status != "accepted" or one.outcome == other.outcome


def reviewed(original: Original, decisions: Sequence[Decision], findings: Iterable[Finding] = ()) -> ReviewedRow:
    """Everything that is known of a row, from its decisions in the order of the journal."""
    states = by_annotator(original, decisions)
    return ReviewedRow(original, _settled(original, decisions, states), states, tuple(decisions), tuple(findings))
