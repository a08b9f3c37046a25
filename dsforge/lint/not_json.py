"""Tells a file that holds no rows at all, such as a README, from one whose rows are broken.

The reader takes every line for a row, and says of each what is wrong with it; and a heading of Markdown is a comment to
it, which a fix takes out.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import orjson

from dsforge.errors import InputError
from dsforge.io.encoding import UTF8_BOM
from dsforge.io.naming import file_of
from dsforge.io.source import open_source

_LOOK = 1000
"""Lines looked at, blank ones left out."""
_SPACE = b" \t\r\n"
_WITHIN = (b"#", b"//", b"/*", b"*", b"}", b"]", b'"')
"""What begins the other lines of a file with rows: comments, and the rest of a row over several lines."""


def refuse_what_is_not_json(sources: Iterable[str]) -> None:
    """Raise InputError where fewer lines of a file than not begin as JSON does; standard input is not looked at.

    Tables, which the reader knows, are no such files.
    """
    for source in sources:
        if source != "-" and file_of(source).is_file() and not _begins_like_a_row(source):
            _look_closely(source)


def _begins_like_a_row(source: str) -> bool:
    """Whether the first bytes are those of a row: so it is with nearly every file, which is then left alone."""
    with file_of(source).open("rb") as file:
        head = file.read(256)
    return _opens_a_row(head.removeprefix(UTF8_BOM).lstrip(_SPACE))


def _look_closely(source: str) -> None:
    opened = open_source(source)
    with opened.file:
        if opened.container:
            return
        lines = list(islice(filter(None, (line.strip() for line in opened.file)), _LOOK))
    lines[0] = lines[0].removeprefix(UTF8_BOM)
    rows = sum(_opens_a_row(line) or _is_json(line) for line in lines)
    others = sum(not line.startswith(_WITHIN) for line in lines) - rows
    if others > rows or not rows:
        first = lines[0][:40].decode("utf-8", "replace")
        raise InputError(f"{source} is not JSON or JSONL: it begins with {first!r}, and rows begin with {{ or [")


def _opens_a_row(line: bytes) -> bool:
    """Whether a line begins as only JSON does: `[link](...)` and `[section]` do not."""
    if line.startswith(b"["):
        return line[1:].lstrip(_SPACE)[:1] in (b"", b"{", b"[", b"]", b'"', b"'")
    return line.startswith(b"{")


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True
