"""Where in its message a file stands."""

from __future__ import annotations

from collections.abc import Iterator

from dsforge.example import Example, Media

_KEYS = ("image_url/url", "video_url/url", "audio_url/url", "image_url", "image", "video", "audio", "input_audio/data",
         "url")  # fmt: skip


def media_places(example: Example) -> Iterator[tuple[int, Media, tuple[str, ...]]]:
    """Every file with the number of its message and where it may stand, the closest first: for `beside` of a report."""
    counted: dict[str, int] = {}
    for index, message in enumerate(example.all_messages()):
        for at, part in enumerate(message.content if isinstance(message.content, list) else ()):
            if isinstance(part, Media):
                number = counted.get(part.kind, 0)
                counted[part.kind] = number + 1
                within = (*(f"content/{at}/{key}" for key in _KEYS), f"content/{at}", f"/{part.kind}s/{number}")
                yield index, part, within
