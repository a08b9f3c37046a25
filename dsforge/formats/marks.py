"""Images, audio and video as LLaMA-Factory and ms-swift write them: `<image>` in the text, the files beside."""

from __future__ import annotations

import re
from typing import Literal, cast

from dsforge.errors import RowError
from dsforge.example import JSON, Media, Message, Part, Text
from dsforge.formats.expect import as_list, as_text

_COLUMNS: dict[str, Literal["image", "audio", "video"]] = {"images": "image", "audios": "audio", "videos": "video"}
_MARK = re.compile(r"<(image|audio|video)>")
MEDIA_COLUMNS = frozenset(_COLUMNS)
BAD_MEDIA = "S108"


def place_media(messages: list[Message], row: dict[str, JSON]) -> None:
    """Put the files of the row's media columns at the marks in the messages' text.

    Raises:
        RowError: there are more marks than files, or fewer.
    """
    waiting: dict[str, list[str]] = {}
    for column, kind in _COLUMNS.items():
        if row.get(column):
            files = as_list(row[column], f"/{column}")
            waiting[kind] = [as_text(file, f"/{column}/{index}") for index, file in enumerate(files)]
    if not waiting:
        return
    given = {kind: len(files) for kind, files in waiting.items()}
    for message in messages:
        if isinstance(message.content, str) and _MARK.search(message.content):
            message.content = _split_at_marks(message.content, waiting)
    for name, files in waiting.items():
        if files:
            raise RowError(
                f"/{name}s lists {given[name]}, but the text has {given[name] - len(files)} <{name}> marks",
                f"/{name}s", BAD_MEDIA,
            )  # fmt: skip


def _split_at_marks(text: str, waiting: dict[str, list[str]]) -> list[Part]:
    parts: list[Part] = []
    start = 0
    for match in _MARK.finditer(text):
        kind = cast('Literal["image", "audio", "video"]', match.group(1))
        if kind not in waiting:
            continue
        if not waiting[kind]:
            raise RowError(f"the text has more <{kind}> marks than /{kind}s lists", f"/{kind}s", BAD_MEDIA)
        if match.start() > start:
            parts.append(Text(text[start : match.start()]))
        parts.append(Media(kind, waiting[kind].pop(0)))
        start = match.end()
    if start < len(text):
        parts.append(Text(text[start:]))
    return parts


def mark_media(messages: list[Message]) -> tuple[list[str], dict[str, JSON]]:
    """`(texts with marks, media columns)` of messages: the reverse of `place_media`.

    Raises:
        RowError: a text holds the very mark as words, which would be read as a file.
    """
    columns: dict[str, JSON] = {}
    texts: list[str] = []
    for message in messages:
        if message.content is None or isinstance(message.content, str):
            texts.append(message.content or "")
            continue
        texts.append("".join(part.text if isinstance(part, Text) else f"<{part.kind}>" for part in message.content))
        for media in message.media:
            columns.setdefault(f"{media.kind}s", []).append(media.url)
    for column, files in columns.items():
        mark = f"<{_COLUMNS[column]}>"
        if sum(text.count(mark) for text in texts) != len(files):
            raise RowError(f"the text holds {mark} as words, which this format reads as a file", code=BAD_MEDIA)
    return texts, columns
