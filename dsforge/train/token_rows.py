"""Tokens and labels of many rows, held as flat arrays of 32-bit integers (8 bytes a token)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import Any


class Lists:
    """Lists of integers, one behind the other; a column of a dataset over the same memory."""

    def __init__(self) -> None:
        self.flat = array("i")
        self._ends = array("q", [0])

    def append(self, values: list[int]) -> None:
        """Add a list."""
        self.flat.extend(values)
        self._ends.append(len(self.flat))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[list[int]]:
        for start, end in zip(self._ends, self._ends[1:], strict=False):
            yield self.flat[start:end].tolist()

    @property
    def lengths(self) -> list[int]:
        """The length of each."""
        return [end - start for start, end in zip(self._ends, self._ends[1:], strict=False)]

    def column(self) -> Any:
        """A pyarrow array."""
        import numpy
        import pyarrow  # type: ignore[import-untyped]

        ends = pyarrow.array(numpy.frombuffer(self._ends, dtype=numpy.int64))
        return pyarrow.LargeListArray.from_arrays(ends, pyarrow.array(numpy.frombuffer(self.flat, dtype=numpy.int32)))


def dataset_of(columns: Mapping[str, Lists | list[bool]]) -> Any:
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
    sequences where they have such, `tails` what was cut off them.
    """

    def __init__(self) -> None:
        self._ids = Lists()
        self._labels = Lists()
        self._rows: list[int] = []
        self.good: list[bool] = []
        self.tails = Lists()

    def append(self, input_ids: list[int], labels: list[int]) -> None:
        """Add a row of one sequence; both lists are of one length."""
        self.append_row([(input_ids, labels)])

    def append_row(self, sequences: list[tuple[list[int], list[int]]], limit: int | None = None) -> None:
        """Add a row of several sequences, each cut to `limit` tokens."""
        for input_ids, labels in sequences:
            if len(input_ids) != len(labels):
                raise ValueError(f"{len(input_ids)} tokens with {len(labels)} labels")
            self._ids.append(input_ids[:limit])
            self._labels.append(labels[:limit])
            self.tails.append([] if limit is None else input_ids[limit:])
        self._rows.append(len(sequences))

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
        return max(self._ids.flat, default=-1)

    @property
    def longest(self) -> int:
        """The tokens of the longest sequence."""
        return max(self._ids.lengths, default=0)

    def padded(self, batch_size: int) -> tuple[int, int]:
        """(sum of lengths, sum of their squares), every batch in the order of the rows filled up to its longest."""
        lengths = self._ids.lengths
        batches = (lengths[start : start + batch_size] for start in range(0, len(lengths), batch_size))
        filled = [(len(batch), max(batch)) for batch in batches]
        return sum(rows * longest for rows, longest in filled), sum(rows * longest**2 for rows, longest in filled)

    def dataset(self) -> Any:
        """A `datasets.Dataset` of the sequences with the columns `input_ids` and `labels`, over the same memory."""
        return dataset_of({"input_ids": self._ids, "labels": self._labels})
