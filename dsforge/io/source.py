"""Opens what a user names as input, and says plainly why something is not a file of rows."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from dsforge.errors import InputError

UTF8_BOM = b"\xef\xbb\xbf"
_HEAD = 4096
_NOT_ROWS = (
    (b"PAR1", "a Parquet file; save it as JSONL first"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook; save the rows as JSONL first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first (unzstd FILE)"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
)


def _check_head(name: str, head: bytes) -> None:
    if not head:
        raise InputError(f"{name} is empty: there is no row in it")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{name} is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8 {name} > utf8.jsonl)")
    for magic, what in _NOT_ROWS:
        if head.startswith(magic):
            raise InputError(f"{name} is {what}")
    if b"\x00" in head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) > len(head) // 4 and min(even, odd) == 0:
            raise InputError(
                f"{name} looks like UTF-16 without a byte order mark: save it as UTF-8 "
                f"(iconv -f UTF-16LE -t UTF-8 {name} > utf8.jsonl)"
            )
        raise InputError(f"{name} is a binary file: dsforge reads JSONL and JSON in UTF-8")
    if not head.strip(b" \t\r\n" + UTF8_BOM):
        raise InputError(f"{name} holds only blank lines: there is no row in it")


def open_source(source: str | Path) -> BinaryIO:
    """Open a file (plain or gzip, by its first bytes) or `-` for standard input, as bytes.

    Raises:
        InputError: it is missing, a directory, empty, binary or not UTF-8 text.
    """
    name = str(source)
    if name == "-":
        raw: BinaryIO = io.BytesIO(sys.stdin.buffer.read())
        name = "standard input"
    else:
        path = Path(source)
        try:
            if path.is_dir():
                raise InputError(f"{name} is a directory: name a file in it")
            raw = path.open("rb")
            if not raw.seekable():  # a pipe, as the shell's <(command) makes
                with raw:
                    raw = io.BytesIO(raw.read())
        except FileNotFoundError:
            raise InputError(f"{name} does not exist: check the path (working folder: {Path.cwd()})") from None
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror or error}") from error
    if raw.read(2) == b"\x1f\x8b":
        raw.seek(0)
        raw = cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    else:
        raw.seek(0)
    try:
        head = raw.read(_HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name} cannot be unpacked: {error}") from error
    _check_head(name, head)
    raw.seek(0)
    return raw
