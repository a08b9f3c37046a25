"""Zip files that hold rows and the images they name. Members are streamed under caps, never extracted."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from dsforge.errors import InputError, OutputError
from dsforge.io.atomic import atomic_write
from dsforge.io.compression import BROKEN, BrokenError

MAX_MEMBERS = 200_000
MAX_MEMBER = 256 << 20
"""Bytes of a member, counted while it is read; the rows may be as long as all of it."""
MAX_TOTAL = 20 << 30
MAX_RATIO = 200
_HEADER = 30  # bytes that stand before a member, its name not counted
_SMALL = 1 << 20  # below which any ratio will do
_SYMLINK_OR_DEVICE = (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)
_DRIVE = re.compile(r"[A-Za-z]:")
_WRITTEN = (1980, 1, 1, 0, 0, 0)  # equal content gives an equal file


def name_flaw(name: str) -> str:
    """What makes the name of a member unfit; nothing where it is a plain relative path."""
    if not name or any(char < " " or char == "\x7f" for char in name):
        return "holds a control character or is empty"
    if "\\" in name:
        return "holds a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "is an absolute path"
    if ".." in name.split("/"):
        return "leads out of the archive (..)"
    return ""


def _name(info: zipfile.ZipInfo) -> str:
    """The member's name. Without the mark of UTF-8 it is UTF-8 all the same, or GBK as Chinese Windows writes it."""
    name = info.orig_filename
    if not info.flag_bits & 0x800 and not name.isascii():
        raw = name.encode("cp437")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.removeprefix("./")


class _Capped(io.RawIOBase):
    """A member's bytes, counted: more than it may hold is an error. Seeks to the beginning and nowhere else."""

    def __init__(self, bundle: Bundle, name: str, info: zipfile.ZipInfo, limit: int, last: bool) -> None:
        self._bundle, self._name, self._info, self._limit, self._last = bundle, name, info, limit, last
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go back to the beginning."""
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("a member can be rewound, not searched")
        self._file = self._bundle.raw(self._info)
        self._count = 0
        return 0

    def readinto(self, buffer: object) -> int:
        """Fill `buffer`."""
        target = memoryview(buffer)  # type: ignore[arg-type] # a writable buffer, which 3.10 cannot name
        try:
            data = self._file.read(len(target))
        except zipfile.BadZipFile as error:
            raise BrokenError(str(error)) from error
        self._count += len(data)
        ratio = self._count / max(self._info.compress_size, 1)
        if self._count > self._limit or (self._count > _SMALL and ratio > MAX_RATIO):
            raise InputError(
                f"{self._bundle.path}: its member {self._name} unpacks to more than {self._limit >> 20:,} MiB or "
                f"{MAX_RATIO} times its size: it is not read"
            )
        self._bundle.count(len(data))
        target[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the member, and the archive with the last one."""
        self._file.close()
        if self._last:
            self._bundle.close()
        super().close()


class Bundle:
    """An open zip file whose directory was found honest.

    `names` are its files in their order, without what macOS adds. Close it, or use it in a `with`.

    Raises:
        InputError: it is broken, encrypted, overlong, or a name in it leads elsewhere or stands twice.
    """

    def __init__(self, path: str | Path, file: BinaryIO | None = None) -> None:
        self.path = str(path)
        self._read = 0
        self._file = file
        self._members: dict[str, zipfile.ZipInfo] = {}
        try:
            self._archive = zipfile.ZipFile(file or self.path)
        except FileNotFoundError:
            raise InputError(f"{path} does not exist: check the path (working folder: {Path.cwd()})") from None
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise InputError(f"{path} is a broken zip archive or Excel workbook: {error}") from error
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        infos = self._archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise InputError(f"{self.path} holds {len(infos):,} files; at most {MAX_MEMBERS:,} are read")
        if sum(info.file_size for info in infos) > MAX_TOTAL:
            raise InputError(f"{self.path} unpacks to more than {MAX_TOTAL >> 30} GiB: it is not read")
        end = 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise InputError(f"{self.path}: its member {_name(info)!r} lies within another: it is not read")
            end = info.header_offset + _HEADER + info.compress_size
        for info in infos:
            self._take(info)

    def _take(self, info: zipfile.ZipInfo) -> None:
        name = _name(info)
        flaw = name_flaw(name)
        if stat.S_IFMT(info.external_attr >> 16) in _SYMLINK_OR_DEVICE:
            flaw = "is a link or a device"
        elif info.flag_bits & 1:
            flaw = "is encrypted; pack it without a password"
        elif name in self._members:
            flaw = "stands twice"
        if flaw:
            raise InputError(f"{self.path}: its member {name!r} {flaw}: the archive is not read")
        if not name.endswith("/") and not name.startswith("__MACOSX/") and not name.rpartition("/")[2].startswith("."):
            self._members[name] = info

    @property
    def names(self) -> list[str]:
        """The names of the files."""
        return list(self._members)

    def open(self, name: str, limit: int = MAX_MEMBER, *, last: bool = False) -> BinaryIO:
        """A member's bytes, streamed; more than `limit` of them are an error. Closing the `last` closes the archive.

        Raises:
            InputError: there is none of that name.
        """
        if name not in self._members:
            raise InputError(f"{self.path} holds no file {name!r}")
        return cast(BinaryIO, io.BufferedReader(_Capped(self, name, self._members[name], limit, last), 1 << 17))

    def read(self, name: str) -> bytes:
        """A member's bytes.

        Raises:
            InputError: there is none of that name, it is broken, or longer than the caps.
        """
        try:
            with self.open(name) as file:
                return file.read()
        except BROKEN as error:
            raise InputError(f"{self.path}: its member {name} cannot be unpacked: {error}") from error

    def raw(self, info: zipfile.ZipInfo) -> BinaryIO:
        """A member's bytes without any cap."""
        try:
            return cast(BinaryIO, self._archive.open(info))
        except (NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:  # the first: packed in an unknown way
            raise InputError(f"{self.path}: its member {_name(info)} cannot be unpacked: {error}") from error

    def count(self, read: int) -> None:
        """Count bytes against the cap of the whole archive."""
        self._read += read
        if self._read > MAX_TOTAL:
            raise InputError(f"{self.path} unpacks to more than {MAX_TOTAL >> 30} GiB: it is not read further")

    def close(self) -> None:
        """Close the archive and its file."""
        self._archive.close()
        if self._file:
            self._file.close()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_bundle(
    path: str | Path,
    rows: Iterable[bytes],
    media: Iterable[tuple[str, Callable[[], bytes]]],
    rows_name: str = "data.jsonl",
) -> None:
    """Write rows (one-line JSON) and then the files they name into a zip that appears when all are in it.

    Each file is asked for its bytes when its turn comes, and is stored as it is: images are packed already.

    Raises:
        OutputError: a name that no reader would take, or one that stands twice; the place cannot be written to.
    """
    taken = {rows_name}
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        with archive.open(_info(rows_name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as member:
            for row in rows:
                member.write(row + b"\n")
        for name, content in media:
            flaw = name_flaw(name) or ("stands twice" if name in taken else "")
            if flaw:
                raise OutputError(f"{path} cannot hold a file named {name!r}: the name {flaw}")
            taken.add(name)
            archive.writestr(_info(name, zipfile.ZIP_STORED), content())


def _info(name: str, packing: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _WRITTEN)
    info.compress_type = packing
    info.external_attr = 0o644 << 16
    return info
