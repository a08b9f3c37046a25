"""Tokens and labels of many rows, held as flat arrays of 32-bit integers; large ones lie in a file that is mapped."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any

SPILL = 16_000_000
"""Tokens that a column holds in memory; those of more go to a file."""


class Lists:
    """Lists of integers, one behind the other; a column of a dataset over the same memory.

    They are added first and read then: a list cannot be added once any was read.
    """

    def __init__(self, flat: Any = None, ends: Any = None) -> None:
        self._tail = array("i")
        self._ends = array("q", [0] if ends is None else ends)
        self._file: IO[bytes] | None = None
        self._given = flat

    def append(self, values: list[int]) -> None:
        """Add a list."""
        self._tail.fromlist(values)  # twice as fast as extend
        self._ends.append(self._ends[-1] + len(values))
        if len(self._tail) >= SPILL:
            self._spill()

    def extend(self, others: Lists) -> None:
        """Add all lists of another column."""
        before = self._ends[-1]
        self._tail.frombytes(others.flat.tobytes())
        self._ends.frombytes((others.ends[1:] + before).tobytes())
        if len(self._tail) >= SPILL:
            self._spill()

    def __reduce__(self) -> tuple[type[Lists], tuple[Any, array[int]]]:
        import numpy

        return Lists, (numpy.asarray(self.flat), self._ends)

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this does, and has no name
        self._tail.tofile(self._file)
        self._tail = array("i")

    @cached_property
    def flat(self) -> Any:
        """All values, as a numpy array of 32-bit integers."""
        import numpy

        if self._given is not None:
            return self._given
        if self._file is None:
            return numpy.frombuffer(self._tail, dtype=numpy.int32)
        self._spill()
        self._file.flush()
        return numpy.memmap(self._file, dtype=numpy.int32, mode="r")

    @property
    def ends(self) -> Any:
        """Where each list begins, and where the last ends, as a numpy array."""
        import numpy

        return numpy.frombuffer(self._ends, dtype=numpy.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> list[int]:
        values: list[int] = self.flat[self._ends[index] : self._ends[index + 1]].tolist()
        return values

    def __iter__(self) -> Iterator[list[int]]:
        return (self[index] for index in range(len(self)))

    @property
    def lengths(self) -> list[int]:
        """The length of each."""
        return [end - start for start, end in zip(self._ends, self._ends[1:], strict=False)]

    def column(self) -> Any:
        """A pyarrow array."""
        import pyarrow  # type: ignore[import-untyped]

        return pyarrow.LargeListArray.from_arrays(pyarrow.array(self.ends), pyarrow.array(self.flat))

    def save(self, stem: Path) -> None:
        """Write them beside `stem`, for `load`."""
        import numpy

        numpy.save(stem.with_suffix(".values.npy"), self.flat)
        numpy.save(stem.with_suffix(".ends.npy"), self.ends)

    @classmethod
    def load(cls, stem: Path) -> Lists:
        """What `save` wrote; the values are mapped, not read."""
        import numpy

        flat = numpy.load(stem.with_suffix(".values.npy"), mmap_mode="r")
        return cls(flat, numpy.load(stem.with_suffix(".ends.npy")).tolist())


def dataset_of(columns: Mapping[str, Lists | Sequence[bool] | Sequence[int]]) -> Any:
    """A `datasets.Dataset` of integers, so that a trainer finds nothing to render, and Arrow nothing to unite."""
    import pyarrow
    from datasets import Dataset

    return Dataset(
        pyarrow.table(
            {
                name: values.column() if isinstance(values, Lists) else pyarrow.array(values)
                for name, values in columns.items()
            }
        )
    )


class TokenRows:
    """Sequences of `(input_ids, labels)`, those of one row beside each other.

    They are handed to the trainer as integers, so nothing can be changed on the way. `good` are the KTO labels of the
    sequences where they have such, `tails` what was cut off them, `numbers` the row of the file that each row was, and
    `sources` which of the files.
    """

    def __init__(self) -> None:
        self._ids = Lists()
        self._labels = Lists()
        self._rows = array("i")
        self.numbers = array("q")
        self.sources = array("i")
        self.good: list[bool] = []
        self.tails = Lists()

    def append(self, input_ids: list[int], labels: list[int]) -> None:
        """Add a row of one sequence; both lists are of one length."""
        self.append_row([(input_ids, labels)])

    def append_row(
        self, sequences: list[tuple[list[int], list[int]]], limit: int | None = None, number: int = 0
    ) -> None:
        """Add a row of several sequences, each cut to `limit` tokens; `number` is its place in the file."""
        for input_ids, labels in sequences:
            if len(input_ids) != len(labels):
                raise ValueError(f"{len(input_ids)} tokens with {len(labels)} labels")
            whole = limit is None
            self._ids.append(input_ids if whole else input_ids[:limit])
            self._labels.append(labels if whole else labels[:limit])
            self.tails.append([] if whole else input_ids[limit:])
        self._rows.append(len(sequences))
        self.numbers.append(number)
        self.sources.append(0)

    def extend(self, others: TokenRows, before: int) -> None:
        """Add the rows of the next piece of the same file; `before` rows of the file stand before it."""
        self._ids.extend(others._ids)
        self._labels.extend(others._labels)
        self.tails.extend(others.tails)
        self._rows.extend(others._rows)
        self.numbers.extend(number + before for number in others.numbers)
        self.sources.extend(others.sources)
        self.good += others.good

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[list[int], list[int]]]:
        return zip(self._ids, self._labels, strict=True)

    def rows(self) -> Iterator[list[tuple[list[int], list[int]]]]:
        """The sequences, row by row."""
        sequences = iter(self)
        for count in self._rows:
            yield [next(sequences) for _ in range(count)]

    @property
    def largest_id(self) -> int:
        """The largest token id of all rows, -1 where there are none."""
        return int(self._ids.flat.max(initial=-1))

    @property
    def longest(self) -> int:
        """The tokens of the longest sequence."""
        return max(self.lengths, default=0)

    @property
    def tokens(self) -> int:
        """The tokens of all sequences."""
        return len(self._ids.flat)

    @property
    def lengths(self) -> list[int]:
        """The tokens of each sequence."""
        return self._ids.lengths

    def padded(self, batch_size: int) -> tuple[int, int]:
        """(sum of lengths, sum of their squares), every batch in the order of the rows filled up to its longest."""
        return padded(self.lengths, batch_size)

    def dataset(self) -> Any:
        """A `datasets.Dataset` of the sequences with the columns `input_ids` and `labels`, over the same memory.

        `length` is their lengths: a sampler that groups by them would have to read them all.
        """
        return dataset_of({"input_ids": self._ids, "labels": self._labels, "length": self.lengths})

    def find(self, input_ids: list[int]) -> tuple[int, int] | None:
        """(file, row) of the first row that holds this sequence, None where none does."""
        row, left = 0, 0
        for ids, length in zip(self._ids, self.lengths, strict=True):
            if not left:
                left = self._rows[row]
                row += 1
            left -= 1
            if length == len(input_ids) and ids == input_ids:
                return self.sources[row - 1], self.numbers[row - 1]
        return None

    def save(self, folder: Path) -> None:
        """Write them into `folder`, for `load` in another process."""
        import msgspec

        folder.mkdir()
        for name, lists in (("ids", self._ids), ("labels", self._labels), ("tails", self.tails)):
            lists.save(folder / name)
        counts = {
            "rows": list(self._rows), "numbers": list(self.numbers), "sources": list(self.sources), "good": self.good,
        }  # fmt: skip
        (folder / "rows.json").write_bytes(msgspec.json.encode(counts))

    @classmethod
    def load(cls, folder: Path) -> TokenRows:
        """What `save` wrote."""
        import msgspec

        rows, counts = cls(), msgspec.json.decode((folder / "rows.json").read_bytes())
        rows._ids, rows._labels, rows.tails = (Lists.load(folder / name) for name in ("ids", "labels", "tails"))
        rows._rows, rows.numbers = array("i", counts["rows"]), array("q", counts["numbers"])
        rows.sources, rows.good = array("i", counts["sources"]), counts["good"]
        return rows


def padded(lengths: Sequence[int], batch_size: int) -> tuple[int, int]:
    """(sum of lengths, sum of their squares), every batch filled up to its longest."""
    batches = (lengths[start : start + batch_size] for start in range(0, len(lengths), batch_size))
    filled = [(len(batch), max(batch)) for batch in batches]
    return sum(rows * longest for rows, longest in filled), sum(rows * longest**2 for rows, longest in filled)


def mixed(parts: Sequence[TokenRows], passes: Sequence[Iterable[int]]) -> TokenRows:
    """The rows of several files as one, spread evenly; `passes` are the rows of each to take, in their order."""
    ordered = sorted(
        ((place + 0.5) / len(taken), part, index)
        for part, taken in enumerate(map(list, passes))
        for place, index in enumerate(taken)
    )
    starts = [_starts(part) for part in parts]
    rows = TokenRows()
    for _, part, index in ordered:
        source, first = parts[part], starts[part][index]
        sequences = range(first, first + source._rows[index])
        for each in sequences:
            rows._ids.append(source._ids[each])
            rows._labels.append(source._labels[each])
            rows.tails.append(source.tails[each])
            if source.good:
                rows.good.append(source.good[each])
        rows._rows.append(len(sequences))
        rows.numbers.append(source.numbers[index])
        rows.sources.append(part)
    return rows


def _starts(rows: TokenRows) -> list[int]:
    """Where the sequences of each row begin."""
    starts, total = [], 0
    for count in rows._rows:
        starts.append(total)
        total += count
    return starts
