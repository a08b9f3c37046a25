"""Tokens and labels of many rows, held as flat arrays of 32-bit integers (8 bytes a token)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any


class TokenRows:
    """Rows of `(input_ids, labels)`; handed to the trainer as integers, so nothing can be changed on the way."""

    def __init__(self) -> None:
        self._ids = array("i")
        self._labels = array("i")
        self._ends = array("q", [0])

    def append(self, input_ids: list[int], labels: list[int]) -> None:
        """Add a row; both lists are of one length."""
        if len(input_ids) != len(labels):
            raise ValueError(f"{len(input_ids)} tokens with {len(labels)} labels")
        self._ids.extend(input_ids)
        self._labels.extend(labels)
        self._ends.append(len(self._ids))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[tuple[list[int], list[int]]]:
        for start, end in zip(self._ends, self._ends[1:], strict=False):
            yield self._ids[start:end].tolist(), self._labels[start:end].tolist()

    @property
    def largest_id(self) -> int:
        """The largest token id of all rows, -1 where there are none."""
        return max(self._ids, default=-1)

    @property
    def longest(self) -> int:
        """The tokens of the longest row."""
        return max((end - start for start, end in zip(self._ends, self._ends[1:], strict=False)), default=0)

    def padded(self, batch_size: int) -> tuple[int, int]:
        """(sum of lengths, sum of their squares), every batch in the order of the rows filled up to its longest."""
        lengths = [end - start for start, end in zip(self._ends, self._ends[1:], strict=False)]
        batches = (lengths[start : start + batch_size] for start in range(0, len(lengths), batch_size))
        filled = [(len(batch), max(batch)) for batch in batches]
        return sum(rows * longest for rows, longest in filled), sum(rows * longest**2 for rows, longest in filled)

    def dataset(self) -> Any:
        """A `datasets.Dataset` with the columns `input_ids` and `labels`, over the same memory."""
        import numpy
        import pyarrow  # type: ignore[import-untyped]
        from datasets import Dataset

        ends = pyarrow.array(numpy.frombuffer(self._ends, dtype=numpy.int64))
        columns = {
            name: pyarrow.LargeListArray.from_arrays(ends, pyarrow.array(numpy.frombuffer(flat, dtype=numpy.int32)))
            for name, flat in (("input_ids", self._ids), ("labels", self._labels))
        }
        return Dataset(pyarrow.table(columns))
