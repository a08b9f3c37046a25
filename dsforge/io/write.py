"""Rows into a file of any kind, told by its name: JSONL, a JSON array, CSV, Excel, Parquet; the text ones packed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from dsforge.errors import UsageError
from dsforge.example import JSON
from dsforge.extras import require
from dsforge.io.atomic import atomic_write
from dsforge.io.compression import packed, packing_of
from dsforge.io.container import Container, Rows, container_named
from dsforge.io.spill import Spill

_JSON = (".jsonl", ".ndjson", ".json", ".txt", "")
_UNWRITABLE = {
    ".xls": "the old Excel format is not written; name it .xlsx",
    ".xlsm": "a workbook with macros is not written; name it .xlsx",
    ".ods": "OpenDocument is not written; name it .xlsx",
    ".arrow": "Arrow files are not written; name it .parquet",
    ".feather": "Feather files are not written; name it .parquet",
    ".zip": "rows alone are not written into a zip; name it .jsonl",
    ".bz2": "bzip2 is not written; name it .gz or .zst",
    ".xz": "xz is not written; name it .gz or .zst",
    ".db": "databases are not written; name it .jsonl",
    ".sqlite": "databases are not written; name it .jsonl",
    ".h5": "HDF5 is not written; name it .parquet",
    ".yaml": "YAML is not written; name it .jsonl",
    ".xml": "XML is not written; name it .jsonl",
}


@dataclass(frozen=True)
class Output:
    """What the name of an output says: a table's container, else JSON (an `array`, or a row to a line), and packing."""

    container: Container | None
    array: bool
    packing: str

    @property
    def direct(self) -> bool:
        """Whether rows are written as they come, joined by line breaks: plain JSONL."""
        return self.container is None and not self.array and not self.packing


def output_of(path: str | Path) -> Output:
    """What a file of this name is written as; any name that says nothing is JSONL, and so is standard output.

    Raises:
        UsageError: a kind of file that dsforge does not write.
        MissingExtraError: the library that writes it is not installed.
    """
    name = Path(path).name.lower()
    packing = packing_of(name)
    inner = name.removesuffix(packing)
    suffix = Path(inner).suffix
    if suffix in _UNWRITABLE:
        raise UsageError(f"{path}: {_UNWRITABLE[suffix]}")
    container = None if suffix in _JSON else container_named(inner)
    if container and packing and not container.text:
        raise UsageError(f"{path}: {container.name} is packed in itself; leave out {packing}")
    for module in container.needs if container else ():
        require(module, "tables", f"writing {path}")
    return Output(container, suffix == ".json", packing)


class RowFile:
    """Rows (one-line JSON) into a file that `output` says the kind of.

    A table is put together when it ends, from rows set aside meanwhile; `notices` says then what the user should
    know of it.
    """

    def __init__(self, file: BinaryIO, output: Output, name: str) -> None:
        self.file = file
        self.notices: list[str] = []
        self._output, self._name = output, name
        self._rows = 0
        self._aside = Spill() if output.container else None

    def write(self, row: bytes) -> None:
        """Write one row."""
        if self._aside is not None:
            self._aside.append(row)
        elif self._output.array:
            self.file.write(b",\n" if self._rows else b"[\n")
            self.file.write(row)
        else:
            self.file.write(row + b"\n")
        self._rows += 1

    def write_lines(self, lines: memoryview) -> None:
        """Write rows that stand one to a line, the last one ended too."""
        if self._aside is None and not self._output.array:
            self.file.write(lines)
            return
        for row in lines.tobytes().split(b"\n")[:-1]:
            self.write(row)

    def end(self) -> None:
        """Write what closes the array, or the whole table."""
        if self._output.array:
            self.file.write(b"\n]\n" if self._rows else b"[]\n")
        elif self._aside is not None:
            aside = self._aside
            self.notices = _write_table(
                self.file, lambda: (aside[index] for index in range(len(aside))), self._output, self._name, False
            )

    def close(self) -> None:
        """Let go of the rows set aside."""
        if self._aside is not None:
            self._aside.close()


@contextmanager
def row_file(path: str | Path) -> Iterator[tuple[RowFile, BinaryIO]]:
    """A `RowFile` and the file on the disk beneath it, which takes its name when the block ends without an error.

    The caller calls `end`.
    """
    output = output_of(path)
    with atomic_write(path) as file, packed(file, output.packing) as unpacked:
        rows = RowFile(unpacked, output, str(path))
        try:
            yield rows, file
        finally:
            rows.close()


WriteRow: TypeAlias = Callable[[bytes], None]


@contextmanager
def row_writer(path: str | Path) -> Iterator[WriteRow]:
    """Write rows (one-line JSON) to a file that appears when the block ends without an error."""
    with row_file(path) as (rows, _):
        yield rows.write
        rows.end()


def _write_table(file: BinaryIO, rows: Rows, output: Output, name: str, hf_compat: bool) -> list[str]:
    assert output.container is not None
    if output.container.write is None:
        raise UsageError(f"{name}: {output.container.name} is read, not written; name it .jsonl or .parquet")
    return output.container.write(file, rows, name, hf_compat)


def write_rows(path: str | Path, rows: Rows, *, hf_compat: bool = False, name: str | Path = "") -> list[str]:
    """Write rows (one-line JSON) to the file `path`, at once; the lines that tell the user what to know of it.

    `rows` is called for each time they are gone through: a table needs its columns first. `hf_compat` writes
    what Hugging Face's datasets before 4.8 reads: values whose shape differs from row to row become JSON text.
    `name` is what the user calls the file, where that is not `path`.

    Raises:
        UsageError: a kind of file that dsforge does not write.
        OutputError: a row that the file cannot hold (see `refusal`), or a place that cannot be written to.
    """
    output = output_of(path)
    name = str(name or path)
    with atomic_write(path) as file, packed(file, output.packing) as unpacked:
        if output.container:
            return _write_table(unpacked, rows, output, name, hf_compat)
        notices: list[str] = []
        if hf_compat:
            from dsforge.io.shape import as_text

            rows, notices = as_text(rows, name)
        target = RowFile(unpacked, output, name)
        for row in rows():
            target.write(row)
        target.end()
    return notices


def refusal(path: str | Path, row: JSON) -> str | None:
    """Why a row cannot stand in a file of this name, None where it can."""
    container = output_of(path).container
    return container.refusal(row) if container else None


def refusal_for(path: str | Path) -> Callable[[JSON], str | None] | None:
    """`refusal` for many rows of one file; None where every row can stand in it."""
    container = output_of(path).container
    return container.refusal if container else None


def sync(file: BinaryIO) -> None:
    """Have the file on the disk."""
    file.flush()
    os.fsync(file.fileno())
