"""An index of rows that outlives a run: what was kept before, to be found again without being read.

A folder of segments, each a folder of arrays as `dsforge.similarity.collect` writes them, of rows without copies, and
beside each band (`band_0`) its keys in order (`sorted_0`) with the documents they belong to (`order_0`). So the keys
of new rows are looked up by binary search: what an addition costs follows its own size. A new segment takes up those
before it that are no larger, so that there are never more than the logarithm of the rows.

`index.json` names the segments that count and says how their rows were compared. It is replaced last, at once: a run
that was killed leaves the index as it was, and what it left behind is removed by the next.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from uuid import uuid4

import msgspec
import numpy as np

from dsforge.errors import InputError, OutputError, UsageError
from dsforge.io.arrays import ArrayFolder, mapped
from dsforge.io.atomic import atomic_write, lock
from dsforge.similarity.compared import PARTS
from dsforge.similarity.lsh import Banding
from dsforge.similarity.minhash import PERMUTATIONS
from dsforge.similarity.shingle import I64, U8, U64

VERSION = 1
_MANIFEST = "index.json"
_SLICE = 65_536  # rows that are copied at a time

_PER_DOCUMENT: dict[str, tuple[type[np.generic], int]] = {
    "key": (np.uint64, 2), "lengths": (np.uint32, PARTS), "low": (np.uint8, PERMUTATIONS),
}  # fmt: skip


class Segment(msgspec.Struct, frozen=True):
    """Rows that were added together: the name of their folder, and how many."""

    name: str
    rows: int


class Manifest(msgspec.Struct):
    """What an index holds. `compared` says how, in words that are equal where it is the same."""

    version: int
    compared: dict[str, str]
    banding: tuple[int, int] | None
    segments: list[Segment] = []


@dataclass(frozen=True)
class Rows:
    """Rows to be added: their documents in the sketches of `folder`, where they stand, what they ask, and their lines.

    Row r stands in the file `paths[source[r]]`; `raw` are the lines one after another, `sizes` the bytes of each.
    """

    folder: Path
    documents: I64
    paths: Sequence[str]
    source: I64
    number: I64
    line: I64
    asked: I64
    sizes: I64
    raw: Iterable[bytes | memoryview]


class Index:
    """The index in `folder`, made where there is none. Use it in a `with`: one process at a time has it.

    Raises:
        UsageError: its rows were compared in another way.
        InputError: the folder holds something else, or an index of another version.
        OutputError: it cannot be written to, or another process has it.
    """

    def __init__(self, folder: str | Path, compared: dict[str, str], banding: Banding | None) -> None:
        self.folder = Path(folder)
        self._open()
        wanted = Manifest(VERSION, compared, (banding.bands, banding.rows) if banding else None)
        self._manifest = self._read() or wanted
        for name, value in compared.items():
            if (other := self._manifest.compared.get(name)) != value:
                self.close()
                raise UsageError(f"the index {folder} was made with {name} {other}, not {value}: give the same, or "
                                 "another --index")  # fmt: skip
        self._remove_stale()

    def _open(self) -> None:
        there = [entry.name for entry in self.folder.iterdir()] if self.folder.is_dir() else []
        if _MANIFEST not in there and any(name != "lock" and not name.startswith("segment-") for name in there):
            raise InputError(f"{self.folder} holds no index of dsforge: name an empty or a new folder")
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = (self.folder / "lock").open("wb")
        except OSError as error:
            raise OutputError(f"the index {self.folder} cannot be written: {error.strerror}") from error
        if not lock(self._lock):
            self._lock.close()
            raise OutputError(f"another dsforge has the index {self.folder}: wait for it")

    @property
    def _path(self) -> Path:
        return self.folder / _MANIFEST

    def _read(self) -> Manifest | None:
        if not self._path.exists():
            return None
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Manifest)
        except msgspec.MsgspecError as error:
            self.close()
            raise InputError(f"{self._path} is no index of dsforge ({error}): name another folder") from error
        if found.version != VERSION:
            self.close()
            raise InputError(
                f"the index {self.folder} is of version {found.version}, this dsforge reads {VERSION}: make it anew"
            )
        return found

    def _remove_stale(self) -> None:
        """Remove the segments that a run wrote and did not live to name."""
        named = {segment.name for segment in self._manifest.segments}
        for entry in self.folder.iterdir():
            if entry.is_dir() and entry.name.startswith("segment-") and entry.name not in named:
                shutil.rmtree(entry)

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes have it."""
        self._lock.close()

    def __len__(self) -> int:
        return sum(segment.rows for segment in self._manifest.segments)

    @property
    def identity(self) -> list[str]:
        """What tells this state of the index from another."""
        return [segment.name for segment in self._manifest.segments]

    @property
    def compared(self) -> dict[str, str]:
        """How its rows were compared, in words."""
        return self._manifest.compared

    @property
    def banding(self) -> Banding | None:
        """The bands of its rows, None where they were compared for exact copies alone."""
        return Banding(*self._manifest.banding) if self._manifest.banding else None

    @property
    def segments(self) -> list[tuple[Path, int]]:
        """The folder and the number of rows of each segment."""
        return [(self.folder / segment.name, segment.rows) for segment in self._manifest.segments]

    def add(self, rows: Iterable[Rows], count: int) -> None:
        """Add `count` rows, none of which is an exact copy of another or of one that is there."""
        if not count:
            return
        kept = list(self._manifest.segments)
        taken_up: list[Segment] = []
        total = count
        while kept and kept[-1].rows <= total:
            taken_up.insert(0, kept.pop())
            total += taken_up[0].rows
        name = f"segment-{uuid4().hex[:12]}"
        with _SegmentWriter(self.folder / name, self._manifest.banding) as writer:
            for segment in taken_up:
                writer.take_up(self.folder / segment.name)
            for part in rows:
                writer.add(part)
        self._manifest.segments = [*kept, Segment(name, total)]
        with atomic_write(self._path) as file:
            file.write(msgspec.json.format(msgspec.json.encode(self._manifest)) + b"\n")
        for segment in taken_up:
            shutil.rmtree(self.folder / segment.name)


class _SegmentWriter:
    """Writes the arrays of a segment, and at the end those in order."""

    def __init__(self, folder: Path, banding: tuple[int, int] | None) -> None:
        self._folder, self._bands = folder, banding[0] if banding else 0
        self._arrays = ArrayFolder(folder, durable=True)
        self._sources: dict[str, int] = {}
        self._raw_end = 0
        self._fields = {"key": _PER_DOCUMENT["key"]}
        if banding:
            self._fields = {**_PER_DOCUMENT, **{f"band_{band}": (np.uint64, 0) for band in range(self._bands)}}

    def __enter__(self) -> _SegmentWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._arrays.close()
        if kind is None:
            self._end()

    def add(self, rows: Rows) -> None:
        """Copy rows from where they were read."""
        append = self._arrays.append
        ends = _text_ends(rows.folder) if self._bands else np.empty(0, dtype=np.int64)
        for start in range(0, len(rows.documents), _SLICE):
            documents = rows.documents[start : start + _SLICE]
            for name, (kind, width) in self._fields.items():
                append(name, mapped(rows.folder / name, kind, width)[documents])
            for text in _texts(rows.folder, ends, documents) if self._bands else ():
                append("text", text)
        numbers = [self._sources.setdefault(path, len(self._sources)) for path in rows.paths]
        append("source", np.array(numbers, dtype=np.int64)[rows.source])
        append("number", rows.number)
        append("line", rows.line)
        append("asked", rows.asked)
        append("raw_end", self._raw_end + np.cumsum(rows.sizes))
        self._raw_end += int(rows.sizes.sum())
        for lines in rows.raw:
            append("raw", lines)

    def take_up(self, segment: Path) -> None:
        """Copy all of an earlier segment."""
        raw: U8 = mapped(segment / "raw", np.uint8)
        ends, number, line, asked, source = (
            mapped(segment / name, np.int64) for name in ("raw_end", "number", "line", "asked", "source")
        )
        sizes = np.diff(ends, prepend=0)
        self.add(
            Rows(segment, np.arange(len(number)), sources_of(segment), source, number, line, asked, sizes, [raw.data])
        )

    def _end(self) -> None:
        folder = self._folder
        with ArrayFolder(folder, durable=True) as arrays:
            count = len(mapped(folder / "number", np.int64))
            arrays.append("document", np.arange(count))
            arrays.append("row", np.arange(count))
            arrays.append("sources", msgspec.json.encode(list(self._sources)))
            keys: U64 = mapped(folder / "key", np.uint64, 2)
            order = np.argsort(keys[:, 0], kind="stable")
            arrays.append("sorted_key", keys[order, 0])
            arrays.append("order_key", order)
            for band in range(self._bands):
                of_band: U64 = mapped(folder / f"band_{band}", np.uint64)
                order = np.argsort(of_band, kind="stable")
                arrays.append(f"sorted_{band}", of_band[order])
                arrays.append(f"order_{band}", order)


def _text_ends(folder: Path) -> I64:
    """Where the text of each document ends."""
    ends: I64 = np.cumsum(mapped(folder / "lengths", np.uint32, PARTS).sum(axis=1, dtype=np.int64))
    return ends


def _texts(folder: Path, ends: I64, documents: I64) -> Iterator[U8]:
    """The texts of documents, which ascend; those that stand together at once."""
    text: U8 = mapped(folder / "text", np.uint8)
    breaks = np.flatnonzero(np.diff(documents) != 1) + 1
    for run in np.split(documents, breaks):
        if len(run):
            yield text[ends[run[0] - 1] if run[0] else 0 : ends[run[-1]]]


def sources_of(segment: Path) -> list[str]:
    """The files from which rows of a segment came, as its `source` numbers them."""
    return msgspec.json.decode((segment / "sources").read_bytes(), type=list[str])


def found_keys(segment: Path, keys: U64) -> I64:
    """Of each key of an exact copy (two words), the document of the segment that has it, -1 where none has."""
    firsts, order = mapped(segment / "sorted_key", np.uint64), mapped(segment / "order_key", np.int64)
    there: U64 = mapped(segment / "key", np.uint64, 2)
    at = np.searchsorted(firsts, keys[:, 0])
    stop = np.searchsorted(firsts, keys[:, 0], side="right")
    found = np.full(len(keys), -1, dtype=np.int64)
    open_ = np.flatnonzero(at < stop)
    while len(open_):  # nearly always once: keys that share the first word alone are one in 2^64
        documents = order[at[open_]]
        are_equal = there[documents, 1] == keys[open_, 1]
        found[open_[are_equal]] = documents[are_equal]
        at[open_] += 1
        open_ = open_[~are_equal & (at[open_] < stop[open_])]
    return found


def found_in_band(segment: Path, band: int, keys: U64, most: int) -> tuple[U64, I64]:
    """`(keys, documents)` of a segment that have one of `keys` (each of them once) in a band, `most` of a key."""
    ordered, order = mapped(segment / f"sorted_{band}", np.uint64), mapped(segment / f"order_{band}", np.int64)
    starts = np.searchsorted(ordered, keys)
    counts = np.minimum(np.searchsorted(ordered, keys, side="right") - starts, most)
    before = np.cumsum(counts) - counts
    at = np.arange(counts.sum()) - np.repeat(before - starts, counts)
    return np.repeat(keys, counts), order[at]
