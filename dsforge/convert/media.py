"""Images, audio and video of rows: left where they are, written into the rows, or packed beside them.

What a row names is read from the zip it came in, or from a file below the folder of its source (`--media-root` names
another): a dataset cannot reach for other files of the machine, and nothing is fetched from the net.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from dsforge.convert.job import MediaMode
from dsforge.engine.plan import beside
from dsforge.errors import InputError, OutputError, RowError
from dsforge.example import Example, Media, Message
from dsforge.io.bundle import MAX_MEMBER, Bundle, name_flaw
from dsforge.io.naming import file_of

NOT_TO_BE_HAD = "S904"
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(;[\w=.-]+)*;base64,")
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png", "png"),
    (b"\xff\xd8\xff", 0, "image/jpeg", "jpg"),
    (b"GIF8", 0, "image/gif", "gif"),
    (b"WEBP", 8, "image/webp", "webp"),
    (b"BM", 0, "image/bmp", "bmp"),
    (b"WAVE", 8, "audio/wav", "wav"),
    (b"ID3", 0, "audio/mpeg", "mp3"),
    (b"\xff\xfb", 0, "audio/mpeg", "mp3"),
    (b"fLaC", 0, "audio/flac", "flac"),
    (b"OggS", 0, "audio/ogg", "ogg"),
    (b"ftyp", 4, "video/mp4", "mp4"),
    (b"\x1aE\xdf\xa3", 0, "video/webm", "webm"),
)
"""First bytes, at which offset, MIME type and suffix (the files' own specifications)."""


class Packed(msgspec.Struct, frozen=True):
    """A file that goes into a bundle: its name there, and where its bytes are (a path, or a member of the zip `of`)."""

    name: str
    path: str
    of: str = ""

    def content(self) -> bytes:
        """Its bytes."""
        if self.of:
            with Bundle(self.of) as bundle:
                return bundle.read(self.path)
        return Path(self.path).read_bytes()


def _sniff(content: bytes, what: str) -> tuple[str, str]:
    """`(MIME type, suffix)` by the first bytes; RowError where it is no image, audio or video."""
    for magic, offset, mime, suffix in _KINDS:
        if content.startswith(magic, offset):
            return mime, suffix
    raise RowError(f"{what[:80]} is no image, audio or video (by its first bytes)", code=NOT_TO_BE_HAD)


class MediaStore:
    """Does with the media of the rows of one source what `mode` says.

    `packed` are the files that go into a bundle; bytes that stood in rows are put aside in `folder`.
    """

    def __init__(self, source: str, root: str, mode: MediaMode, folder: Path) -> None:
        self._mode, self._folder = mode, folder
        path = Path(file_of(source))
        self._root = Path(root).resolve() if root else path.resolve().parent
        self._zip = str(path) if source != "-" and path.is_file() and _is_zip(path) else ""
        self._bundle: Bundle | None = None
        self.packed: dict[str, Packed] = {}

    def finish(self, output: Path) -> None:
        """Note, beside the rows in `output`, the files that go into a bundle with them."""
        if self._bundle:
            self._bundle.close()
        media_of(output).write_bytes(msgspec.json.encode(list(self.packed.values())))

    def placed(self, example: Example) -> Example:
        """The example with its media where they should be; the same one where it has none.

        Raises:
            RowError: a file that is not there, may not be read, or is something else.
        """
        if not any(message.media for message in example.all_messages()):
            return example
        changed = replace(example, messages=self._messages(example.messages))
        if changed.chosen is not None and changed.rejected is not None:
            changed.chosen, changed.rejected = self._messages(changed.chosen), self._messages(changed.rejected)
        changed.between = [self._messages(answer) for answer in changed.between]
        return changed

    def _messages(self, messages: list[Message]) -> list[Message]:
        return [
            replace(
                message, content=[self._part(part) if isinstance(part, Media) else part for part in message.content]
            )
            if isinstance(message.content, list)
            else message
            for message in messages
        ]

    def _part(self, media: Media) -> Media:
        place = self._embedded if self._mode == "embed" else self._beside
        return replace(media, url=place(media.url))

    def _embedded(self, url: str) -> str:
        """A data URL; one that is none yet is made of the file it names. A URL of the net stays."""
        if _DATA_URL.match(url) or _is_remote(url):
            return url
        content = self._read(url)
        mime, _ = _sniff(content, url)
        return f"data:{mime};base64,{base64.b64encode(content).decode()}"

    def _beside(self, url: str) -> str:
        """The name in the bundle of the file that `url` names or holds."""
        if found := _DATA_URL.match(url):
            return self._put_aside(url, found.end())
        if _is_remote(url):
            raise RowError(f"{url[:80]} is on the net, and nothing is fetched: download it first", code=NOT_TO_BE_HAD)
        _sniff(self._read(url), url)
        if name_flaw(url):
            raise RowError(f"{url[:80]} cannot be the name of a file in a zip", code=NOT_TO_BE_HAD)
        self.packed[url] = Packed(url, url, self._zip) if self._zip else Packed(url, str(self._path(url)))
        return url

    def _put_aside(self, url: str, start: int) -> str:
        try:
            content = base64.b64decode(url[start:], validate=True)
        except binascii.Error as error:
            raise RowError(f"a data URL is no valid base64: {error}", code=NOT_TO_BE_HAD) from error
        _, suffix = _sniff(content, "a data URL")
        name = f"{hashlib.blake2b(content, digest_size=8).hexdigest()}.{suffix}"
        path = self._folder / f"{name}.media"
        if name not in self.packed:
            path.write_bytes(content)
            self.packed[name] = Packed(name, str(path))
        return name

    def _read(self, url: str) -> bytes:
        if self._zip:
            self._bundle = self._bundle or Bundle(self._zip)
            try:
                return self._bundle.read(url)
            except InputError as error:
                raise RowError(str(error), code=NOT_TO_BE_HAD) from error
        path = self._path(url)
        try:
            if path.stat().st_size > MAX_MEMBER:
                raise RowError(f"{url[:80]} is larger than {MAX_MEMBER >> 20} MiB", code=NOT_TO_BE_HAD)
            return path.read_bytes()
        except OSError as error:
            raise RowError(f"{url[:80]} cannot be read: {error.strerror}", code=NOT_TO_BE_HAD) from error

    def _path(self, url: str) -> Path:
        """The file that `url` names, which lies below the root."""
        path = (self._root / url.removeprefix("file://")).resolve()
        if not path.is_relative_to(self._root):
            raise RowError(
                f"{url[:80]} lies outside {self._root}; allow it with --media-root FOLDER", code=NOT_TO_BE_HAD
            )
        return path


def _is_remote(url: str) -> bool:
    return url.startswith(("http://", "https://", "s3://", "gs://", "oss://"))


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04" and path.suffix.lower() != ".xlsx"


def media_of(output: Path) -> Path:
    """Where a task notes the files that go into the bundle with its rows."""
    return beside(output, "media.json")


def merged(outputs: list[Path]) -> Iterator[Packed]:
    """The files that go with the rows of all parts, each once.

    Raises:
        OutputError: two different files of one name.
    """
    seen: dict[str, Packed] = {}
    for output in outputs:
        for packed in msgspec.json.decode(media_of(output).read_bytes(), type=list[Packed]):
            known = seen.get(packed.name)
            if known is None:
                seen[packed.name] = packed
                yield packed
            elif known != packed and known.content() != packed.content():
                raise OutputError(
                    f"two different files are called {packed.name} ({known.of or known.path}, "
                    f"{packed.of or packed.path}): convert one source at a time"
                )
