"""Byte strings put aside in a file without a name, to be read again in any order. A killed run leaves nothing."""

from __future__ import annotations

import tempfile
from array import array

from dsforge.errors import OutputError

_BUFFER = 1 << 22


class Spill:
    """Append byte strings, then read them back by number.

    Kept in memory up to a few megabytes, then in the system's temporary folder (TMPDIR).
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_BUFFER)  # noqa: SIM115 - closed by close()
        self._ends = array("q", [0])
        self._reading = False

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, data: bytes) -> None:
        """Put `data` aside as number `len(self)`."""
        try:
            if self._reading:
                self._file.seek(self._ends[-1])
                self._reading = False
            self._file.write(data)
        except OSError as error:
            folder = tempfile.gettempdir()
            raise OutputError(
                f"{folder} cannot be written: {error.strerror}; set TMPDIR to a folder with room"
            ) from error
        self._ends.append(self._ends[-1] + len(data))

    def __getitem__(self, number: int) -> bytes:
        start, end = self._ends[number], self._ends[number + 1]
        self._file.seek(start)
        self._reading = True
        return self._file.read(end - start)

    def close(self) -> None:
        """Give the file back to the system."""
        self._file.close()
