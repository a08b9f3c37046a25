"""The rows of a file by number: an index of where each begins, its digest, and nothing of the rows themselves."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import blake2b
from io import FileIO
from pathlib import Path

from dsforge.errors import InputError
from dsforge.formats.format import Format
from dsforge.formats.read import array_is_row
from dsforge.io.encoding import UTF8_BOM
from dsforge.io.jsonl import lines_of
from dsforge.io.naming import file_of
from dsforge.io.rows import RowReader
from dsforge.io.spill import Spill
from dsforge.review.state import Original, original_of

_DIGEST = 16  # bytes


class NoSuchRowError(InputError):
    """A number that no row of the file has."""


class RowSource:
    """The rows of a file, read when they are asked for: about 40 bytes of memory for each.

    Rows of a packed file or a table are kept in a temporary file meanwhile, for such a file has no places to go to.
    `digest` is that of all rows in their order, `notices` what the user should know of how the file was read. Any
    thread may call.

    Raises:
        InputError: on construction, where the file cannot be read as rows.
    """

    def __init__(self, path: str, fmt: Format | None = None) -> None:
        if path == "-":
            raise InputError("a review needs a file to stand beside: standard input is none")
        self.path = path
        self.format = fmt
        self._lock = threading.Lock()
        self._spill: Spill | None = None
        self._file: FileIO | None = None
        self._starts, self._sizes, self._lines = array("Q"), array("I"), array("Q")
        self._digests = bytearray()
        reader = RowReader(path, strict=True, array_is_row=partial(array_is_row, path=path, fmt=fmt))
        is_plain = reader.layout != "table" and not reader.compressed and reader.encoding == "utf-8"
        if is_plain:
            self._file = file_of(path).open("rb", buffering=0)  # what changes in the file meanwhile is to be seen
        else:
            self._spill = Spill()
        if is_plain and reader.layout == "jsonl":
            self._index_lines(reader)
        else:
            self._index_rows(reader)
        self.notices = list(reader.notices)
        self.digest = blake2b(self._digests, digest_size=_DIGEST).hexdigest()
        self._copies = self._find_copies()

    def _index_lines(self, reader: RowReader) -> None:
        """The rows of a JSONL file, many lines at a time: as `RowReader.row_of_line` has them, in half its time."""
        line = 0
        for offset, block in reader.line_batches():
            for raw in lines_of(block):
                line += 1
                start, offset = offset, offset + len(raw) + 1
                row = raw.removesuffix(b"\r")
                if start == 0 and row.startswith(UTF8_BOM):
                    row, start = row.removeprefix(UTF8_BOM), len(UTF8_BOM)
                if row and not row.isspace():
                    self._note(line, start, row)

    def _index_rows(self, reader: RowReader) -> None:
        for _, line, _, offset, raw in reader.raw_rows():
            if self._spill is not None:
                self._spill.append(raw)
            self._note(line, offset, raw)

    def _note(self, line: int, start: int, raw: bytes) -> None:
        self._starts.append(start)
        self._sizes.append(len(raw))
        self._lines.append(line)
        self._digests += blake2b(raw, digest_size=_DIGEST).digest()

    def _find_copies(self) -> dict[int, int]:
        """Which of equal rows a row is, from 2 on, for those that are not the first."""
        digests = self._all_digests()
        if len(set(digests)) == len(digests):
            return {}
        seen: dict[bytes, int] = {}
        copies = {}
        for at, digest in enumerate(digests):
            seen[digest] = seen.get(digest, 0) + 1
            if seen[digest] > 1:
                copies[at] = seen[digest]
        return copies

    def _all_digests(self) -> list[bytes]:
        return [bytes(self._digests[at : at + _DIGEST]) for at in range(0, len(self._digests), _DIGEST)]

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def folder(self) -> Path:
        """The folder that the data file lies in, resolved."""
        return file_of(self.path).resolve().parent

    @property
    def sizes(self) -> Sequence[int]:
        """The bytes of each row."""
        return self._sizes

    def first_bits(self) -> list[int]:
        """A number from 0 to 2^64 for each row, told by its bytes alone: random, and the same in every run."""
        return [int.from_bytes(self._digests[at : at + 8], "big") for at in range(0, len(self._digests), _DIGEST)]

    def key(self, number: int) -> str:
        """`Original.key` of a row; rows count from 1."""
        at = (number - 1) * _DIGEST
        copy = self._copies.get(number - 1)
        digest = self._digests[at : at + _DIGEST].hex()
        return f"{digest}-{copy}" if copy else digest

    def numbers(self) -> dict[str, int]:
        """The number of each row by its key: for matching decisions where the file has changed."""
        return {self.key(number): number for number in range(1, len(self) + 1)}

    def raw(self, number: int) -> bytes:
        """The bytes of a row.

        Raises:
            InputError: the file has changed since it was opened, or there is no such row.
        """
        if not 1 <= number <= len(self):
            raise NoSuchRowError(f"{self.path} has no row {number}")
        at = number - 1
        with self._lock:
            if self._spill is not None:
                return self._spill[at]
            assert self._file is not None  # one of the two is there until it is closed
            self._file.seek(self._starts[at])
            raw = self._file.read(self._sizes[at])
        if blake2b(raw, digest_size=_DIGEST).digest() != self._digests[at * _DIGEST : (at + 1) * _DIGEST]:
            raise InputError(f"{self.path} has changed while it was open (row {number} is another): start again")
        return raw

    def original(self, number: int) -> Original:
        """A row, read."""
        raw = self.raw(number)
        return original_of(number, self._lines[number - 1], self.key(number), raw, self.format)

    def originals(self) -> Iterator[Original]:
        """All rows in order, read one after the other."""
        return map(self.original, range(1, len(self) + 1))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        if self._spill is not None:
            self._spill.close()
