"""The short way for plain rows: roles and texts, and nothing else.

Most rows of most datasets are no more than that, and need no Example to be written in another format. A
format that offers `Plain` reads and writes such rows directly as `Turns`; laws check that the short way and
the long one write the same bytes and count the same losses. Whatever is not plain takes the long way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from dsforge.example import JSON, Example, Message, Role
from dsforge.feature import ESSENTIAL
from dsforge.formats.detect import detect_row
from dsforge.io.rows import parse

if TYPE_CHECKING:
    from dsforge.formats.format import Format


Roles: TypeAlias = "tuple[Role, ...]"
Turns: TypeAlias = "tuple[Roles, Sequence[str], int | None]"
"""`(roles, texts, input_at)` of a conversation of texts; `input_at` is that of the last user message (see
`Message.input_at`)."""

_NOT_PLAIN = (orjson.JSONDecodeError, KeyError, TypeError, AttributeError)
"""What a row that is not plain may raise on the short way."""

Decode: TypeAlias = "Callable[[dict[str, JSON]], Turns | None]"


@dataclass(frozen=True)
class Plain:
    """How a format reads and writes plain rows; each gives None where the row needs the long way.

    `decode` may raise KeyError, TypeError or AttributeError for a row that is not plain. `encode` writes a text as it
    is, or leaves it to the long way.
    """

    decode: Decode
    encode: Callable[[Turns], dict[str, JSON] | None]


def _as_example(roles: Roles, texts: list[str], input_at: int | None) -> Example:
    messages = [Message(role, text) for role, text in zip(roles, texts, strict=True)]
    if input_at is not None:
        last = max(index for index, role in enumerate(roles) if role == "user")
        messages[last].input_at = input_at
    return Example(messages)


class _Kind:
    """Rows that are alike but for their texts: how many were converted, and what each lost.

    `write` gives the row with these texts as JSON; it is None where rows of the kind need the long way. `quotes` is how
    many quotation marks a row has more than what is written for it: those of keys and texts, for a quotation mark
    within a text stands in both.
    """

    __slots__ = ("first", "format", "lost", "quotes", "rows", "waiting", "write")

    def __init__(self, format_name: str, lost: frozenset[str], first: int) -> None:
        self.format = format_name
        self.lost = lost
        self.first = first
        self.rows = self.waiting = 0
        self.write: Callable[[Sequence[str]], bytes] | None = None
        self.quotes = 0


Kinds: TypeAlias = "dict[Roles, _Kind]"
Found: TypeAlias = "tuple[str, Decode, Kinds, Kinds]"
"""The name of a format, its `decode`, and the kinds of its rows: those without an input, and those with one."""


class ShortWay:
    """Converts lines to rows of format `to`, and leaves to the long way what is not plain.

    `readers` gives formats with their options in place of those that rows are found to be in. With `drop_lossy` rows
    that would lose a feature are left to the long way, which rejects them.

    What it must not overlook is a key that stands twice in a row: a parser keeps one of the two in silence. So the
    quotation marks of a whole batch are counted, read and written; only if the two differ by more than the kinds of
    its rows say is each row looked at by itself.
    """

    def __init__(
        self,
        source: Format | None,
        to: Format,
        readers: Mapping[str, Format] | None = None,
        *,
        drop_lossy: bool = False,
    ) -> None:
        self._forced = source
        self._readers = readers or {}
        self._to = to
        self._encode = to.plain.encode if to.plain else None
        self._drop_lossy = drop_lossy
        self._known: dict[tuple[str, ...], Found | None] = {}
        self._kinds: list[_Kind] = []

    def __call__(self, lines: list[bytes], first_line: int = 1) -> list[bytes | None]:
        """Each line converted, None for those that need the long way."""
        return self.convert(b"\n".join(lines), lines, first_line)[0]

    def convert(
        self, block: bytes, lines: list[bytes], first_line: int, separator: bytes = b"\n"
    ) -> tuple[list[bytes | None], bytes | None]:
        """`(each line of the block converted or None, all of them joined)`; the second is None where one is."""
        if self._encode is None:
            return [None] * len(lines), None
        converted = self._pass(lines, first_line, careful=False)
        kept = [row for row in converted if row is not None]
        joined = separator.join(kept)
        if not self._quotes_agree(block, lines, converted, joined):
            for kind in self._kinds:
                kind.waiting = 0
            converted = self._pass(lines, first_line, careful=True)
            kept = []
        for kind in self._kinds:
            kind.rows += kind.waiting
            kind.waiting = 0
        return converted, joined if len(kept) == len(lines) else None

    def _pass(self, lines: list[bytes], first_line: int, careful: bool) -> list[bytes | None]:
        converted: list[bytes | None] = []
        loads, known, add = orjson.loads, self._known, converted.append
        for raw in lines:
            encoded = kind = None
            try:
                row = loads(raw)
                found = known.get(tuple(row)) or self._find(row)
                if found is not None and (turns := found[1](row)) is not None:
                    roles, texts, at = turns
                    kind = (found[2] if at is None else found[3]).get(roles)
                    if kind is None:
                        kind = self._add_kind(found, turns, raw, first_line + len(converted))
                    if kind is not None and kind.write is not None:
                        encoded = kind.write(texts)
                        if careful and not _same_quotes(raw, encoded, kind.quotes):
                            encoded = None
            except _NOT_PLAIN:
                add(None)
                continue
            if encoded is not None and kind is not None:
                kind.waiting += 1
            add(encoded)
        return converted

    def _quotes_agree(self, block: bytes, lines: list[bytes], converted: list[bytes | None], joined: bytes) -> bool:
        """Whether the plain rows of a block have as many quotation marks as they should: no row has a key twice."""
        expected = sum(kind.waiting * kind.quotes for kind in self._kinds)
        if None in converted:
            block = b"".join([raw for raw, row in zip(lines, converted, strict=True) if row is not None])
        return _same_quotes(block, joined, expected)

    def _find(self, row: JSON) -> Found | None:
        """The format of a plain row, remembered for rows with the same keys; None where it has to go the long way."""
        if type(row) is not dict or tuple(row) in self._known:
            return None
        fmt = self._forced or detect_row(row)
        fmt = fmt and self._readers.get(fmt.name, fmt)
        if fmt is None or fmt.plain is None:
            self._known[tuple(row)] = None
            return None
        if fmt.plain.decode(row) is None:
            return None
        found = self._known[tuple(row)] = fmt.name, fmt.plain.decode, {}, {}
        return found

    def _add_kind(self, found: Found, turns: Turns, raw: bytes, line: int) -> _Kind | None:
        """The kind of a row that is the first of it; None where this row itself is no example of the kind."""
        if parse(raw, strict=True)[1] or rb"\u0022" in raw:
            return None
        name, _, kinds, split_kinds = found
        roles, texts, at = turns
        lost = self._to.losses(_as_example(roles, list(texts), at))
        kind = _Kind(name, frozenset(feature.value for feature in lost), line)
        if not (lost & ESSENTIAL or (lost and self._drop_lossy)):
            kind.write = self._writer(turns)
        if kind.write:
            kind.quotes = raw.count(b'"') - kind.write(texts).count(b'"')
        (kinds if at is None else split_kinds)[roles] = kind
        self._kinds.append(kind)
        return kind

    def _writer(self, turns: Turns) -> Callable[[Sequence[str]], bytes] | None:
        """Writes rows with the roles of `turns` and other texts; None where texts do not go in as they are."""
        roles, texts, at = turns
        assert self._encode is not None
        marks = [f"\ue000{index}" for index in range(len(texts))]
        row = self._encode((roles, marks, at))
        slots: dict[str, tuple[Any, Any]] = {}
        _find_marks(row, set(marks), slots)
        if row is None or slots.keys() != set(marks):
            return None
        write = _filler(row, [slots[mark] for mark in marks])
        return write if write(texts) == orjson.dumps(self._encode(turns)) else None

    @property
    def formats(self) -> Counter[str]:
        """The rows converted, by the format they were in."""
        counts: Counter[str] = Counter()
        for kind in self._kinds:
            if kind.rows:
                counts[kind.format] += kind.rows
        return counts

    @property
    def losses(self) -> Counter[str]:
        """The rows converted that lost a feature, by feature."""
        counts: Counter[str] = Counter()
        for kind in self._kinds:
            for feature in kind.lost if kind.rows else ():
                counts[feature] += kind.rows
        return counts

    @property
    def first_lost(self) -> dict[str, int]:
        """The line of the first row converted that lost a feature, by feature."""
        first: dict[str, int] = {}
        for kind in self._kinds:
            for feature in kind.lost if kind.rows else ():
                first[feature] = min(kind.first, first.get(feature, kind.first))
        return first


def _filler(row: JSON, slots: list[tuple[Any, Any]]) -> Callable[[Sequence[str]], bytes]:
    """Puts texts into the slots of one and the same row, and writes it: making it anew would cost more."""
    dumps = orjson.dumps
    if len(slots) == 2:
        (first, key), (second, other) = slots

        def fill_two(texts: Sequence[str]) -> bytes:
            first[key], second[other] = texts
            return dumps(row)

        return fill_two

    def fill(texts: Sequence[str]) -> bytes:
        for (holder, key), text in zip(slots, texts):  # noqa: B905 - as many of one as of the other
            holder[key] = text
        return dumps(row)

    return fill


def _find_marks(value: JSON, marks: set[str], slots: dict[str, tuple[Any, Any]]) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        if isinstance(child, str) and child in marks:
            slots[child] = value, key
        else:
            _find_marks(child, marks, slots)


def _same_quotes(read: bytes, written: bytes, expected: int) -> bool:
    r"""Whether `read` has `expected` quotation marks more than `written`.

    A quotation mark within a text is one in both, unless it stands as \u0022 in what was read.
    """
    return read.count(b'"') - written.count(b'"') == expected and rb"\u0022" not in read
