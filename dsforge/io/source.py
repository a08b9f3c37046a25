"""Opens what a user names as input, and says plainly why something is not a file of rows."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dsforge.errors import InputError
from dsforge.io.compression import BROKEN, PACKINGS, unpacked
from dsforge.io.encoding import LOOK, UTF8_BOM, as_utf8, known_encoding, told_encoding
from dsforge.io.naming import split_part

if TYPE_CHECKING:
    from dsforge.io.container import Container

_HEAD = 4096
_TABLES_OF_TEXT = (".csv", ".tsv")
_NAME = r"\"?[^\W\d][\w ./()-]*\"?"  # a cell of the header
_HEADERS = [re.compile(f"{_NAME}(?:{delimiter}{_NAME})+") for delimiter in ",;\t"]
_NOT_TEXT = (".xlsx", ".parquet", ".zip", *PACKINGS)
_NOT_ROWS = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or Word document; save it as .xlsx first"),
    (b"BZh", "compressed with bzip2; unpack it first (bunzip2 FILE)"),
    (b"\xfd7zXZ", "compressed with xz; unpack it first (unxz FILE)"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
)


@dataclass
class Source:
    """An open input: its bytes unpacked and in UTF-8, or the `container` that reads them.

    `plain` says that the bytes are those of the file itself, so that a place in one is a place in the other.
    """

    name: str
    file: BinaryIO
    part: str = ""
    container: Container | None = None
    compressed: bool = False
    encoding: str = "utf-8"
    notices: list[str] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """Whether the bytes are those of the file itself."""
        return not self.compressed and self.encoding == "utf-8" and self.container is None

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _check_text(name: str, head: bytes) -> None:
    """Refuse the first bytes of what is not text in UTF-8."""
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
        if not (head.lstrip(b" \t\r\n" + UTF8_BOM).startswith((b"{", b"[")) and head.count(0) < len(head) // 100):
            raise InputError(f"{name} is a binary file: dsforge reads JSONL, JSON, CSV, Excel and Parquet")
    if not head.strip(b" \t\r\n" + UTF8_BOM):
        raise InputError(f"{name} holds only blank lines: there is no row in it")


def _open(name: str) -> BinaryIO:
    """The bytes of a file as they lie there, seekable; those of standard input and pipes are read in full."""
    if name == "-":
        return io.BytesIO(sys.stdin.buffer.read())
    path = Path(name)
    try:
        if path.is_dir():
            raise InputError(f"{name} is a directory: name a file in it")
        file = path.open("rb")
        if not file.seekable():  # a pipe, as the shell's <(command) makes
            with file:
                return io.BytesIO(file.read())
    except FileNotFoundError:
        raise InputError(f"{name} does not exist: check the path (working folder: {Path.cwd()})") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error
    return file


def _head(name: str, file: BinaryIO, size: int) -> bytes:
    try:
        head = file.read(size)
    except BROKEN as error:
        raise InputError(f"{name} cannot be unpacked: {error}") from error
    file.seek(0)
    if not head:
        raise InputError(f"{name} is empty: there is no row in it")
    return head


def open_source(source: str | Path, encoding: str = "auto") -> Source:
    """Open a file (`FILE#PART` for a part of it) or `-` for standard input.

    What it is, how it is packed and encoded is told by its first bytes, CSV and TSV by the name; where there is none,
    by their header. `encoding` names that of text instead.

    Raises:
        InputError: it is missing, a directory, empty, or nothing that holds rows.
        UsageError: no such encoding.
    """
    path, part = split_part(source)
    named = None if encoding == "auto" else known_encoding(encoding)
    file = _open(path)
    opened = Source("standard input" if path == "-" else path, file, part)
    try:
        _look(opened, path, named)
    except BaseException:
        opened.close()
        raise
    return opened


def _look(opened: Source, path: str, encoding: str | None) -> None:
    """Find out what the file is, and put in its place what gives the rows."""
    head = _head(opened.name, opened.file, _HEAD)
    lower = path.lower()
    is_nameless = isinstance(opened.file, io.BytesIO)
    if inner := unpacked(opened.file):
        opened.file, opened.compressed = inner, True
        head = _head(opened.name, inner, _HEAD)
        lower = next((lower.removesuffix(packing) for packing in PACKINGS if lower.endswith(packing)), lower)
    is_text = head[:1] in b"{[ \t\r\n\xef\"'"
    if not is_text and _is_container(opened, head):
        return
    if not is_text and not opened.compressed and path.lower().endswith(_NOT_TEXT):
        raise InputError(f"{opened.name} is not what its name says: it was damaged, or is of another kind")
    if opened.part:
        raise InputError(f"{opened.name} has no parts: leave out #{opened.part}")
    _decode(opened, encoding)
    is_told = is_nameless and _has_a_header(opened)
    if is_told:
        opened.notices.append(f"{opened.name} is read as CSV: it begins with a line of column names")
    if is_told or lower.endswith(_TABLES_OF_TEXT):
        from dsforge.io.container import container_named

        opened.container = container_named(".csv" if is_told else lower)


def _has_a_header(opened: Source) -> bool:
    """Whether the first line is the header of a CSV file: several names, which no row of JSON is."""
    head = _head(opened.name, opened.file, _HEAD).removeprefix(UTF8_BOM)
    line = head.partition(b"\n")[0].decode("utf-8", "replace").removesuffix("\r")
    return any(header.fullmatch(line) for header in _HEADERS)


def _is_container(opened: Source, head: bytes) -> bool:
    """Whether the file is a container known by its first bytes; the JSON within one takes its place."""
    from dsforge.io.container import Opened, container_of

    found = container_of(head, opened.file)
    if found is None:
        return False
    if opened.compressed:
        raise InputError(f"{opened.name} is {found.name} packed once more: unpack it first")
    if opened.part and not found.parts:
        raise InputError(f"{opened.name} has no parts: leave out #{opened.part}")
    if found.member is None:
        opened.container = found
        return True
    opened.file = found.member(Opened(opened.name, opened.file, opened.part, opened.notices))
    opened.part, opened.compressed = "", True
    return False


def _decode(opened: Source, encoding: str | None) -> None:
    """Put the file's text in UTF-8 in its place."""
    try:
        head = opened.file.read(LOOK)
    except BROKEN:  # told with the row it is met at, when the rows are read
        opened.file.seek(0)
        head = _head(opened.name, opened.file, _HEAD)
    opened.file.seek(0)
    if not head:
        raise InputError(f"{opened.name} is empty: there is no row in it")
    found = encoding or told_encoding(head)
    if found != "utf-8":
        opened.file = as_utf8(opened.name, opened.file, found, encoding is None)
        opened.encoding = found
        if found == "gb18030" and encoding is None:
            opened.notices.append(f"{opened.name} is not UTF-8: read as GB18030, as which all of it is Chinese text")
        head = _head(opened.name, opened.file, _HEAD)
    _check_text(opened.name, head[:_HEAD])
