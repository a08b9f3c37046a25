"""How rows lie in a file that is not JSON: one frozen `Container` per kind, each in a file of `containers/`.

JSONL and JSON never come here, so that reading them imports none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, TypeAlias

from dsforge.example import JSON
from dsforge.io.diagnose import Problem
from dsforge.registry import values

Rows: TypeAlias = Callable[[], Iterable[bytes]]
"""Rows as one-line JSON, to be gone through as often as a container needs to."""


class TableRow(NamedTuple):
    """A row of a table: the line a person would look at, and the row as JSON.

    `raw` is empty for a blank row. With `problems` the row could not be read; `raw` is then a JSON array of what
    its cells hold, which no format takes for a row.
    """

    line: int
    raw: bytes
    problems: tuple[Problem, ...] = ()


@dataclass
class Opened:
    """A file that is open at its beginning, seekable and unpacked; text is UTF-8. `part` is what `#` named.

    What a reader has to tell the user it adds to `notices`.
    """

    name: str
    file: BinaryIO
    part: str = ""
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Container:
    """One kind of file.

    `recognise` is given the first bytes and the file; a container of text has no bytes to be known by, only its
    `suffixes`. `rows` reads a table: what makes the whole file unfit is raised at once, not when it is iterated.
    `parts` says that `FILE#PART` names one of several. `member` opens the JSON within. `write` writes a table and
    returns notices. `refusal` is the reason why a row cannot stand in such a file, None where it can.
    """

    name: str
    suffixes: tuple[str, ...]
    recognise: Callable[[bytes, BinaryIO], bool] = lambda head, file: False
    rows: Callable[[Opened], Iterator[TableRow]] | None = None
    member: Callable[[Opened], BinaryIO] | None = None
    write: Callable[[BinaryIO, Rows, str, bool], list[str]] | None = None
    refusal: Callable[[JSON], str | None] = lambda row: None
    text: bool = False
    parts: bool = False
    needs: tuple[str, ...] = ()
    """Modules of the `tables` extra that writing imports."""


def all_containers() -> tuple[Container, ...]:
    """Every container."""
    return values("dsforge.io.containers", "CONTAINER", Container)


def container_named(name: str) -> Container | None:
    """The container whose suffix the name ends in."""
    return next((found for found in all_containers() if name.lower().endswith(found.suffixes)), None)


def container_of(head: bytes, file: BinaryIO) -> Container | None:
    """The container that a file's first bytes belong to; the file is left at its beginning."""
    for found in all_containers():
        fits = found.recognise(head, file)
        file.seek(0)
        if fits:
            return found
    return None
