"""Zip files with one file of JSON rows in them, and the images that the rows name beside it."""

from __future__ import annotations

from typing import BinaryIO

from dsforge.errors import InputError
from dsforge.io.bundle import MAX_TOTAL, Bundle
from dsforge.io.container import Container, Opened

_ROWS = (".jsonl", ".ndjson", ".json")


def _recognise(head: bytes, file: BinaryIO) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _member(opened: Opened) -> BinaryIO:
    bundle = Bundle(opened.name, opened.file)
    try:
        return bundle.open(_chosen(opened, bundle), MAX_TOTAL, last=True)
    except BaseException:
        bundle.close()
        raise


def _chosen(opened: Opened, bundle: Bundle) -> str:
    """The name of the member that holds the rows."""
    if opened.part:
        return opened.part
    names = [name for name in bundle.names if name.lower().endswith(_ROWS)]
    if not names and "mimetype" in bundle.names and b"opendocument" in bundle.read("mimetype"):
        raise InputError(f"{opened.name} is an OpenDocument file: save it as .xlsx first")
    if not names:
        raise InputError(f"{opened.name} holds no .jsonl or .json file: put the rows into it")
    if len(names) > 1:
        raise InputError(
            f"{opened.name} holds several files of rows ({', '.join(names[:5])}): name one, as {opened.name}#{names[0]}"
        )
    return names[0]


CONTAINER = Container("a zip archive", (".zip",), recognise=_recognise, member=_member, parts=True)
