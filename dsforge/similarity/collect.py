"""Reads the rows of a dataset, by many tasks where it is large, and finds which are the same and which are alike.

Each task reads a piece of a file and writes a folder of arrays: what is known of each row (`number`, `line`, its bytes
in `raw` that end at `raw_end`, its `document`, `asked`) and of each document, a text not met before in this piece
(`key`, `row`, whether it is `guarded` by more than nothing, and its sketch, see `dsforge.similarity.sketch`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from dsforge.engine.chunks import Chunk, plan_chunks, size_of
from dsforge.engine.engine import PARTITIONS, Engine
from dsforge.engine.plan import Task
from dsforge.example import Example
from dsforge.formats.format import get_format
from dsforge.formats.plain import Turns
from dsforge.formats.read import ExampleReader, decoder_for
from dsforge.io.arrays import ArrayFolder, mapped
from dsforge.io.rejects import Reject
from dsforge.io.rows import Batch, Row, one_line, parse
from dsforge.io.source import open_source
from dsforge.similarity.compared import (
    NO_GUARD,
    PARTS,
    Compared,
    On,
    asked_text,
    compared,
    compared_turns,
    context_guard,
)
from dsforge.similarity.index import Index, Rows, found_keys, sources_of
from dsforge.similarity.key import DEFAULT_STEPS, all_normalised, cleaner, key_of, normalised_bytes
from dsforge.similarity.lsh import Banding
from dsforge.similarity.scan import (
    GUARD_BYTES,
    LINE_END,
    WIDTHS,
    Scanned,
    Scanner,
    Shape,
    is_much,
    prepare_scanner,
    shape_of,
)
from dsforge.similarity.shingle import CHARACTERS, I64, U8, U64, Shingling
from dsforge.similarity.sketch import Sketched, SketchWriter
from dsforge.similarity.sketch import prepare as prepare_kernel

See: TypeAlias = Callable[[str, Row, Example], Any]
"""What is to be noted of a row of a file: something that MessagePack can hold. Tasks in other processes pickle it."""

_FLUSH = 4096  # rows whose arrays are written together
_PIECE = 8 << 20
"""Bytes that are worth a task: each writes thirty files, and each of these is opened again by several others."""


class Place(NamedTuple):
    """Where a row stands: its file, and its row and line in it, from 1."""

    path: str
    row: int
    line: int


@dataclass(frozen=True)
class Reading:
    """How rows are read and compared. Without a `banding` only exact copies are looked for."""

    on: On = "conversation"
    steps: tuple[str, ...] = DEFAULT_STEPS
    banding: Banding | None = None
    shingling: Shingling = CHARACTERS
    format_name: str = "auto"


def prepare() -> None:
    """Load what is compiled, so that processes forked from this one have it."""
    prepare_kernel()
    prepare_scanner()


class Read(msgspec.Struct, frozen=True):
    """What a task read: rows met, those decoded, texts not met before in them, lines of a JSONL file."""

    rows_in: int
    rows: int
    documents: int
    lines: int
    notices: list[str]
    rejects: list[Reject]


def read_chunk(chunk: Chunk, reading: Reading, see: See | None, output: Path) -> Read:
    """Read the rows of a piece into the folder `output`; what `see` says of each is in `notes`."""
    rejects: list[Reject] = []
    reader = ExampleReader(
        chunk.source, reading.format_name, rejects.append, start=chunk.start, end=chunk.end, encoding=chunk.encoding
    )
    with ArrayFolder(output) as folder:
        rows = _RowWriter(folder, reading, see, reader.path)
        if reader.rows.layout == "jsonl" and rows.takes_plain:
            for line, offset, block in reader.rows.blocks():
                if is_much(len(block)):
                    _read_scanned(reader, rows, line, offset, block)
                else:
                    _read_batch(reader, rows, reader.rows.batch(line, offset, block))
        else:
            rows.add_all(reader)
        documents = rows.end()
    decoded = reader.rows_in - len(rejects)
    return Read(reader.rows_in, decoded, documents, reader.rows.lines, reader.rows.notices, rejects)


def _read_batch(reader: ExampleReader, rows: _RowWriter, batch: Batch) -> None:
    if (turns := reader.plain_batch(batch)) is not None:
        rows.add_plain(batch, reader.rows.count, turns)
    else:
        rows.add_all(reader.rows_of(batch))


def _read_scanned(reader: ExampleReader, rows: _RowWriter, line: int, offset: int, block: bytes) -> None:
    """Read a block of lines: by the scanner where it can, and the lines where it cannot the usual way.

    The more of them come one after another, the more are read so at a time.
    """
    at, patience = 0, 1
    shapes = _shapes(reader)
    while at < len(block):
        for name, shape in shapes:
            scanned = rows.scanner.scan(block, at, shape)
            if found := len(scanned.rows):
                rows.add_scanned(block, at, scanned, reader.rows.count + 1, line)
                reader.note_plain(name, line, found)
                line, at = line + found, int(scanned.rows[-1, LINE_END])
                patience = 1 if found >= patience else patience
                break
        if at < len(block):
            end = at
            for _ in range(patience):
                end = block.find(b"\n", end) + 1 or len(block)
                if end == len(block):
                    break
            batch = reader.rows.batch(line, offset + at, block[at:end])
            _read_batch(reader, rows, batch)
            line, at, patience = line + len(batch.lines), end, patience * 2
            shapes = _shapes(reader)


def _shapes(reader: ExampleReader) -> list[tuple[str, Shape]]:
    """Which rows the scanner can read: those that the formats met so far read the short way."""
    found = []
    for width in WIDTHS:
        if (fmt := reader.plain_format(width)) and (shape := shape_of(fmt.name, width)):
            found.append((fmt.name, shape))
    return found


class _RowWriter:
    """Writes rows and the documents they hold."""

    def __init__(self, folder: ArrayFolder, reading: Reading, see: See | None, path: str) -> None:
        self._folder, self._see, self._path = folder, see, path
        self._on, self._clean = reading.on, cleaner(reading.steps)
        self._documents: dict[bytes, int] = {}
        self._sketches = SketchWriter(folder, reading.banding, reading.shingling) if reading.banding else None
        self._rows = self._count = self._raw_end = 0
        self._begin()
        self._flush()

    def _begin(self) -> None:
        self._arrays = {name: array("q") for name in ("number", "line", "raw_end", "document", "asked", "row")}
        self._raw: list[bytes] = []
        self._keys: list[bytes] = []
        self._guarded = bytearray()
        self._notes: list[Any] = []

    @cached_property
    def scanner(self) -> Scanner:
        """What reads rows of texts alone."""
        return Scanner()

    @property
    def takes_plain(self) -> bool:
        """Whether rows can be added by their turns alone: nobody wants to see more, and all of it is compared."""
        return self._see is None and self._on == "conversation" and self._clean is normalised_bytes

    def add_plain(self, batch: Batch, count: int, turns: Sequence[Turns]) -> None:
        """Take in a batch of rows of texts alone, the last of which is number `count`."""
        cleaned = iter(all_normalised([text for _, texts, _ in turns for text in texts]))
        for (roles, _, _), raw in zip(turns, batch.lines, strict=True):
            compares = compared_turns(roles, [*islice(cleaned, len(roles))])
            self._add(compares, raw, compares.parts[0])
        self._number_from(count - len(turns) + 1, batch.line, len(turns))
        self._flush_if_much()

    def add_scanned(self, block: bytes, at: int, scanned: Scanned, number: int, line: int) -> None:
        """Take in rows that stand in a block from a place on, the first of which has this number and this line."""
        texts, keys, sketches, documents = scanned.texts, self._keys, self._sketches, self._documents
        of_rows, asks, firsts = self._arrays["document"], self._arrays["asked"], self._arrays["row"]
        for row, told in enumerate(scanned.rows.tolist(), self._rows):
            _, context, context_end, head, asked, answered, end = told
            guard, hashed = NO_GUARD, texts[head:end]
            if context >= 0:
                guard = context_guard(texts[context:context_end])
                hashed = guard + hashed[GUARD_BYTES:]
            key = key_of(hashed)
            document = documents.setdefault(key, self._count)
            if document == self._count:
                self._count += 1
                keys.append(key)
                self._guarded.append(context >= 0 and guard != NO_GUARD)
                firsts.append(row)
                if sketches is not None:
                    sketches.add_text(texts[asked:end], (answered - asked, end - answered, 0), guard)
            of_rows.append(document)
            asks.append(crc32(texts[asked:answered]) + 1 if answered > asked else 0)
        ends = scanned.rows[:, LINE_END] - at + self._raw_end
        raw = block[at : scanned.rows[-1, LINE_END]]
        if not raw.endswith(b"\n"):
            ends[-1] += 1
        self._raw.append(raw.removesuffix(b"\n"))
        self._raw_end = int(ends[-1])
        self._arrays["raw_end"].frombytes(ends.tobytes())
        self._rows += len(ends)
        self._number_from(number, line, len(ends))
        self._flush_if_much()

    def _number_from(self, number: int, line: int, rows: int) -> None:
        self._arrays["number"].extend(range(number, number + rows))
        self._arrays["line"].extend(range(line, line + rows))

    def add_all(self, rows: Iterable[tuple[Row, Example]]) -> None:
        """Take in rows."""
        for row, example in rows:
            compares = compared(example, self._on, self._clean)
            self._add(compares, one_line(row), compares.parts[0] or asked_text(example, self._clean))
            self._arrays["number"].append(row.number)
            self._arrays["line"].append(row.line)
            if self._see is not None:
                self._notes.append(self._see(self._path, row, example))
            self._flush_if_much()

    def _add(self, compares: Compared, raw: bytes, asked: bytes) -> None:
        arrays = self._arrays
        document = self._documents.setdefault(compares.key, self._count)
        if document == self._count:
            self._count += 1
            self._keys.append(compares.key)
            self._guarded.append(compares.guard != NO_GUARD)
            arrays["row"].append(self._rows)
            if self._sketches is not None:
                self._sketches.add(compares)
        self._raw.append(raw)
        self._raw_end += len(raw) + 1
        arrays["raw_end"].append(self._raw_end)
        arrays["document"].append(document)
        arrays["asked"].append(crc32(asked) + 1 if asked else 0)
        self._rows += 1

    def _flush_if_much(self) -> None:
        if len(self._arrays["document"]) >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        for name, values in self._arrays.items():
            self._folder.append(name, values)
        self._folder.append("key", b"".join(self._keys))
        self._folder.append("guarded", bytes(self._guarded))
        if self._raw:
            self._raw.append(b"")
        self._folder.append("raw", b"\n".join(self._raw))
        if self._see is not None:
            self._folder.append("notes", msgspec.json.Encoder().encode_lines(self._notes))
        self._begin()

    def end(self) -> int:
        """Write what is left; how many documents there are."""
        self._flush()
        if self._sketches is not None:
            self._sketches.end()
        return self._count


@dataclass
class _Piece:
    """Rows in a folder of arrays: of a file, after `before` others and so many lines, or of an index."""

    path: str
    folder: Path
    rows: int
    documents: int
    before: int = 0
    lines_before: int = 0

    @cached_property
    def raw(self) -> tuple[U8, I64]:
        """The rows, one to a line, and where each line ends."""
        return _raw(self.folder)

    @cached_property
    def _places(self) -> tuple[I64, I64]:
        return mapped(self.folder / "number", np.int64), mapped(self.folder / "line", np.int64)

    @cached_property
    def _sources(self) -> tuple[list[str], I64]:
        return sources_of(self.folder), mapped(self.folder / "source", np.int64)

    def standing(self, rows: I64) -> tuple[I64, I64]:
        """The numbers and the lines of rows in their file."""
        numbers, lines = self._places
        return numbers[rows] + self.before, lines[rows] + self.lines_before

    def place(self, at: int) -> Place:
        """Where a row stands."""
        numbers, lines = self._places
        path = self.path
        if not path:
            paths, source = self._sources
            path = paths[source[at]]
        return Place(path, int(numbers[at]) + self.before, int(lines[at]) + self.lines_before)


def _raw(folder: Path) -> tuple[U8, I64]:
    return mapped(folder / "raw", np.uint8), mapped(folder / "raw_end", np.int64)


def raw_rows(folder: Path, rows: I64) -> Iterator[bytes]:
    """The bytes of these rows of a folder, each as one line without its end."""
    raw, ends = _raw(folder)
    begins = np.where(rows > 0, ends[rows - 1], 0)
    for begin, end in zip(begins.tolist(), ends[rows].tolist(), strict=True):
        yield raw[begin : end - 1].tobytes()


def asked_and_answered(folder: Path, rows: I64) -> Iterator[tuple[bytes, bytes] | None]:
    """The clean texts of these rows of a folder that has sketches; None of a row that its guard says more about."""
    documents = mapped(folder / "document", np.int64)[rows]
    lengths = mapped(folder / "lengths", np.uint32, PARTS).astype(np.int64)
    text = mapped(folder / "text", np.uint8).data
    begins = (np.cumsum(lengths.sum(axis=1)) - lengths.sum(axis=1))[documents]
    middles = begins + lengths[documents, 0]
    ends = middles + lengths[documents, 1]
    guarded = mapped(folder / "guarded", np.uint8)[documents]
    for begin, middle, end, more in zip(
        begins.tolist(), middles.tolist(), ends.tolist(), guarded.tolist(), strict=True
    ):
        yield None if more else (bytes(text[begin:middle]), bytes(text[middle:end]))


def _lines(folder: Path, rows: I64) -> Iterator[memoryview]:
    """These rows of a folder, which ascend, as lines; many together where they stand together."""
    raw, ends = _raw(folder)
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    starts, stops = rows[np.append(0, breaks)], rows[np.append(breaks - 1, -1)]
    begins = np.where(starts > 0, ends[starts - 1], 0)
    for begin, end in zip(begins.tolist(), ends[stops].tolist(), strict=True):
        yield raw[begin:end].data


class Collected:
    """The rows of one or several files, taken for one dataset, as arrays in `folder`.

    Rows that could be decoded are numbered from 0 in input order. Documents are texts that differ, numbered with gaps:
    `document[r]` is that of row r, `document_row[d]` the first row with document d, `original[r]` the first that r is
    an exact copy of (r itself where there is none before it). `asked[r]` is equal for rows that ask the same, and 0
    for those that ask nothing.

    The first `known` rows and `known_documents` are there to be compared with; they count as no input. The first
    `indexed` of the `folders` are segments of an index. All arrays are those of the rows read so far.
    """

    def __init__(self, reading: Reading, folder: Path, engine: Engine) -> None:
        self.reading, self.engine, self.folder = reading, engine, folder
        self.known = self.known_documents = self.indexed = 0
        self.rejects: list[Reject] = []
        self.notices: list[str] = []
        self.rows_in = 0
        self._pieces: list[_Piece] = []
        self._first_rows = [0]
        self._decoder = decoder_for(reading.format_name)

    def __len__(self) -> int:
        return self._first_rows[-1]

    def read(self, sources: Sequence[str], see: See | None = None) -> None:
        """Take in the rows of files, noting what `see` says of each; rows that fail go to `rejects`."""
        self.engine.warm_up(sum(map(size_of, sources)), prepare)
        chunks = [chunk for source in sources for chunk in plan_chunks(source, self._pieces_of(source))]
        begun = len(self._pieces)
        tasks = [
            Task(read_chunk, (chunk, self.reading, see), self.folder / f"read-{begun + number:05}", Read)
            for number, chunk in enumerate(chunks)
        ]
        before = lines = 0
        for chunk, task, read in zip(chunks, tasks, self.engine.run(tasks), strict=True):
            if not chunk.start:
                before = lines = 0
            self._add(_Piece(chunk.source, task.output, read.rows, read.documents, before, lines))
            self.rejects += [
                msgspec.structs.replace(reject, row=reject.row + before, line=reject.line + lines)
                for reject in read.rejects
            ]
            self.notices += read.notices
            self.rows_in += read.rows_in
            before, lines = before + read.rows_in, lines + read.lines

    def _pieces_of(self, source: str) -> int:
        """Into how many pieces to cut a file."""
        return self.engine.partitions or min(PARTITIONS, max(size_of(source) // _PIECE, 1))

    def read_index(self, index: Index) -> None:
        """Take in the rows of an index, before any others."""
        assert not self._pieces
        for folder, rows in index.segments:
            self._add(_Piece("", folder, rows, rows))
        self.indexed = len(self._pieces)

    def _add(self, piece: _Piece) -> None:
        self._pieces.append(piece)
        self._first_rows.append(self._first_rows[-1] + piece.rows)
        for name in ("document", "document_row", "original", "asked", "sketched", "_canonical", "_documents_before"):
            self.__dict__.pop(name, None)

    def put_into(self, index: Index, kept: I64) -> None:
        """Add rows, which ascend and are no copies of one another, to an index."""
        index.add(self._for_index(kept), len(kept))

    def _for_index(self, kept: I64) -> Iterator[Rows]:
        """The rows of each piece, by the piece that has their documents: nearly always the same."""
        for place, piece in enumerate(self._pieces):
            first, last = np.searchsorted(kept, self._first_rows[place : place + 2])
            rows = kept[first:last]
            documents = self.document[rows]
            places = np.searchsorted(self._documents_before, documents, side="right") - 1
            for there in np.unique(places).tolist():
                of_there = np.flatnonzero(places == there)
                within = rows[of_there] - self._first_rows[place]
                _, ends = piece.raw
                yield Rows(
                    self._pieces[there].folder, documents[of_there] - self._documents_before[there], [piece.path],
                    np.zeros(len(within), dtype=np.int64), *piece.standing(within), self.asked[rows[of_there]],
                    ends[within] - np.where(within > 0, ends[within - 1], 0), _lines(piece.folder, within),
                )  # fmt: skip

    def make_known(self) -> int:
        """Take the rows read so far as those to compare with; how many could not be read."""
        unread = len(self.rejects)
        self.known, self.known_documents = len(self), self._documents_before[-1]
        self.rows_in = 0
        self.rejects.clear()
        return unread

    def _arrays(self, name: str, kind: type[np.generic] = np.int64, width: int = 0) -> Iterator[Any]:
        for piece in self._pieces:
            yield mapped(piece.folder / name, kind, width)

    @cached_property
    def _documents_before(self) -> list[int]:
        """The number of the first document of each piece, and behind the last."""
        return [0, *accumulate(piece.documents for piece in self._pieces)]

    @cached_property
    def _canonical(self) -> I64:
        """For each document of a piece the first that is equal, of all pieces. Those of an index differ."""
        keys: U64 = _joined(islice(self._arrays("key", np.uint64, 2), self.indexed, None), np.uint64, 2)
        order = np.lexsort((keys[:, 1], keys[:, 0]))  # stable, so that the first stands first among equal ones
        ordered = keys[order]
        is_first = np.ones(len(order), dtype=bool)
        is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
        firsts, which = order[is_first], np.cumsum(is_first) - 1
        before = self._documents_before[self.indexed]
        stands_for = firsts + before
        for place in range(self.indexed):
            there = found_keys(self._pieces[place].folder, keys[firsts])
            stands_for = np.where(there >= 0, there + self._documents_before[place], stands_for)
        canonical = np.arange(before + len(order))
        canonical[order + before] = stands_for[which]
        return canonical

    @cached_property
    def document(self) -> I64:
        """Of each row, the number of its document."""
        offset = zip(self._documents_before, self._arrays("document"))  # noqa: B905 - one more is the end
        within = _joined((documents + before for before, documents in offset), np.int64)
        documents: I64 = self._canonical[within]
        return documents

    @cached_property
    def document_row(self) -> I64:
        """Of each document, the first row that has it in its piece."""
        offset = zip(self._first_rows, self._arrays("row"))  # noqa: B905 - one more is the end
        rows: I64 = _joined((rows + before for before, rows in offset), np.int64)
        return rows

    @cached_property
    def original(self) -> I64:
        """Of each row, the first of which it is an exact copy."""
        rows: I64 = self.document_row[self.document]
        return rows

    @cached_property
    def asked(self) -> I64:
        """Of each row, a number for what it asks."""
        asked: I64 = _joined(self._arrays("asked"), np.int64)
        return asked

    @property
    def are_first(self) -> NDArray[np.bool_]:
        """Of each document, whether no other before it is equal."""
        are_first: NDArray[np.bool_] = self._canonical == np.arange(len(self._canonical))
        return are_first

    @property
    def new_documents(self) -> int:
        """How many documents are not those of an index."""
        return self._documents_before[-1] - self._documents_before[self.indexed]

    @property
    def folders(self) -> list[Path]:
        """Where the sketches lie, in the order of the documents."""
        return [piece.folder for piece in self._pieces]

    @cached_property
    def sketched(self) -> Sketched:
        """The sketches of all documents.

        Raises:
            AssertionError: none were asked for.
        """
        assert self.reading.banding is not None
        return Sketched(self.folders, self.reading.banding, self.reading.shingling)

    def notes(self) -> list[Any]:
        """What was noted of each row, where there was something to see it."""
        decoder = msgspec.json.Decoder()
        files = [piece.folder / "notes" for piece in self._pieces]
        return [note for file in files if file.exists() for note in decoder.decode_lines(file.read_bytes())]

    @property
    def first_reject(self) -> str:
        """Why the first of the rejects is one, "" where there is none."""
        return self.rejects[0].reason if self.rejects else ""

    def _piece_of(self, row: int) -> tuple[_Piece, int]:
        place = bisect_right(self._first_rows, row) - 1
        return self._pieces[place], row - self._first_rows[place]

    def example(self, row: int) -> Example:
        """A row decoded once more."""
        return self._decoder(parse(self.raw(row))[0])[1]

    def raw(self, row: int) -> bytes:
        """The bytes of a row as one line."""
        piece, at = self._piece_of(row)
        raw, ends = piece.raw
        return raw[ends[at - 1] if at else 0 : ends[at] - 1].tobytes()

    def in_pieces(self, rows: I64) -> Iterator[tuple[Path, I64]]:
        """`(folder, rows in it)` of rows, which ascend, numbered within the folder from 0."""
        for place, piece in enumerate(self._pieces):
            first, last = np.searchsorted(rows, self._first_rows[place : place + 2])
            if first < last:
                yield piece.folder, rows[first:last] - self._first_rows[place]

    def lines(self, rows: I64) -> Iterator[memoryview]:
        """These rows, which ascend, as lines; many together where they stand together."""
        for folder, wanted in self.in_pieces(rows):
            yield from _lines(folder, wanted)

    def place(self, row: int) -> Place:
        """Where a row stands."""
        piece, at = self._piece_of(row)
        return piece.place(at)


def _joined(arrays: Iterable[NDArray[Any]], kind: type[np.generic], width: int = 0) -> Any:
    """One array behind another."""
    return np.concatenate([np.empty((0, width) if width else 0, dtype=kind), *arrays])


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
