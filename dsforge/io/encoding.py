"""Text that is not UTF-8, made UTF-8 as it is read: UTF-16 by its mark, GB18030 where that is beyond doubt."""

from __future__ import annotations

import codecs
import io
from collections import Counter
from typing import BinaryIO, cast

from dsforge.errors import InputError, UsageError

UTF8_BOM = codecs.BOM_UTF8
LOOK = 1 << 20
"""How many bytes an encoding is told from."""

_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_PIECE = 1 << 16
_ENOUGH = 64  # Chinese characters, below which a guess is not worth more than the row's own finding
_FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
)


def known_encoding(name: str) -> str:
    """Python's name of an encoding that the user named.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError) as error:
        raise UsageError(f"no encoding is named {name!r}: utf-8, utf-16, gb18030, big5 and latin-1 are some") from error


def told_encoding(head: bytes) -> str:
    """`utf-8` unless the first bytes (at most LOOK) are beyond doubt something else."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "gb18030" if _is_gb18030(head) else "utf-8"
    return "utf-8"


def _is_gb18030(head: bytes) -> bool:
    """Whether the text is Chinese in GB18030: enough of it, in common characters, and no line that is UTF-8.

    Korean in EUC-KR also decodes to common Chinese characters, though not to the most frequent ones.
    """
    try:
        text = codecs.getincrementaldecoder("gb18030")().decode(head)
    except UnicodeDecodeError:
        return False
    counts = Counter(char for char in text if char > "\x7f")
    hanzi = sum(count for char, count in counts.items() if _row(char) in range(0xB0, 0xD8))
    common = hanzi + sum(count for char, count in counts.items() if _row(char) in (0xA1, 0xA2, 0xA3))
    frequent = sum(counts[char] for char in _FREQUENT)
    enough = hanzi >= _ENOUGH and common >= 0.95 * sum(counts.values()) and frequent >= 0.1 * hanzi
    return enough and not any(_is_surely_utf8(line) for line in head.splitlines())


def _row(char: str) -> int:
    """The row of a character in GB 2312: B0 to D7 are the common Chinese ones, A1 to A3 punctuation and symbols."""
    try:
        return char.encode("gb2312")[0]
    except UnicodeEncodeError:
        return 0


def _is_surely_utf8(line: bytes) -> bool:
    """Whether a line is UTF-8 with a Chinese character in it, which a line of GB18030 hardly ever is."""
    if line.isascii():
        return False
    try:
        return max(line.decode()) > "\u07ff"
    except UnicodeDecodeError:
        return False


class _Utf8File(io.RawIOBase):
    """A file in another encoding, as UTF-8. Seeks to the beginning and nowhere else.

    Bytes that are wrong in the encoding stay as they are, so that the row they stand in is refused, not the file;
    UTF-16 and UTF-32 have no such bytes, there the file ends.
    """

    def __init__(self, name: str, file: BinaryIO, encoding: str, told: bool) -> None:
        self._name, self._file, self._encoding, self._told = name, file, encoding, told
        self._errors = "strict" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go back to the beginning."""
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("text in another encoding can be rewound, not searched")
        self._file.seek(0)
        self._decoder = codecs.getincrementaldecoder(self._encoding)(self._errors)
        self._waiting = memoryview(b"")
        self._line, self._whole = 1, True
        return 0

    def readinto(self, buffer: object) -> int:
        """Fill `buffer` with UTF-8."""
        ended = False
        while not self._waiting and not ended:
            piece = self._file.readline(_PIECE)
            ended = not piece
            self._check(piece)
            self._waiting = memoryview(self._decoded(piece))
        target = memoryview(buffer)  # type: ignore[arg-type] # a writable buffer, which 3.10 cannot name
        count = min(len(target), len(self._waiting))
        target[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def _decoded(self, piece: bytes) -> bytes:
        try:
            text = self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raise InputError(f"{self._name} is broken {self._encoding.upper()} near line {self._line:,}: "
                             f"{error.reason}; save it as UTF-8") from error  # fmt: skip
        return text.encode("utf-8", self._errors)

    def _check(self, piece: bytes) -> None:
        """Refuse a line that is UTF-8 in a file that was told to be something else."""
        complete = piece.endswith(b"\n") or len(piece) < _PIECE
        if self._told and self._encoding == "gb18030" and self._whole and complete and _is_surely_utf8(piece):
            raise InputError(
                f"{self._name} is GB18030, but its line {self._line:,} is UTF-8: make it one encoding, or name it"
            )
        self._whole = piece.endswith(b"\n")
        self._line += self._whole

    def close(self) -> None:
        """Close the file beneath too."""
        self._file.close()
        super().close()


def as_utf8(name: str, file: BinaryIO, encoding: str, told: bool) -> BinaryIO:
    """A file in `encoding` (which was `told` from its bytes, or named by the user), as UTF-8."""
    return cast(BinaryIO, io.BufferedReader(_Utf8File(name, file, encoding, told), 1 << 17))
