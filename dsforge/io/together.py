"""Several files that appear together: all are on the disk in full before the first takes its name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from dsforge.errors import UsageError
from dsforge.io.atomic import atomic_write, check_writable, is_special


def check_outputs(sources: Sequence[str], outputs: Iterable[str | Path]) -> None:
    """Refuse, before the work, outputs that cannot be written, are one another, or are an input.

    Raises:
        UsageError, OutputError
    """
    taken: set[Path] = set()
    inputs = {Path(source).resolve() for source in sources if source != "-"}
    for output in outputs:
        if str(output) == "-":
            continue
        place = Path(output).resolve()
        if place in inputs:
            raise UsageError(f"{output} is also an input: choose another output, the source is never overwritten")
        if place in taken:
            raise UsageError(f"{output} is named for two outputs: give each a file of its own")
        taken.add(place)
        check_writable(Path(output))


class RowFile:
    """Rows (one-line JSON bytes) into a file: an element of an array where `array`, else a line."""

    def __init__(self, file: BinaryIO, array: bool) -> None:
        self.file = file
        self._array = array
        self._rows = 0

    def write(self, row: bytes) -> None:
        """Write one row."""
        if self._array:
            self.file.write(b",\n" if self._rows else b"[\n")
            self.file.write(row)
        else:
            self.file.write(row + b"\n")
        self._rows += 1

    def end(self) -> None:
        """Write what closes the array."""
        if self._array:
            self.file.write(b"\n]\n" if self._rows else b"[]\n")


@contextmanager
def rows_together(paths: Sequence[str | Path]) -> Iterator[list[RowFile]]:
    """Row files (a JSON array where the name ends in .json) that appear when the block ends without an error.

    A full disk is met before the first file takes its name; only the loss of power between two renames can
    leave one without the other. `-` is standard output, which is written as it comes.

    Raises:
        OutputError: a place cannot be written to, or the disk is full.
    """
    with ExitStack() as stack:
        files = [RowFile(stack.enter_context(atomic_write(path)), str(path).endswith(".json")) for path in paths]
        yield files
        for path, file in zip(paths, files, strict=True):
            file.end()
            file.file.flush()
            if str(path) != "-" and not is_special(Path(path)):
                os.fsync(file.file.fileno())
