"""What another tool is: rows go out in its form, and what people did there comes back as decisions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson

from dsforge.errors import InputError, OutputError, UsageError, did_you_mean
from dsforge.example import JSON, Example, Message, at_path
from dsforge.io.atomic import atomic_write
from dsforge.registry import values
from dsforge.review.decision import Action, Adopt, Choice, Decision, Delete, Edit, Insert, Rewrite, Split
from dsforge.review.marks import mark_of, message_of
from dsforge.review.record import ReviewedRow
from dsforge.review.review import Review
from dsforge.review.state import Original, read_row


class Turn(NamedTuple):
    """A message as other tools see it: its number in `Example.all_messages()`, its role, its text with calls of tools
    below it."""

    message: int
    role: str
    text: str


class Span(NamedTuple):
    """Characters `[start, end)` of the text of turn `turn`, counted from 0, that a finding means, and its label."""

    turn: int
    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Task:
    """A row as other tools see it, as it stands in the source.

    `turns` are the conversation, or the prompt of a pair; `chosen` and `rejected` are the texts of its answers, with
    `chosen_first` saying which stands first: by the row, so that neither place is the better one. `answer` is the last
    turn where it is the assistant's and can be written anew. `notes` says all that lint found, one to a line.
    """

    original: Original
    turns: Sequence[Turn]
    answer: Turn | None
    chosen: str
    rejected: str
    chosen_first: bool
    category: str
    spans: Sequence[Span]
    notes: str
    codes: Sequence[str]

    @property
    def is_pair(self) -> bool:
        """Whether it is a preference pair."""
        example = self.original.example
        return example is not None and example.is_preference

    @property
    def title(self) -> str:
        """What people see of where it stands."""
        return f"row {self.original.number}"

    @property
    def sides(self) -> tuple[str, str]:
        """The two answers of a pair in the order in which they are shown."""
        return (self.chosen, self.rejected) if self.chosen_first else (self.rejected, self.chosen)

    def choice(self, first_is_better: bool) -> Choice:
        """Which answer of the source the better one is."""
        return "chosen" if first_is_better == self.chosen_first else "rejected"


class Did(NamedTuple):
    """What one person did to one row elsewhere: the actions in their order, and when (seconds since 1970)."""

    key: str
    annotator: str
    time: float
    actions: Sequence[Action]


@dataclass
class Sent:
    """What went out: `rows`, the files written, and rows `left_out` by reason. rows_in = rows + those left out."""

    rows: int = 0
    files: list[Path] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass
class Brought:
    """What came back: decisions to add, how many are in the journal already, and what could not be made one, by
    reason."""

    decisions: list[Decision] = field(default_factory=list)
    known: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Tool:
    """Another tool.

    `write(review, output)` writes all rows in its form; `read(review, source, annotator)` gives what was done there,
    `annotator` naming who did it where the tool does not tell.

    Raises:
        UsageError, InputError, OutputError, MissingExtraError
    """

    name: str
    summary: str
    write: Callable[[Review, Path], Sent]
    read: Callable[[Review, Path, str], Brought]


@lru_cache(maxsize=1)
def all_tools() -> dict[str, Tool]:
    """Every tool by name."""
    return {tool.name: tool for tool in values("dsforge.review.tools", "TOOL", Tool)}


def get_tool(name: str) -> Tool:
    """The tool called `name`; UsageError where there is none."""
    try:
        return all_tools()[name]
    except KeyError:
        raise UsageError(f"no tool {name!r}{did_you_mean(name, all_tools())}") from None


# -- out -----------------------------------------------------------------------------------------------


def tasks(review: Review, sent: Sent) -> Iterator[Task]:
    """Every row that can be shown elsewhere; the others are counted in `sent`."""
    for row in review.rows():
        task = task_of(row)
        if task is None:
            sent.left_out["it cannot be read: mend it in dsforge review"] += 1
            continue
        sent.rows += 1
        yield task


def task_of(row: ReviewedRow) -> Task | None:
    """A row as other tools see it, None where it cannot be read."""
    original = row.original
    example = original.example
    if example is None:
        return None
    turns = [Turn(at, message.role, told(message)) for at, message in enumerate(example.messages)]
    spans, notes = _found(row, example)
    last = turns[-1] if turns else None
    rewritable = last is not None and last.role == "assistant" and last.text == example.messages[-1].content
    return Task(
        original=original,
        turns=turns,
        answer=last if rewritable and not example.is_preference else None,
        chosen=_together(example.chosen or []),
        rejected=_together(example.rejected or []),
        chosen_first=blake2b(original.key.encode(), digest_size=1).digest()[0] % 2 == 0,
        category=category_of(example),
        spans=spans,
        notes="\n".join(notes),
        codes=sorted({finding.code for finding in row.findings}),
    )


def told(message: Message) -> str:
    """The text of a message, its calls of tools below it as JSON, and a word for each picture or recording."""
    calls = [call.text for call in message.tool_calls]
    media = [f"[{each.kind}: {each.url[:200]}]" for each in message.media]
    return "\n".join(filter(None, [message.text, *media, *calls]))


def category_of(example: Example) -> str:
    """The category in the metadata, "" where there is none."""
    value = at_path(example.meta, ["category"])
    return value if isinstance(value, str) else ""


def _together(messages: Sequence[Message]) -> str:
    return "\n\n".join(told(message) for message in messages)


def _found(row: ReviewedRow, example: Example) -> tuple[list[Span], list[str]]:
    """Where findings stand in the turns, and all that they say."""
    original = row.original
    assert original.format is not None  # it was read
    value, *_ = read_row(original.raw, original.format)
    places = original.format.places(value, example)
    messages = example.all_messages()
    raw = original.raw.decode(errors="surrogateescape")
    spans, notes = [], []
    for number, finding in enumerate(row.findings):
        notes.append(f"{finding.code} {finding.name}: {finding.message}")
        at = message_of(finding, places)
        if at is None or at >= len(example.messages):
            continue
        mark = mark_of(finding, raw, messages[at].text, number)
        start, end = (mark.start, mark.end) if mark else (0, len(messages[at].text))
        if end > start:
            spans.append(Span(at, start, end, f"{finding.code} {finding.name}"))
    return spans, notes


def write_json(path: Path, value: JSON) -> None:
    """A JSON file for people and programs, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_write(path) as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")


def new_folder(path: Path) -> Path:
    """The folder `path`, made where it is not there.

    Raises:
        OutputError: it cannot be made, or holds something already.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise OutputError(f"{path} is not empty: name another folder")
    except OSError as error:
        raise OutputError(f"{path} cannot be made: {error.strerror or error}") from error
    return path


# -- back ----------------------------------------------------------------------------------------------


def read_json(path: Path) -> JSON:
    """The value of a JSON file.

    Raises:
        InputError: it cannot be read, or is no JSON.
    """
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is no JSON: {error}") from error


def read_list(path: Path, what: str) -> list[JSON]:
    """The list in a JSON file.

    Raises:
        InputError: it cannot be read, or holds something else than `what`.
    """
    value = read_json(path)
    if not isinstance(value, list):
        raise InputError(f"{path} holds no list: {what} is wanted")
    return value


def brought(review: Review, origin: str, did: Iterable[Did], passed_over: Counter[str]) -> Brought:
    """What people did elsewhere as decisions: what the journal does not have as the last word of each from there.

    An edit that was taken back there is taken back here. The same file brought in twice counts once.
    """
    result = Brought(passed_over=passed_over)
    numbers = review.source.numbers()
    of_each: dict[tuple[int, str], list[Did]] = {}
    for each in did:
        if (row := numbers.get(each.key)) is None:
            result.passed_over["its row is not in the file"] += 1
        else:
            of_each.setdefault((row, each.annotator), []).append(each)
    for (row, annotator), theirs in of_each.items():
        last = max(theirs, key=lambda each: each.time)
        result.passed_over["an earlier annotation by the same person"] += len(theirs) - 1
        before = [each for each in review.decisions(row) if each.annotator == annotator]
        if any(isinstance(each, Edit) for each in last.actions) and any(
            isinstance(each.action, _MOVES) for each in before
        ):
            result.passed_over["its messages were moved in dsforge review: edit it there"] += 1
            continue
        mine = [each.action for each in before if each.origin == origin]
        actions = [*_taken_back(review, row, mine, last.actions), *last.actions]
        if mine[-len(actions) :] == actions:
            result.known += len(actions)
            continue
        for at, action in enumerate(actions, len(mine)):
            what = msgspec.json.encode([last.key, annotator, at, action])
            identity = f"{origin}-{blake2b(what, digest_size=12).hexdigest()}"
            result.decisions.append(Decision(row, last.key, annotator, last.time, action, identity, origin=origin))
    result.passed_over = +result.passed_over
    return result


_MOVES = (Insert, Delete, Split, Rewrite, Adopt)
"""Actions after which a message may have another number than in the source, by which other tools name it."""


def _taken_back(review: Review, row: int, mine: Sequence[Action], now: Sequence[Action]) -> Iterator[Edit]:
    """Edits that bring back messages which `mine` edited and `now` does not."""
    edited = {action.message: action.text for action in mine if isinstance(action, Edit)}
    still = {action.message for action in now if isinstance(action, Edit)}
    example = review.source.original(row).example
    assert example is not None  # it went out
    messages = example.all_messages()
    for message in sorted(edited.keys() - still):
        if message < len(messages) and edited[message] != messages[message].text:
            yield Edit(message, messages[message].text)


def seconds(text: object) -> float:
    """Seconds since 1970 of a time in ISO 8601; now where it is none."""
    if isinstance(text, str):
        try:
            return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        except ValueError:
            pass
    return time.time()
