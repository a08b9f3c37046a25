"""A row as it stands in the source, and as it stands after what was done to it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats.format import Format
from dsforge.formats.read import decode_row
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import CODES
from dsforge.io.rows import parse
from dsforge.review.decision import Accept, Choice, Comment, Decision, Prefer, Rank, Reject, Score

Status: TypeAlias = Literal["new", "open", "accepted", "rejected", "removed", "disputed"]
STATUSES: tuple[Status, ...] = ("new", "open", "accepted", "rejected", "removed", "disputed")
VERDICTS = frozenset({"accepted", "rejected", "removed"})


class Flawed(msgspec.Struct, frozen=True):
    """Why a row has no example: the code of the lint rule, the reason, and where (a JSON Pointer)."""

    code: str
    reason: str
    pointer: str = ""


class Original(msgspec.Struct, frozen=True):
    """A row of the source. `number` and `line` count from 1, `raw` are its bytes.

    `key` tells the row from all others of the file by its bytes: a digest, with `-2` for the second of equal rows.
    `example` is None where the row cannot be read, and `flaw` then says why; `format` is None in that case too.
    """

    number: int
    line: int
    key: str
    raw: bytes
    format: Format | None
    example: Example | None
    flaw: Flawed | None = None


class RowState(msgspec.Struct, frozen=True):
    """A row after decisions.

    - `status`: new (nothing done), open (changed, but no verdict), accepted, rejected, removed (a tie), or disputed
      (annotators disagree and nobody has settled it); `reason` goes with rejected and removed;
    - `example`: the messages as they stand, chosen and rejected under the names that the source gave them: `outcome`
      of it is what the choice makes of them; None where the row cannot be read (`flaw` says why);
    - `raw`: the bytes of the row where it stands written so, None where the example was changed since;
    - `origins`: for each message of `example.all_messages()` the number of the one of the source that it was, None for
      one that was written anew;
    - `choice`, `order`, `scores`, `comments`: what was said of the answers and the row;
    - `done`: the decisions that count, in order; `undone`: those that `Redo` brings back, the last first to come;
      `unfit`: decisions that do not fit the row, each with the reason; they changed nothing.
    """

    status: Status
    format: Format | None
    example: Example | None
    raw: bytes | None
    flaw: Flawed | None = None
    reason: str = ""
    origins: tuple[int | None, ...] = ()
    choice: Choice | None = None
    order: tuple[int, ...] = ()
    scores: dict[str, float] = {}
    comments: tuple[str, ...] = ()
    done: tuple[Decision, ...] = ()
    undone: tuple[Decision, ...] = ()
    unfit: tuple[tuple[Decision, str], ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether something in the row is to be written otherwise than the source has it."""
        return any(type(each.action).__name__ in _CHANGES for each in self.done) or self.outcome_differs

    @property
    def outcome_differs(self) -> bool:
        """Whether the choice or the ranking puts the answers in another order than the source."""
        return self.choice == "rejected" or (bool(self.order) and self.order != tuple(range(len(self.order))))

    @property
    def outcome(self) -> Example | None:
        """The example as it is to be written: the better answer is the chosen one."""
        if self.example is None or self.example.chosen is None or self.example.rejected is None:
            return self.example
        answers = [self.example.chosen, *self.example.between, self.example.rejected]
        order = self.order or ((len(answers) - 1, *range(1, len(answers) - 1), 0) if self.choice == "rejected" else ())
        if not order:
            return self.example
        if order == tuple(range(len(answers))):
            return self.example
        return _reordered(self.example, [answers[at] for at in order])

    def lost(self, original: Original) -> set[Feature]:
        """What was put into the row that its format cannot hold, and so would not be written."""
        outcome = self.outcome
        if outcome is None or self.format is None:
            return set()
        before = self.format.losses(original.example) if original.example else set()
        return self.format.losses(outcome) - before

    def written(self) -> bytes | None:
        """The row as it stands, as one line of JSON before its trail is added; None where it cannot be read.

        Raises:
            RowError: the format cannot hold what was made of the row.
        """
        if self.raw is not None and not self.outcome_differs:
            return self.raw
        outcome = self.outcome
        if outcome is None or self.format is None:
            return self.raw
        return dumps(self.format.written(outcome)[0])


_ANSWER_SCORES = ("fine-grained_score", "overall_score")
_PAIR_SCORES = (("score_chosen", "score_rejected"),)


def _reordered(example: Example, answers: list[list[Message]]) -> Example:
    """The example with its answers in another order, the best first.

    Scores that gave the old order would gainsay the new one: those of an answer are kept under another name, those of
    the two places go with their answers.
    """
    best, *between, worst = ([_overruled(message) for message in answer] for answer in answers)
    extra, meta = dict(example.extra), dict(example.meta)
    for fields in (extra, meta):
        for one, other in _PAIR_SCORES:
            if one in fields and other in fields and not between and best != example.chosen:
                fields[one], fields[other] = fields[other], fields[one]
    return replace(example, chosen=best, between=between, rejected=worst, extra=extra, meta=meta)


def _overruled(message: Message) -> Message:
    if not any(name in message.extra for name in _ANSWER_SCORES):
        return message
    renamed = {(f"{name}_before_review" if name in _ANSWER_SCORES else name): value
               for name, value in message.extra.items()}  # fmt: skip
    return replace(message, extra=renamed)


def status_after(status: Status, action: object) -> Status:
    """The status of a row after an action that fits it: what changes a row leaves its verdict open, unless accepted."""
    match action:
        case Accept() | Rank():
            return "accepted"
        case Reject():
            return "rejected"
        case Prefer(choice):
            return _OF_CHOICE.get(choice, "accepted")
        case Comment():
            return status
        case Score():
            return status if status in VERDICTS else "open"
    return "accepted" if status == "accepted" else "open"


_OF_CHOICE: dict[str, Status] = {"tie": "removed", "both bad": "rejected"}
_CHANGES = frozenset({"Edit", "Insert", "Delete", "Split", "Rewrite", "Categorise", "Adopt"})


def read_row(raw: bytes, fmt: Format | None = None) -> tuple[JSON, Format | None, Example | None, Flawed | None]:
    """`(value, format, example, flaw)` of a row's bytes, read in `fmt` or in the format it is found to be in."""
    value, problems = parse(raw, strict=True)
    if problems:
        first = problems[0]
        return None, None, None, Flawed(CODES[first.kind], f"{first.message}; {first.help}", first.pointer)
    try:
        found, example = decode_row(value, fmt)
    except RowError as error:
        return value, None, None, Flawed(error.code, error.reason, error.pointer)
    return value, found, example, None


def original_of(number: int, line: int, key: str, raw: bytes, fmt: Format | None = None) -> Original:
    """The row of the source with these bytes, read."""
    _, found, example, flaw = read_row(raw, fmt)
    return Original(number, line, key, raw, found, example, flaw)


def untouched(original: Original) -> RowState:
    """The state of a row that nothing was done to."""
    count = len(original.example.all_messages()) if original.example else 0
    return RowState("new", original.format, original.example, original.raw, original.flaw, origins=tuple(range(count)))
