"""gzip and zstd: told by the first bytes when reading, by the name when writing."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"  # after one byte: a zstd frame that holds no data, as pzstd writes first
_READ = 8 << 10  # of zstd, which can blow 8 KiB up to 256 MiB at the very most


class BrokenError(OSError):
    """Packed data that is cut off, altered or blown up beyond a cap."""


BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, BrokenError)
"""What reading a broken gzip, zstd or zip file raises."""


class _ZstdFile(io.RawIOBase):
    """The unpacked bytes of all frames. Seeks to the beginning and nowhere else.

    The library's own reader takes a stream that is cut off for one that ends.
    """

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go back to the beginning."""
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("zstd can be rewound, not searched")
        import zstandard

        self._packed.seek(0)
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 31)
        self._frame = self._unpacker.decompressobj()
        self._within = False
        self._waiting = memoryview(b"")
        return 0

    def readinto(self, buffer: object) -> int:
        """Fill `buffer` from what is unpacked."""
        while not self._waiting:
            packed = self._packed.read(_READ)
            if not packed:
                if self._within:
                    raise BrokenError("the zstd file is cut off")
                return 0
            self._waiting = memoryview(self._unpack(packed))
        target = memoryview(buffer)  # type: ignore[arg-type] # a writable buffer, which 3.10 cannot name
        count = min(len(target), len(self._waiting))
        target[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def _unpack(self, packed: bytes) -> bytes:
        import zstandard

        pieces: list[bytes] = []
        try:
            while packed:
                pieces.append(self._frame.decompress(packed))
                self._within = not self._frame.eof
                packed = b""
                if self._frame.eof:
                    packed = self._frame.unused_data
                    self._frame = self._unpacker.decompressobj()
        except zstandard.ZstdError as error:
            raise BrokenError(str(error)) from error
        return b"".join(pieces)

    def close(self) -> None:
        """Close the packed file too."""
        self._packed.close()
        super().close()


def unpacked(file: BinaryIO) -> BinaryIO | None:
    """The unpacked content of a seekable file; None where it is not packed, with the file at its beginning."""
    head = file.read(4)
    file.seek(0)
    if head.startswith(GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if head == ZSTD or (head[1:] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F):
        return cast(BinaryIO, io.BufferedReader(_ZstdFile(file), 1 << 17))
    return None


PACKINGS = (".gz", ".zst")


def packing_of(name: str) -> str:
    """`.gz` or `.zst` where a file of this name is written packed, else nothing."""
    return next((suffix for suffix in PACKINGS if name.lower().endswith(suffix)), "")


@contextmanager
def packed(file: BinaryIO, packing: str) -> Iterator[BinaryIO]:
    """A file whose bytes go to `file` packed; equal bytes give an equal file, at any time and under any name."""
    if packing == ".gz":
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packer:
            yield cast(BinaryIO, packer)
    elif packing == ".zst":
        import zstandard

        with zstandard.ZstdCompressor(level=3, write_checksum=True).stream_writer(file, closefd=False) as writer:
            yield cast(BinaryIO, writer)
    else:
        yield file
