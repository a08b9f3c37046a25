"""Arrays in files of their own, appended to while rows come and looked at without being read into memory.

A file holds the bare values, one after another, in this machine's order of bytes; who writes it knows their type.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dsforge.errors import OutputError
from dsforge.io.write import sync

Values: TypeAlias = "NDArray[Any] | array[Any] | bytes | memoryview"


class ArrayFolder:
    """Writes arrays of a folder by their names. Close it, or use it in a `with`. `durable` ones outlive a power cut.

    Raises:
        OutputError: the folder cannot be written to, or the disk is full.
    """

    def __init__(self, folder: Path, durable: bool = False) -> None:
        self._folder, self._durable = folder, durable
        self._stack = ExitStack()
        self._files: dict[str, Any] = {}

    def append(self, name: str, values: Values) -> None:
        """Put values behind those that the array has; the first call, be it of none, makes the array."""
        try:
            if name not in self._files:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._files[name] = self._stack.enter_context((self._folder / name).open("wb", buffering=1 << 16))
            self._files[name].write(values)
        except OSError as error:
            raise self._told(error) from error

    def close(self) -> None:
        """Finish the files."""
        try:
            for file in self._files.values() if self._durable else ():
                sync(file)
            self._stack.close()
        except OSError as error:
            raise self._told(error) from error

    def _told(self, error: OSError) -> OutputError:
        return OutputError(f"{self._folder} cannot be written: {error.strerror}; the output's folder, or TMPDIR for "
                           "what has none, has to have room")  # fmt: skip

    def __enter__(self) -> ArrayFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def mapped(path: Path, kind: type[np.generic], width: int = 0) -> NDArray[Any]:
    """The array in a file, as rows of `width` values where that is given; its pages come into memory when looked at."""
    values: NDArray[Any] = np.empty(0, dtype=kind)
    if path.stat().st_size:
        values = np.asarray(np.memmap(path, dtype=kind, mode="r"))
    return values.reshape(-1, width) if width else values


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder in the system's temporary one (TMPDIR), removed when the block ends."""
    with tempfile.TemporaryDirectory(prefix="dsforge-", ignore_cleanup_errors=True) as name:
        yield Path(name)
