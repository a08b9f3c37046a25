"""The short way for plain rows: roles and texts, and nothing else.

Most rows of most datasets are no more than that, and need no Example to be written in another format. A
format that offers `Plain` reads and writes such rows directly as `Turns`; laws check that the short way and
the long one write the same bytes and count the same losses. Whatever is not plain takes the long way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import orjson

from dsforge.errors import RowError
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

Decode: TypeAlias = "Callable[[dict[str, JSON]], Turns | None]"
DecodeAll: TypeAlias = "Callable[[Iterable[JSON], int], Iterator[Turns | None]]"

NOT_PLAIN = (KeyError, TypeError, AttributeError)
"""What the `decode` of a format may raise for a row that is not plain."""


_LINE_BREAK = ord("\n")
_HUGE = 4 << 20
"""A batch with more bytes has a row that is larger than many others together: it is not held several times over."""


@dataclass(frozen=True)
class Plain:
    """How a format reads and writes plain rows; each gives None where the row needs the long way.

    `decode` may raise KeyError, TypeError or AttributeError for a row that is not plain. `encode` writes a text as it
    is, or leaves it to the long way. `decode_all` does the same as `decode` for many values at once, of which only
    those with so many fields can be plain; a format may bring a faster one.

    Faster still is a `shape`: a struct whose fields are all required texts, and forbids others. `decode_shapes` does
    the same as `decode` for many of them.
    """

    decode: Decode
    encode: Callable[[Turns], dict[str, JSON] | None]
    decode_all: DecodeAll | None = None
    shape: type[msgspec.Struct] | None = None
    decode_shapes: Callable[[Iterable[Any]], Iterator[Turns | None]] | None = None

    def each(self, values: Iterable[JSON], width: int) -> Iterator[Turns | None]:
        """The turns of each value, None for those that are no plain rows of `width` fields."""
        return self.decode_all(values, width) if self.decode_all else map(partial(self._one, width=width), values)

    def _one(self, value: JSON, width: int) -> Turns | None:
        try:
            return self.decode(value) if type(value) is dict and len(value) == width else None
        except NOT_PLAIN:
            return None


def as_example(roles: Roles, texts: Sequence[str], input_at: int | None) -> Example:
    """The example of a plain row."""
    messages = [Message(role, text) for role, text in zip(roles, texts)]  # noqa: B905 - takes a tenth longer
    if input_at is not None:
        last = max(index for index, role in enumerate(roles) if role == "user")
        messages[last].input_at = input_at
    return Example(messages)


class _Kind:
    """Rows that are alike but for their texts: how many were converted, and what each lost.

    `row` is filled anew for every row of the kind and written at once: making it anew would cost more. `slots` are the
    places of its texts, None where rows of the kind need the long way; `two_slots` are the same where there are two, as
    in most rows. `quotes` is how many quotation marks a row has
    more than what is written for it: those of keys and texts, for a quotation mark within a text stands in both.
    `bytes` is the same of bytes, for a row without white space and needless escapes; any other row has more.
    """

    __slots__ = ("bytes", "first", "format", "lost", "quotes", "row", "rows", "slots", "two_slots", "waiting")

    def __init__(self, format_name: str, lost: frozenset[str], first: int) -> None:
        self.format = format_name
        self.lost = lost
        self.first = first
        self.rows = self.waiting = self.quotes = self.bytes = 0
        self.row: JSON = None
        self.slots: list[tuple[Any, Any]] | None = None
        self.two_slots: tuple[Any, Any, Any, Any] | None = None

    def write(self, texts: Sequence[str]) -> bytes:
        """The row with these texts."""
        for (holder, key), text in zip(self.slots or (), texts, strict=True):
            holder[key] = text
        return orjson.dumps(self.row)


class _Source:
    """Plain rows of one format with as many fields, and their kinds: those without an input, and those with one.

    `shapes` reads the lines of a block by type, None where that cannot be done, or was in vain too often: a block that
    has to be read once more costs what two others save.
    """

    __slots__ = ("blocks", "in_vain", "kinds", "name", "plain", "shapes", "split_kinds", "width")

    def __init__(self, name: str, plain: Plain, width: int) -> None:
        self.name, self.plain, self.width = name, plain, width
        self.shapes: Callable[[bytes], list[Any]] | None = None
        if plain.shape and len(plain.shape.__struct_fields__) == width:
            self.shapes = msgspec.json.Decoder(plain.shape).decode_lines
        self.blocks = self.in_vain = 0
        self.kinds: dict[Roles, _Kind] = {}
        self.split_kinds: dict[Roles, _Kind] = {}

    def note_block(self, converted: bool) -> None:
        """Note whether a block could be read by type and converted."""
        self.blocks += 1
        self.in_vain += not converted
        if self.in_vain > 1 + self.blocks // 8:
            self.shapes = None


class ShortWay:
    """Converts lines to rows of format `to`, and leaves to the long way what is not plain.

    `readers` gives formats with their options in place of those that rows are found to be in. With `drop_lossy` rows
    that would lose a feature are left to the long way, which rejects them.

    What it must not overlook is a key that stands twice in a row: a parser keeps one of the two in silence. Where a
    batch is no longer than its rows must be, there is none. Else the quotation marks of the batch are counted, read and
    written; only if the two differ by more than the kinds of its rows say is each row looked at by itself.
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
        self._sources: dict[tuple[str, int], _Source] = {}
        self._long: set[tuple[str, ...]] = set()
        self._usual: _Source | None = None
        self._kinds: list[_Kind] = []

    def convert_block(self, block: bytes, separator: bytes) -> tuple[bytes, int] | None:
        """`(rows joined, their number)` where each line of the block is a row that needs no more care, else None.

        The fastest way, for rows of the kinds that came before, without white space: the parser knows what it will
        find.
        """
        source = self._usual
        if source is None or source.shapes is None or len(block) > _HUGE:
            return None
        converted = self._convert_shapes(source, block)
        self._settle(counted=converted is not None)
        source.note_block(converted=converted is not None)
        return None if converted is None else (separator.join(converted), len(converted))

    def _convert_shapes(self, source: _Source, block: bytes) -> list[bytes] | None:
        """Each line converted; None where the rows are not the lines, or one has more bytes than it needs to.

        A line break follows each row where it must end if it has no key twice and nothing else too many. The parser
        does not see to that: it takes any white space for the end of a line, and a row may go over several.
        """
        assert source.shapes is not None
        assert source.plain.decode_shapes is not None
        converted: list[bytes] = []
        dumps, add = orjson.dumps, converted.append
        end = -1
        if not block.endswith(b"\n"):
            block += b"\n"
        try:
            for turns in source.plain.decode_shapes(source.shapes(block)):
                if turns is None:
                    return None
                roles, texts, at = turns
                kind = (source.kinds if at is None else source.split_kinds).get(roles)
                if kind is None or kind.two_slots is None:
                    return None
                first, key, second, other = kind.two_slots
                first[key], second[other] = texts
                encoded = dumps(kind.row)
                end += len(encoded) + kind.bytes + 1
                if block[end] != _LINE_BREAK:
                    return None
                add(encoded)
                kind.waiting += 1
        except (msgspec.DecodeError, UnicodeDecodeError, IndexError):
            return None
        return converted if end == len(block) - 1 else None

    def convert(
        self, block: bytes, lines: list[bytes], first_line: int, separator: bytes = b"\n"
    ) -> tuple[list[bytes | None], bytes | None]:
        """`(each line of the block converted or None, all of them joined)`; the second is None where one is."""
        if self._encode is None or len(block) > _HUGE:
            return [None] * len(lines), None
        converted = self._pass(lines, first_line, careful=False)
        is_whole = sum(kind.waiting for kind in self._kinds) == len(lines)
        joined = separator.join(converted if is_whole else filter(None, converted))  # type: ignore[arg-type]
        if not (
            (is_whole and self._sizes_agree(block, len(lines), len(joined), len(separator)))
            or self._quotes_agree(block if is_whole else _lines_of(lines, converted), joined)
        ):
            self._settle(counted=False)
            converted = self._pass(lines, first_line, careful=True)
            is_whole = False
        self._settle(counted=True)
        return converted, joined if is_whole else None

    def _settle(self, counted: bool) -> None:
        """Count the rows that are waiting to be, or have them be gone."""
        for kind in self._kinds:
            kind.rows += kind.waiting * counted
            kind.waiting = 0

    def _pass(self, lines: list[bytes], first_line: int, careful: bool) -> list[bytes | None]:
        rows, usual, others = _parsed(lines), self._usual, 0
        converted: list[bytes | None] = []
        dumps, add = orjson.dumps, converted.append
        decoded: Iterable[Turns | None] = repeat(None, len(rows))
        if usual is not None:
            decoded = usual.plain.each(rows, usual.width)
        for index, turns in enumerate(decoded):
            source = usual
            if turns is None or source is None:
                others += 1
                source, turns = self._of_another_source(rows[index])
                if turns is None or source is None:
                    add(None)
                    continue
            roles, texts, at = turns
            kind = (source.kinds if at is None else source.split_kinds).get(roles)
            if kind is None:
                kind = self._add_kind(source, turns, lines[index], first_line + index)
            if kind is None or kind.slots is None:
                add(None)
                continue
            if kind.two_slots is not None:
                first, key, second, other = kind.two_slots
                first[key], second[other] = texts
                encoded = dumps(kind.row)
            else:
                encoded = kind.write(texts)
            if careful and not _same_quotes(lines[index], encoded, kind.quotes):
                add(None)
                continue
            kind.waiting += 1
            add(encoded)
        if others > len(lines) // 2:
            self._usual = next((source for source in reversed(self._sources.values()) if source is not usual), usual)
        return converted

    def _sizes_agree(self, block: bytes, lines: int, joined: int, separator: int) -> bool:
        """Whether the block has as many bytes as its rows need at least: then none of them has a key twice."""
        read = len(block) - lines + (not block.endswith(b"\n"))
        written = joined - separator * (lines - 1)
        return read - written == sum(kind.waiting * kind.bytes for kind in self._kinds)

    def _quotes_agree(self, read: bytes, written: bytes) -> bool:
        """Whether there are as many quotation marks as there should be: then no row has a key twice."""
        return _same_quotes(read, written, sum(kind.waiting * kind.quotes for kind in self._kinds))

    def _of_another_source(self, row: JSON) -> tuple[_Source | None, Turns | None]:
        """A row that is not of the usual source: its own and its turns, None where it has to go the long way."""
        if type(row) is not dict or tuple(row) in self._long:
            return None, None
        fmt = self._forced or detect_row(row)
        fmt = fmt and self._readers.get(fmt.name, fmt)
        if fmt is None or fmt.plain is None:
            if len(row) <= 100:
                self._long.add(tuple(row))
            return None, None
        turns = next(iter(fmt.plain.each((row,), len(row))))
        if turns is None:
            return None, None
        source = self._sources.get((fmt.name, len(row)))
        if source is None:
            source = self._sources[fmt.name, len(row)] = _Source(fmt.name, fmt.plain, len(row))
        return source, turns

    def _add_kind(self, source: _Source, turns: Turns, raw: bytes, line: int) -> _Kind | None:
        """The kind of a row that is the first of it; None where this row itself is no example of the kind."""
        if parse(raw, strict=True)[1] or rb"\u0022" in raw:
            return None
        roles, texts, at = turns
        example = as_example(roles, texts, at)
        lost = self._to.losses(example)
        kind = _Kind(source.name, frozenset(feature.value for feature in lost), line)
        if not (lost & ESSENTIAL or (lost and self._drop_lossy)):
            self._find_slots(kind, turns, example)
        if kind.slots is not None:
            encoded = kind.write(texts)
            kind.quotes = raw.count(b'"') - encoded.count(b'"')
            kind.bytes = len(orjson.dumps(orjson.loads(raw))) - len(encoded)
        (source.kinds if at is None else source.split_kinds)[roles] = kind
        self._kinds.append(kind)
        return kind

    def _find_slots(self, kind: _Kind, turns: Turns, example: Example) -> None:
        """Give the kind a row to fill in, unless it is refused or texts do not go into the format as they are."""
        roles, texts, at = turns
        assert self._encode is not None
        marks = [f"\ue000{index}" for index in range(len(texts))]
        kind.row = self._encode((roles, marks, at))
        slots: dict[str, tuple[Any, Any]] = {}
        _find_marks(kind.row, set(marks), slots)
        if kind.row is None or slots.keys() != set(marks):
            return
        kind.slots = [slots[mark] for mark in marks]
        if kind.write(texts) != self._written_the_long_way(example):
            kind.slots = None
        elif len(marks) == 2:
            kind.two_slots = (*kind.slots[0], *kind.slots[1])

    def _written_the_long_way(self, example: Example) -> bytes | None:
        try:
            return orjson.dumps(self._to.encode(example))
        except RowError:
            return None

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


def _lines_of(lines: list[bytes], converted: list[bytes | None]) -> bytes:
    """The lines that were converted, one after another."""
    return b"".join([raw for raw, row in zip(lines, converted, strict=True) if row is not None])


def _parsed(lines: list[bytes]) -> list[JSON]:
    """The value of each line, None where it is no JSON."""
    try:
        return [*map(orjson.loads, lines)]
    except orjson.JSONDecodeError:
        return [*map(_parsed_alone, lines)]


def _parsed_alone(line: bytes) -> JSON:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


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
