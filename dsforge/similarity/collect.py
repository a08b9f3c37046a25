"""Reads the rows of a dataset, meets exact copies on the way and sketches the rest."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple

from dsforge.example import Example
from dsforge.formats.format import get_format
from dsforge.formats.read import ExampleReader, RowDecoder
from dsforge.io.rejects import Reject
from dsforge.io.rows import Row, one_line, parse
from dsforge.io.source import open_source
from dsforge.io.spill import Spill
from dsforge.similarity.compared import On, asked_text, compared
from dsforge.similarity.key import Clean, normalise
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
    from 0: `document_row[d]` is the row of document d, `document[r]` the document of row r. `sketches` is None where
    only copies are asked for. `asked[r]` is equal for rows that ask the same, and 0 for those that ask nothing.

    The first `known` rows and `known_documents` are there to be compared with; they count as no input.
    """

    def __init__(self, on: On, banding: Banding | None, workers: int = 1, clean: Clean = normalise) -> None:
        self._on = on
        self._clean = clean
        self._decoders: dict[int, RowDecoder] = {}
        self._paths: list[str] = []
        self._path, self._row, self._line = array("q"), array("q"), array("q")
        self._raw = Spill()
        self._documents: dict[bytes, int] = {}
        self.original = array("q")
        self.document = array("q")
        self.document_row = array("q")
        self.asked = array("q")
        self.known = self.known_documents = 0
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

    def read(
        self,
        source: str,
        format_name: str,
        see: Callable[[Example], None] | None = None,
        see_row: Callable[[str, Row, Example], None] | None = None,
    ) -> None:
        """Take in the rows of a file, showing each to `see` and `see_row`; rows that fail go to `rejects`."""
        reader = ExampleReader(source, format_name, self.rejects.append)
        self._decoders[len(self._paths)] = RowDecoder(reader.format)
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
            if see_row:
                see_row(reader.path, row, example)
        self.rows_in += reader.rows_in
        self.notices += reader.rows.notices

    def _take(self, number: int, example: Example) -> None:
        compares = compared(example, self._on, self._clean)
        document = self._documents.setdefault(compares.key, len(self.document_row))
        if document == len(self.document_row):
            self.document_row.append(number)
            if self.sketches is not None:
                self.sketches.add(compares)
        self.document.append(document)
        self.original.append(self.document_row[document])
        asked = compares.parts[0] or asked_text(example, self._clean)
        self.asked.append(hash(asked) if asked else 0)

    def make_known(self) -> int:
        """Take the rows read so far as those to compare with; how many could not be read."""
        unread = len(self.rejects)
        self.known, self.known_documents = len(self), len(self.document_row)
        self.rows_in = 0
        self.rejects.clear()
        return unread

    @property
    def first_reject(self) -> str:
        """Why the first of the rejects is one, "" where there is none."""
        return self.rejects[0].reason if self.rejects else ""

    def example(self, row: int) -> Example:
        """A row decoded once more."""
        return self._decoders[self._path[row]](parse(self._raw[row])[0])[1]

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
