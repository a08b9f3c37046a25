"""Reads the rows of a dataset, meets exact copies on the way and sketches the rest."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple

from dsforge.example import Example
from dsforge.formats.format import get_format
from dsforge.formats.read import ExampleReader
from dsforge.io.rejects import Reject
from dsforge.io.rows import one_line
from dsforge.io.source import open_source
from dsforge.io.spill import Spill
from dsforge.similarity.compared import On, compared
from dsforge.similarity.lsh import Banding
from dsforge.similarity.sketch import Sketches


class Place(NamedTuple):
    """Where a row stands: its file, and its row and line in it, from 1."""

    path: str
    row: int
    line: int


class Collected:
    """The rows of one or several files, taken for one dataset. Close it, or use it in a `with`.

    Rows that could be decoded are numbered from 0 in input order; `original[r]` is the first row that r is
    an exact copy of (r itself where there is none before it). Documents are the originals, also numbered
    from 0: `document_row[d]` is the row of document d. `sketches` is None where only copies are asked for.
    """

    def __init__(self, on: On, banding: Banding | None, workers: int = 1) -> None:
        self._on = on
        self._paths: list[str] = []
        self._path, self._row, self._line = array("q"), array("q"), array("q")
        self._raw = Spill()
        self._first: dict[bytes, int] = {}
        self.original = array("q")
        self.document_row = array("q")
        self.sketches = Sketches(banding, workers) if banding else None
        self.rejects: list[Reject] = []
        self.notices: list[str] = []
        self.rows_in = 0

    def __enter__(self) -> Collected:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()
        if self.sketches:
            self.sketches.close()

    def __len__(self) -> int:
        return len(self.original)

    def read(self, source: str, format_name: str, see: Callable[[Example], None] | None = None) -> None:
        """Take in the rows of a file, showing each example to `see`; rows that fail go to `rejects`."""
        reader = ExampleReader(source, format_name, self.rejects.append)
        self._paths.append(reader.path)
        for row, example in reader:
            number = len(self.original)
            self._path.append(len(self._paths) - 1)
            self._row.append(row.number)
            self._line.append(row.line)
            self._raw.append(one_line(row))
            self._take(number, example)
            if see:
                see(example)
        self.rows_in += reader.rows_in
        self.notices += reader.rows.notices

    def _take(self, number: int, example: Example) -> None:
        document = compared(example, self._on)
        original = self._first.setdefault(document.key, number)
        self.original.append(original)
        if original == number:
            self.document_row.append(number)
            if self.sketches is not None:
                self.sketches.add(document)

    def raw(self, row: int) -> bytes:
        """The bytes of a row as one line."""
        return self._raw[row]

    def place(self, row: int) -> Place:
        """Where a row stands."""
        return Place(self._paths[self._path[row]], self._row[row], self._line[row])


def check_sources(sources: Sequence[str], format_name: str) -> None:
    """Meet what is wrong with any of the inputs before the work on the first begins.

    Raises:
        UsageError: no such format.
        InputError: a file that cannot be read as rows.
    """
    if format_name != "auto":
        get_format(format_name)
    for source in sources:
        if source != "-":
            open_source(source).close()
