"""What a person can do to a row, and the record that it was done. Plain values: they are the lines of the journal.

A message is named by its number from 0 over the whole example as it stands at that moment: the conversation (or the
shared prompt), then chosen, then rejected, then the answers between them, as `Example.all_messages` has them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from dsforge.example import Role

Choice: TypeAlias = Literal["chosen", "rejected", "tie", "both bad"]
"""Which answer is better, by its name in the source row, whatever side of the page it stood on."""


class Accept(msgspec.Struct, frozen=True, tag="accept"):
    """The row is good as it now stands."""


class Reject(msgspec.Struct, frozen=True, tag="reject"):
    """The row is to leave the dataset, for this reason (a few words; "" where none was given)."""

    reason: str = ""


class Edit(msgspec.Struct, frozen=True, tag="edit"):
    """The text of a message becomes `text`.

    `part` is the number of the part where the content is a list of parts (None: its only text). `reasoning` is
    whether the reasoning of the message is meant in place of its content.
    """

    message: int
    text: str
    part: int | None = None
    reasoning: bool = False


class Insert(msgspec.Struct, frozen=True, tag="insert"):
    """A message is written after message `after` (-1: before all others), in the same list as that one."""

    after: int
    role: Role
    text: str


class Delete(msgspec.Struct, frozen=True, tag="delete"):
    """A message is taken out."""

    message: int


class Split(msgspec.Struct, frozen=True, tag="split"):
    """A message ends before character `at` of its text; the rest becomes a message of `role` after it."""

    message: int
    at: int
    role: Role


class Rewrite(msgspec.Struct, frozen=True, tag="rewrite"):
    """The whole row becomes the JSON text `raw`.

    So are rows mended that cannot be read, and so are the fixes of lint applied: `codes` are then the rules mended.
    """

    raw: str
    codes: list[str] = []


class Categorise(msgspec.Struct, frozen=True, tag="categorise"):
    """The row's category (`meta["category"]`) becomes `category`; "" takes it away."""

    category: str


class Prefer(msgspec.Struct, frozen=True, tag="prefer"):
    """One of two answers is better, or none is.

    A tie removes the row from the dataset (it teaches no preference), and "both bad" rejects it.
    """

    choice: Choice


class Rank(msgspec.Struct, frozen=True, tag="rank"):
    """All answers from best to worst, by their number in the source: 0 is chosen, then those between, rejected last."""

    order: list[int]


class Score(msgspec.Struct, frozen=True, tag="score"):
    """Marks by a rubric: the name of each criterion and its number. Later marks replace those of the same name."""

    scores: dict[str, float]


class Comment(msgspec.Struct, frozen=True, tag="comment"):
    """A remark on the row; it changes nothing."""

    text: str


class Adopt(msgspec.Struct, frozen=True, tag="adopt"):
    """An adjudicator takes the row as `annotator` left it by decision number `upto`."""

    annotator: str
    upto: int


class Undo(msgspec.Struct, frozen=True, tag="undo"):
    """The last decision of the same person on the row that still counts does no longer."""


class Redo(msgspec.Struct, frozen=True, tag="redo"):
    """The decision undone last counts again; nothing, where another was made since."""


Action: TypeAlias = (
    Accept | Reject | Edit | Insert | Delete | Split | Rewrite | Categorise | Prefer | Rank | Score | Comment | Adopt
    | Undo | Redo
)  # fmt: skip


class Decision(msgspec.Struct, frozen=True):
    """What somebody did to a row.

    - `row`: the number of the row in the source when it was done, from 1;
    - `key`: which row that is by its bytes (`Original.key`): by this it is found again where the file has changed;
    - `annotator`: who did it; `time`: when, in seconds since 1970 (UTC);
    - `action`: what was done;
    - `final`: whether it was done to settle what annotators disagree about; such decisions outweigh all others;
    - `id`: a text unlike that of any other decision; one that is in the journal already is not written twice, so what
      is sent again after a lost connection, or imported again, counts once;
    - `origin`: the tool it was made in, "" for this one;
    - `number`: its place in the journal, from 1, given when it is written (0 before).
    """

    row: int
    key: str
    annotator: str
    time: float
    action: Action
    id: str
    final: bool = False
    origin: str = ""
    number: int = 0


def told(action: object) -> str:
    """An action in a few words, for people and for the trail in `meta.review`."""
    match action:
        case Reject(reason):
            return f"rejected: {reason}" if reason else "rejected"
        case Edit(message, reasoning=reasoning):
            return f"edited the reasoning of message {message + 1}" if reasoning else f"edited message {message + 1}"
        case Insert(after, role):
            return (
                f"wrote a {role} message after message {after + 1}" if after >= 0 else f"wrote a first {role} message"
            )
        case Delete(message):
            return f"deleted message {message + 1}"
        case Split(message):
            return f"split message {message + 1}"
        case Rewrite(codes=codes):
            return f"applied the fix of {', '.join(codes)}" if codes else "mended the row as text"
        case Categorise(category):
            return f"category: {category}" if category else "took the category away"
        case Prefer(choice):
            return {"tie": "tie", "both bad": "both bad"}.get(choice, f"preferred the {choice} answer of the source")
        case Rank(order):
            return "ranked the answers " + " > ".join(str(answer + 1) for answer in order)
        case Score(scores):
            return "scored " + ", ".join(f"{name} {value:g}" for name, value in scores.items())
        case Comment(text):
            return f"remarked: {text}"
        case Adopt(annotator):
            return f"took the row as {annotator} left it"
        case Undo():
            return "undid"
        case Redo():
            return "redid"
    return "accepted"
