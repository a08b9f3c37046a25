"""Examples of a file: rows read, their format told, each decoded; what fails is handed to the rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from dsforge.errors import RowError
from dsforge.example import JSON, Example
from dsforge.formats.detect import detect_row
from dsforge.formats.expect import kind_of
from dsforge.formats.format import Format, get_format
from dsforge.formats.plain import NOT_PLAIN, Decode, Turns, as_example
from dsforge.io.rejects import Reject, reject_refused
from dsforge.io.rows import Batch, Refused, Row, RowReader


def _near_formats(row: dict[str, JSON]) -> str:
    keys = ", ".join(sorted(row)[:8]) or "none"
    for key, value in row.items():
        if isinstance(value, list) and value and isinstance(value[0], dict) and detect_row(value[0]):
            return f'the rows may be those within "{key}": write that array alone into a file (jq .{key})'
    return f"the row is in no known format (its keys: {keys}); see dsforge formats, or convert --map FIELD=PATH"


def decode_row(
    row: JSON, fmt: Format | None = None, readers: Mapping[str, Format] | None = None
) -> tuple[Format, Example]:
    """Decode one parsed row, by `fmt` or by the format it is found to be in.

    `readers` gives formats with their options in place of those that rows are found to be in.

    Raises:
        RowError: it is no JSON object, in no known format, or not what its format says.
    """
    found = fmt or detect_row(row)
    found = readers.get(found.name, found) if found and readers else found
    if found is None:
        if isinstance(row, list) and any(isinstance(each, dict) for each in row):
            raise RowError("an array of rows stands in the place of one: write one row to a line", code="J013")
        reason = _near_formats(row) if isinstance(row, dict) else f"a row must be a JSON object, not {kind_of(row)}"
        raise RowError(reason, code="S101")
    if not isinstance(row, list if found.rows_are_arrays else dict):
        expected = "array" if found.rows_are_arrays else "object"
        raise RowError(f"a row of {found.name} must be a JSON {expected}, not {kind_of(row)}", code="S101")
    example = found.decode(row)
    if fmt is None and example.extra and not example.is_preference:
        _refuse_second_conversation(found, example)
    return found, example


class RowDecoder:
    """Decodes rows like `decode_row`, and those of texts alone, in the format of the last such row, faster."""

    def __init__(self, fmt: Format | None = None, readers: Mapping[str, Format] | None = None) -> None:
        self._forced = fmt
        self._readers = readers
        self._plain: dict[int, tuple[Format, Decode]] = {}  # by how many fields a row has

    def __call__(self, row: JSON) -> tuple[Format, Example]:
        """The row's format and its example; raises what `decode_row` does."""
        if (plain := self.plain(row)) is not None:
            fmt, turns = plain
            return fmt, as_example(*turns)
        fmt, example = decode_row(row, self._forced, self._readers)
        if fmt.plain is not None and type(row) is dict:
            self._plain[len(row)] = fmt, fmt.plain.decode
        return fmt, example

    def plain_format(self, width: int) -> Format | None:
        """The format of the last row of so many fields that was decoded, where it has a short way."""
        known = self._plain.get(width)
        return known[0] if known else None

    def plain(self, row: JSON) -> tuple[Format, Turns] | None:
        """The format and the turns of a row of texts alone, None where it may be another, or the first of its kind."""
        if type(row) is dict and (known := self._plain.get(len(row))):
            fmt, decode = known
            try:
                turns = decode(row)
            except NOT_PLAIN:
                return None
            if turns is not None:
                return fmt, turns
        return None


def decoder_for(format_name: str) -> RowDecoder:
    """The decoder of rows in a format, or in the one that each is found to be in ("auto").

    Raises:
        UsageError: no such format.
    """
    return RowDecoder(None if format_name == "auto" else get_format(format_name))


_CONVERSATIONS = ("messages", "conversations", "conversation", "contents", "dialog")


def _refuse_second_conversation(fmt: Format, example: Example) -> None:
    """RowError where the row has another conversation beside the one that was read: which one is meant?"""
    for key in _CONVERSATIONS:
        value = example.extra.get(key)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            raise RowError(
                f"the row reads as {fmt.name}, but has a conversation in {key!r} too: keep one, or name the --format",
                f"/{key}",
                "S101",
            )


def array_is_row(value: JSON, path: str, fmt: Format | None = None) -> bool:
    """Whether an array alone in a file is a row of its own: so says `fmt`, or the array and the name of the file."""
    if fmt is not None:
        return fmt.rows_are_arrays
    return ".jsonl" in path and detect_row(value) is not None


class ExampleReader:
    """Iterates over `(row, example)` of a file; rows that cannot be decoded go to `reject`.

    `format` is a format or the name of one; "auto" lets each row tell, and `readers` then gives formats with their
    options. `formats` counts the rows decoded by format, `rows_in` all rows met. Conservation holds at the
    end: rows_in = rows yielded + rows rejected.

    Raises:
        InputError: on construction, where the file cannot be read as rows.
        UsageError: on construction, where there is no such format or encoding.
    """

    def __init__(
        self,
        source: str | Path,
        format: str | Format | None = "auto",
        reject: Callable[[Reject], None] | None = None,
        *,
        strict: bool = False,
        start: int = 0,
        end: int | None = None,
        readers: Mapping[str, Format] | None = None,
        encoding: str = "auto",
    ) -> None:
        named = get_format(format) if isinstance(format, str) and format != "auto" else format
        self.format = named if isinstance(named, Format) else None
        self.readers = readers
        self._decode = RowDecoder(self.format, readers)
        is_row = partial(array_is_row, path=str(source), fmt=self.format)
        self.rows = RowReader(source, strict=strict, start=start, end=end, encoding=encoding, array_is_row=is_row)
        self.path = self.rows.path
        self.formats: Counter[str] = Counter()
        self.rejects: list[Reject] = []
        self._reject = reject or self.rejects.append
        self.rows_in = 0

    def __iter__(self) -> Iterator[tuple[Row, Example]]:
        for row in self.rows:
            self.rows_in += 1
            if found := self.decoded(row):
                yield found

    def plain_batch(self, batch: Batch) -> list[Turns] | None:
        """The turns of each row of a batch, counted; None where one is not of texts alone: then nothing is counted."""
        if batch.doubtful:
            return None
        turns: list[Turns] = []
        formats: Counter[str] = Counter()
        for value in batch.values:
            if (plain := self._decode.plain(value)) is None:
                return None
            turns.append(plain[1])
            formats[plain[0].name] += 1
        self.formats += formats
        self.rows_in += len(turns)
        self.rows.note(batch.line, len(turns))
        return turns

    def plain_format(self, width: int) -> Format | None:
        """The format in which the short way reads rows of so many fields, None where there is none as yet."""
        return self._decode.plain_format(width)

    def note_plain(self, format_name: str, line: int, rows: int) -> None:
        """Count the lines from this number on as so many plain rows of a format, which were read in another way."""
        self.formats[format_name] += rows
        self.rows_in += rows
        self.rows.note(line, rows)

    def rows_of(self, batch: Batch) -> Iterator[tuple[Row, Example]]:
        """The rows of a batch, each with its example."""
        for row in self.rows.rows_of(batch):
            self.rows_in += 1
            if found := self.decoded(row):
                yield found

    def decoded(self, row: Row | Refused) -> tuple[Row, Example] | None:
        """A row with its example; None where it went to `reject`."""
        if not isinstance(row, Row):
            self._reject(reject_refused(self.path, row))
            return None
        try:
            fmt, example = self._decode(row.value)
        except RowError as error:
            self._reject(Reject(self.path, row.number, row.line, error.code, error.reason, error.pointer, row.raw))
            return None
        self.formats[fmt.name] += 1
        return row, example


def read_examples(
    source: str | Path, format_name: str = "auto", reject: Callable[[Reject], None] | None = None
) -> ExampleReader:
    """The examples of a file (see `ExampleReader`); without `reject` the rejects collect in `.rejects`."""
    return ExampleReader(source, format_name, reject)
