"""What a format is: a name, what it can hold, and a pair of pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from dsforge.errors import UsageError, did_you_mean
from dsforge.example import JSON, Example
from dsforge.feature import Feature, used_features
from dsforge.registry import values

if TYPE_CHECKING:
    from dsforge.formats.plain import Plain

RowValue: TypeAlias = "dict[str, JSON]"
"""A row parsed from JSON."""


def _no_places(row: RowValue, example: Example) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Format:
    """A format of rows.

    `detect(row)` is how sure the format is that the row is its own, 0 to 100; it looks at keys only.
    `decode` raises RowError where the row is not what the format says. `encode` is given only what the
    format can hold of an example (see `losses`) and raises RowError where nothing sensible is left.
    `keys` are the row's own fields and `message_keys` those of a message; others travel in `extra`, unless they are
    called as one of these: then they would say something else, and are lost. `places(row, example)` is the JSON
    Pointer of the text of each message (of messages, chosen, rejected, in that order). `plain` is a short
    way for rows of roles and texts alone; it may be left out.
    """

    name: str
    summary: str
    example: str
    holds: frozenset[Feature]
    keys: frozenset[str]
    detect: Callable[[RowValue], int]
    decode: Callable[[RowValue], Example]
    encode: Callable[[Example], RowValue]
    places: Callable[[RowValue, Example], list[str]] = field(default=_no_places)
    aliases: tuple[str, ...] = field(default=())
    message_keys: frozenset[str] = field(default=frozenset())
    plain: Plain | None = field(default=None)

    def losses(self, example: Example) -> set[Feature]:
        """What `example` uses and this format cannot hold: what `encode` will leave out."""
        lost = used_features(example) - self.holds
        if not self.keys.isdisjoint(example.extra):
            lost.add(Feature.EXTRA)
        if any(not self.message_keys.isdisjoint(message.extra) for message in example.all_messages()):
            lost.add(Feature.MESSAGE_EXTRA)
        return lost


@lru_cache(maxsize=1)
def all_formats() -> dict[str, Format]:
    """Every format by name, found by a walk over this folder."""
    return {fmt.name: fmt for fmt in values("dsforge.formats", "FORMAT", Format)}


def get_format(name: str) -> Format:
    """The format called `name` (or by an alias of it).

    Raises:
        UsageError: there is no such format.
    """
    for fmt in all_formats().values():
        if name == fmt.name or name in fmt.aliases:
            return fmt
    raise UsageError(f"no format {name!r}{did_you_mean(name, all_formats())}")
