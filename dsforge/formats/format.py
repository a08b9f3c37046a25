"""What a format is: a name, what it can hold, and a pair of pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from dsforge.errors import RowError, UsageError, did_you_mean
from dsforge.example import JSON, Example
from dsforge.feature import ESSENTIAL, Feature, used_features
from dsforge.registry import values

if TYPE_CHECKING:
    from dsforge.formats.plain import Plain

RowValue: TypeAlias = "dict[str, JSON]"
"""A row parsed from JSON."""

CANNOT_HOLD = "S902"
"""The code of a reject that a format cannot hold."""


def _no_places(row: RowValue, example: Example) -> list[str]:
    return []


def _nothing(example: Example) -> set[Feature]:
    return set()


@dataclass(frozen=True, slots=True)
class Option:
    """A choice where trainers disagree: `choices` by name, each with who wants it; the first is the default.

    `read` and `write` say which of the format's two functions takes it, as a keyword argument (`join`,
    `loss_flag`). `loses` are the features that cannot be held under a choice. `plain` is whether it
    concerns rows of roles and texts alone.
    """

    name: str
    summary: str
    choices: Mapping[str, str]
    read: bool = False
    write: bool = False
    loses: Mapping[str, frozenset[Feature]] = field(default_factory=dict)
    plain: bool = False

    @property
    def default(self) -> str:
        """What is done where the user says nothing."""
        return next(iter(self.choices))

    @property
    def keyword(self) -> str:
        """The name of the argument that takes it."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Format:
    """A format of rows.

    `detect(row)` is how sure the format is that the row is its own, 0 to 100; it looks at keys first, and is asked only
    about rows that have one of `keys`. `decode` raises RowError where the row is not what the format says. `encode`
    is given only what the format can hold of an example (see `losses`) and raises RowError where nothing sensible is
    left. `places(row, example)` is the JSON Pointer of the text of each message (as `Example.all_messages` has them).

    `keys` are the row's own fields and `message_keys` those of a message; others travel in `extra`, unless they are
    called as one of these: then they would say something else, and are lost. `beyond` are the features that the format
    holds, but not as this example uses them. A row is a JSON object, an array where `rows_are_arrays`. `row` is the
    type of a row, of structs and plain types, of which `schema_of` makes a JSON Schema: whatever `encode` writes
    and `decode` can read. `plain` is a short way for rows of roles and texts alone; it may be left out. `dialects` are
    further names of the format, each with the options that it stands for.
    """

    name: str
    summary: str
    example: str
    holds: frozenset[Feature]
    keys: frozenset[str]
    detect: Callable[[Any], int]
    decode: Callable[[Any], Example]
    encode: Callable[[Example], JSON]
    places: Callable[[Any, Example], list[str]] = field(default=_no_places)
    aliases: tuple[str, ...] = field(default=())
    message_keys: frozenset[str] = field(default=frozenset())
    plain: Plain | None = field(default=None)
    options: tuple[Option, ...] = field(default=())
    rows_are_arrays: bool = field(default=False)
    beyond: Callable[[Example], set[Feature]] = field(default=_nothing)
    dialects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    row: object = field(default=Any)

    def configured(self, chosen: Mapping[str, str]) -> Format:
        """This format with options chosen by name; those of other formats are passed over.

        Raises:
            UsageError: a choice that the option does not have.
        """
        decode, encode, holds, plain = self.decode, self.encode, self.holds, self.plain
        for option in self.options:
            choice = chosen.get(option.name, option.default)
            if choice not in option.choices:
                raise UsageError(f"{self.name}: no {option.name} {choice!r}{did_you_mean(choice, option.choices)}")
            if choice == option.default:
                continue
            if option.read:
                decode = partial(decode, **{option.keyword: choice})
            if option.write:
                encode = partial(encode, **{option.keyword: choice})
            if option.plain:
                plain = None
            holds = holds - option.loses.get(choice, frozenset())
        return replace(self, decode=decode, encode=encode, holds=holds, plain=plain)

    def losses(self, example: Example) -> set[Feature]:
        """What `example` uses and this format cannot hold: what `encode` will leave out."""
        lost = (used_features(example) - self.holds) | self.beyond(example)
        if not self.keys.isdisjoint(example.extra):
            lost.add(Feature.EXTRA)
        if any(not self.message_keys.isdisjoint(message.extra) for message in example.all_messages()):
            lost.add(Feature.MESSAGE_EXTRA)
        return lost

    def written(self, example: Example) -> tuple[JSON, set[Feature]]:
        """`(row value, features lost)` of any example.

        Raises:
            RowError: the format cannot hold what makes the example what it is (turns, tool calls, images, the pair).
        """
        lost = self.losses(example)
        if essential := lost & ESSENTIAL:
            names = " and ".join(sorted(feature.value for feature in essential))
            raise RowError(f"{self.name} cannot hold: {names}", code=CANNOT_HOLD)
        return self.encode(example), lost


@lru_cache(maxsize=1)
def all_formats() -> dict[str, Format]:
    """Every format by name, found by a walk over this folder."""
    return {fmt.name: fmt for fmt in values("dsforge.formats", "FORMAT", Format)}


def get_format(name: str, options: Mapping[str, str] | None = None) -> Format:
    """The format called `name` (or by an alias, or a dialect with its options), with `options` chosen.

    Raises:
        UsageError: there is no such format, or an option has no such choice.
    """
    for fmt in all_formats().values():
        if name == fmt.name or name in fmt.aliases or name in fmt.dialects:
            chosen = {**fmt.dialects.get(name, {}), **(options or {})}
            return fmt.configured(chosen) if chosen else fmt
    names = {known for fmt in all_formats().values() for known in (fmt.name, *fmt.aliases, *fmt.dialects)}
    raise UsageError(f"no format {name!r}{did_you_mean(name, names)}")
