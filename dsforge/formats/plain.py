"""The short way for plain rows: roles and texts, and nothing else.

Most rows of most datasets are no more than that, and need no Example to be written in another format. A
format that offers `Plain` reads and writes such rows directly as `Turns`; laws check that the short way and
the long one write the same bytes and count the same losses. Whatever is not plain takes the long way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import orjson

from dsforge.example import JSON, Example, Message, Role
from dsforge.feature import ESSENTIAL
from dsforge.formats.detect import detect_row

if TYPE_CHECKING:
    from dsforge.formats.format import Format


Roles: TypeAlias = "tuple[Role, ...]"
Turns: TypeAlias = "tuple[Roles, list[str], int, int | None]"
"""`(roles, texts, strings, input_at)` of a conversation of texts. `strings` is how many JSON texts the row
consists of, keys included; `input_at` is that of the last user message (see `Message.input_at`)."""


Decode: TypeAlias = Callable[[dict[str, JSON]], "Turns | None"]


@dataclass(frozen=True)
class Plain:
    """How a format reads and writes plain rows; each gives None where the row needs the long way."""

    decode: Decode
    encode: Callable[[Turns], dict[str, JSON] | None]


def repeats_no_key(raw: bytes, strings: int) -> bool:
    """Whether a row that parsed to `strings` texts, keys included, surely holds no key twice.

    Each text has two quotes of its own. A quote within a text has a backslash before it, and so has one that
    ends a text only where a backslash is escaped, which is left to the long way. So there are as many
    quotes without a backslash as the row has texts of its own, and none was dropped if they are as expected.
    """
    quotes = raw.count(b'"')
    if quotes == 2 * strings:
        return True
    return b"\\\\" not in raw and quotes - raw.count(b'\\"') == 2 * strings


def _as_example(roles: Roles, texts: list[str], input_at: int | None) -> Example:
    messages = [Message(role, text) for role, text in zip(roles, texts, strict=True)]
    if input_at is not None:
        last = max(index for index, role in enumerate(roles) if role == "user")
        messages[last].input_at = input_at
    return Example(messages)


class _Kind:
    """Rows that are alike but for their texts: how many were converted, and what each lost.

    `lost` is None where rows of the kind need the long way.
    """

    __slots__ = ("format", "lost", "rows")

    def __init__(self, format_name: str, lost: frozenset[str] | None) -> None:
        self.format = format_name
        self.lost = lost
        self.rows = 0


class ShortWay:
    """Converts raw rows to raw rows of format `to`, or gives None where a row needs the long way."""

    def __init__(self, source: Format | None, to: Format) -> None:
        self._forced = source
        self._to = to
        self._encode = to.plain.encode if to.plain else None
        self._known: dict[tuple[str, ...], tuple[str, Decode]] = {}
        self._kinds: dict[tuple[str, Roles, bool], _Kind] = {}

    def __call__(self, raw: bytes) -> bytes | None:
        """The converted row, None where it is not plain, broken or cannot be held."""
        try:
            row = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        if type(row) is not dict or self._encode is None:
            return None
        found = self._known.get(tuple(row)) or self._find(row)
        if found is None:
            return None
        name, decode = found
        turns = decode(row)
        if turns is None or not repeats_no_key(raw, turns[2]):
            return None
        kind = self._kinds.get((name, turns[0], turns[3] is None)) or self._add_kind(name, turns)
        written = None if kind.lost is None else self._encode(turns)
        if written is None:
            return None
        kind.rows += 1
        return orjson.dumps(written)

    def _find(self, row: dict[str, JSON]) -> tuple[str, Decode] | None:
        """The format of a plain row, remembered for rows with the same keys."""
        fmt = self._forced or detect_row(row)
        if fmt is None or fmt.plain is None or fmt.plain.decode(row) is None:
            return None
        found = self._known[tuple(row)] = fmt.name, fmt.plain.decode
        return found

    def _add_kind(self, name: str, turns: Turns) -> _Kind:
        roles, texts, _, input_at = turns
        lost = self._to.losses(_as_example(roles, texts, input_at))
        kind = _Kind(name, None if lost & ESSENTIAL else frozenset(feature.value for feature in lost))
        self._kinds[name, roles, input_at is None] = kind
        return kind

    @property
    def formats(self) -> Counter[str]:
        """The rows converted, by the format they were in."""
        counts: Counter[str] = Counter()
        for kind in self._kinds.values():
            counts[kind.format] += kind.rows
        return counts

    @property
    def losses(self) -> Counter[str]:
        """The rows converted that lost a feature, by feature."""
        counts: Counter[str] = Counter()
        for kind in self._kinds.values():
            for feature in kind.lost or ():
                counts[feature] += kind.rows
        return counts
