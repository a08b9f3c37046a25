"""What an action makes of a row. Pure: nothing is changed in place, and the same action gives the same row again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from dsforge.errors import UsageError
from dsforge.example import Content, Example, Message, Part, Text
from dsforge.review.decision import (
    Accept,
    Categorise,
    Comment,
    Delete,
    Edit,
    Insert,
    Prefer,
    Rank,
    Reject,
    Rewrite,
    Score,
    Split,
)
from dsforge.review.state import RowState, read_row, status_after


class UnfitError(UsageError):
    """An action that does not fit the row as it stands: a message that is not there, a choice where no pair is."""


def applied(state: RowState, action: object) -> RowState:
    """The row after `action`, which is none of Adopt, Undo and Redo: those concern other decisions.

    Raises:
        UnfitError: the row has not what the action speaks of.
    """
    return replace(_changed(state, action), status=status_after(state.status, action))


def _changed(state: RowState, action: object) -> RowState:
    """The row after `action`, but for its status."""
    match action:
        case Accept():
            _example(state)
            return replace(state, reason="")
        case Reject(reason):
            return replace(state, reason=reason)
        case Comment(text):
            return replace(state, comments=(*state.comments, text))
        case Score(scores):
            return replace(state, scores={**state.scores, **scores})
        case Prefer():
            return _preferred(state, action)
        case Rank(order):
            return _ranked(state, order)
        case Rewrite(raw):
            return _rewritten(state, raw)
        case Categorise(category):
            meta = {key: value for key, value in _example(state).meta.items() if key != "category"}
            if category:
                meta["category"] = category
            return _with(state, replace(_example(state), meta=meta), state.origins)
        case Edit() | Insert() | Delete() | Split():
            return _turned(state, action)
    raise UnfitError(f"{type(action).__name__} is nothing that is done to a row alone")


def _example(state: RowState) -> Example:
    if state.example is None:
        raise UnfitError("the row cannot be read: mend it as text, or reject it")
    return state.example


def _with(state: RowState, example: Example, origins: Sequence[int | None]) -> RowState:
    return replace(state, reason="", example=example, raw=None, origins=tuple(origins))


# -- answers ---------------------------------------------------------------------------------------


def _answers(state: RowState) -> int:
    example = _example(state)
    if not example.is_preference:
        raise UnfitError("the row has no two answers to choose from")
    return 2 + len(example.between)


def _preferred(state: RowState, action: Prefer) -> RowState:
    if _answers(state) > 2 and action.choice in ("chosen", "rejected"):
        raise UnfitError("the row has more than two answers: rank them")
    reason = "" if action.choice in ("chosen", "rejected") else action.choice
    return replace(state, reason=reason, choice=action.choice, order=())


def _ranked(state: RowState, order: Sequence[int]) -> RowState:
    count = _answers(state)
    if sorted(order) != list(range(count)):
        raise UnfitError(f"a ranking of this row names each of its {count} answers once")
    return replace(state, reason="", choice=None, order=tuple(order))


def _rewritten(state: RowState, text: str) -> RowState:
    """The row as another text; messages keep their origin where their number and role are as before."""
    raw = text.encode("utf-8", "surrogateescape")
    _, fmt, example, flaw = read_row(raw, state.format)
    if flaw and state.format is not None:  # it may have become a row of another format
        _, fmt, example, flaw = read_row(raw)
    before = state.example.all_messages() if state.example else []
    after = example.all_messages() if example else []
    same = len(before) == len(after)
    origins = [
        state.origins[at] if same and before[at].role == message.role else None for at, message in enumerate(after)
    ]
    if not same:
        origins = [at if at < len(state.origins) else None for at in range(len(after))]
    count = 0 if example is None or not example.is_preference else 2 + len(example.between)
    kept = len(state.order) == count and (count or state.choice is None)
    return replace(
        state, reason="", format=fmt, example=example, raw=raw, flaw=flaw,
        origins=tuple(origins), choice=state.choice if kept else None, order=state.order if kept else (),
    )  # fmt: skip


# -- turns -----------------------------------------------------------------------------------------


class _Spot(NamedTuple):
    """The list that a message stands in, and its number there."""

    list: int
    at: int


def _lists(example: Example) -> list[list[Message]]:
    if example.chosen is None or example.rejected is None:
        return [example.messages]
    return [example.messages, example.chosen, example.rejected, *example.between]


def _with_lists(example: Example, lists: list[list[Message]]) -> Example:
    if len(lists) == 1:
        return replace(example, messages=lists[0])
    messages, chosen, rejected, *between = lists
    return replace(example, messages=messages, chosen=chosen, rejected=rejected, between=between)


def _spot(lists: list[list[Message]], message: int) -> _Spot:
    left = message
    for number, each in enumerate(lists):
        if 0 <= left < len(each):
            return _Spot(number, left)
        left -= len(each)
    raise UnfitError(f"the row has no message {message + 1}")


def _turned(state: RowState, action: Edit | Insert | Delete | Split) -> RowState:
    example = _example(state)
    lists, origins = [list(each) for each in _lists(example)], list(state.origins)
    match action:
        case Edit(message):
            spot = _spot(lists, message)
            lists[spot.list][spot.at] = _edited(lists[spot.list][spot.at], action)
        case Insert(after, role, text):
            spot = _Spot(0, -1) if after == -1 else _spot(lists, after)
            lists[spot.list].insert(spot.at + 1, Message(role, text))
            origins.insert(after + 1, None)
        case Delete(message):
            spot = _spot(lists, message)
            if len(lists[spot.list]) == 1:
                raise UnfitError("the last message of the row (or of an answer) stays: reject the row instead")
            del lists[spot.list][spot.at]
            del origins[message]
        case Split(message, at, role):
            spot = _spot(lists, message)
            lists[spot.list][spot.at : spot.at + 1] = _halves(lists[spot.list][spot.at], at, action)
            origins.insert(message + 1, None)
    return _with(state, _with_lists(example, lists), origins)


def _edited(message: Message, action: Edit) -> Message:
    if action.reasoning:
        return replace(message, reasoning=action.text or None)
    content, input_at = message.content, message.input_at
    if isinstance(content, list):
        return replace(message, content=_edited_part(content, action))
    if action.part is not None:
        raise UnfitError(f"message {action.message + 1} has no parts")
    if input_at is not None and action.text[:input_at] != message.text[:input_at]:
        input_at = None  # where the instruction ends is no longer known: all of the text is one
    return replace(message, content=action.text, input_at=input_at)


def _edited_part(content: list[Part], action: Edit) -> Content:
    texts = [at for at, part in enumerate(content) if isinstance(part, Text)]
    if action.part is None and len(texts) != 1:
        raise UnfitError(f"message {action.message + 1} has {len(texts)} texts: say which part")
    part = texts[0] if action.part is None else action.part
    if part not in texts:
        raise UnfitError(f"part {part + 1} of message {action.message + 1} is no text")
    return [
        replace(each, text=action.text) if at == part and isinstance(each, Text) else each
        for at, each in enumerate(content)
    ]


def _halves(message: Message, at: int, action: Split) -> list[Message]:
    if not isinstance(message.content, str):
        raise UnfitError("a message of several parts is not split")
    if not 0 < at < len(message.content):
        raise UnfitError(f"message {action.message + 1} is split within its text, not at character {at}")
    first = replace(message, content=message.content[:at].rstrip(), input_at=None)
    return [first, Message(action.role, message.content[at:].lstrip())]
