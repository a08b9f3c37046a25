"""Output that appears whole under its name or not at all."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dsforge.errors import OutputError


def is_special(path: Path) -> bool:
    """Whether `path` is a device, a pipe or the like: written through, for a rename would replace it."""
    return path.exists() and not path.is_file()


def check_writable(path: Path) -> None:
    """Raise OutputError where `path` cannot become a file: better before the work than after."""
    if path.is_dir():
        raise OutputError(f"{path} is a directory: name a file to write to")
    if is_special(path) and os.access(path, os.W_OK):
        return
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent} does not exist: make the folder first (mkdir -p {path.parent})")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise OutputError(f"{path} cannot be written: permission denied")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class WriteBehind:
    """Writes to a file and has the disk follow meanwhile, so that the flush at the end waits for little."""

    _LAG = 40 << 20  # bytes written before the disk is asked to follow

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._unflushed = 0
        self._flusher: threading.Thread | None = None

    def write(self, data: bytes) -> None:
        """Write all of `data`."""
        self.file.write(data)
        self._wrote(len(data))

    def append(self, path: Path) -> None:
        """Write all of the file `path`."""
        with path.open("rb") as source:
            self.file.flush()
            copied = 0
            if sys.platform == "linux":  # within the system, which is twice as fast
                while sent := os.sendfile(self.file.fileno(), source.fileno(), copied, 1 << 26):
                    copied += sent
            else:
                shutil.copyfileobj(source, self.file, 1 << 22)
                copied = source.tell()
        self._wrote(copied)

    def _wrote(self, count: int) -> None:
        self._unflushed += count
        if self._unflushed >= self._LAG and not (self._flusher and self._flusher.is_alive()):
            self._unflushed = 0
            self._flusher = threading.Thread(target=self._flush, daemon=True)
            self._flusher.start()

    def _flush(self) -> None:
        with suppress(OSError):  # a disk that fails is met again by whoever flushes last
            os.fsync(self.file.fileno())

    def close(self) -> None:
        """Wait for the flush that is under way."""
        if self._flusher:
            self._flusher.join()


def publish(finished: Path, path: str | Path) -> None:
    """Give a finished file of the same file system the name `path`, flushed to disk, at once.

    Raises:
        OutputError: the place cannot be written to, or the disk is full.
    """
    if is_special(Path(path)):
        with finished.open("rb") as source, atomic_write(path) as file:
            shutil.copyfileobj(source, file)
        return
    target = Path(path).resolve()
    check_writable(target)
    try:
        with finished.open("rb") as file:
            os.fsync(file.fileno())
        finished.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error


def lock(file: BinaryIO) -> bool:
    """Take the lock of an open file, which the end of its holder gives back; False where another process has it."""
    if sys.platform == "win32":  # has no flock; two equal runs at once are on their own there
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_stale(partial: Path, target: Path) -> None:
    """Remove what killed processes left half written of the same file; not what one is writing now."""
    for other in target.parent.glob(f".{glob.escape(target.name)}.*.partial"):
        if other != partial:
            with suppress(FileNotFoundError), other.open("rb") as file:
                if lock(file):
                    other.unlink()


@contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that takes the name `path` only when the block ends without an error.

    Written beside the target, flushed to disk, then renamed: a reader never sees half a file and a
    crash leaves the old one. Standard output (`-`), devices and pipes are written through. A symbolic link
    stays, what it points to is replaced.

    Raises:
        OutputError: the place cannot be written to, or the disk is full.
    """
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path)
    check_writable(target)
    if is_special(target):
        try:
            with target.open("wb") as file:
                yield file
        except OSError as error:
            raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error
        return
    target = target.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    _remove_stale(partial, target)
    try:
        with partial.open("wb") as file:
            lock(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
