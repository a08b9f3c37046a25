"""An image, a video or a sound that the target cannot read: where it is, of which type, or how large.

Why is this bad?
    One platform fetches images by URL, another wants the bytes in the row, a third reads its own storage alone; each
    refuses what it cannot get, and types that it does not know. Runs where a target is given with `--target`.

Options:
    target=together

Bad:
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}]}, {"role": "assistant", "content": [{"type": "text", "text": "A cat"}]}]}

Good:
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}, {"role": "assistant", "content": [{"type": "text", "text": "A cat"}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.example import Media
from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.targets.constraints import Reference
    from dsforge.targets.profile import Target

_SCHEMES: dict[str, Reference] = {"http": "http", "https": "http", "s3": "s3", "gs": "gs"}
_IN_WORDS: dict[Reference, str] = {
    "http": "a URL", "data": "a data URL (base64)", "file": "the name of a file beside the rows",
    "s3": "a place on S3 (s3://)", "gs": "a place on Cloud Storage (gs://)",
}  # fmt: skip
_SUFFIXES = ("jpg", "jpeg", "png", "gif", "webp", "bmp", "tiff", "svg", "heic", "mp4", "mov", "mkv", "webm", "avi")


def reference_of(url: str) -> Reference:
    """How a file is given."""
    if url[:5].lower() == "data:":
        return "data"
    scheme, mark, _ = url.partition("://")
    return _SCHEMES.get(scheme.lower(), "file") if mark else "file"


def type_of(media: Media) -> str | None:
    """The MIME type by what stands beside the reference, in a data URL, or by the name; None where nothing tells it.

    One by the name has its ending in place of the registered name (`video/mov`).
    """
    if reference_of(media.url) == "data":
        return media.url[5:].partition(",")[0].partition(";")[0].lower() or "text/plain"
    if isinstance(given := media.options.get("mimeType"), str):
        return given.lower()
    suffix = media.url.partition("?")[0].rpartition(".")[2].lower()
    if isinstance(given := media.options.get("format"), str):
        suffix = given.lower()
    elif suffix not in _SUFFIXES:
        return None
    return f"{media.kind}/{'jpeg' if suffix == 'jpg' else suffix}"


def size_of(url: str) -> int | None:
    """The bytes of the file in a data URL, told by its length; None for other references."""
    header, mark, data = url.partition(",")
    return len(data) * 3 // 4 - data[-2:].count("=") if mark and header.endswith(";base64") else None


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not any(message.media for message in seen.example.all_messages()):
        return
    formats = target.images.formats
    wrong_format = (
        bool(formats) and seen.format not in formats and seen.format in target.formats
    )  # else rule X801 tells
    for written in written_messages(seen):
        for media, place in written.files():
            if wrong_format:
                wanted = " or ".join(formats)
                report(f"the {media.kind} is written as in {seen.format}; {target.called} reads it as in {wanted}",
                       place, f"dsforge convert FILE --to {formats[0]} -o OUT.jsonl")  # fmt: skip
            _check_file(media, target, place, report)


def _check_file(media: Media, target: Target, place: str, report: Report) -> None:
    rules = target.images
    reference = reference_of(media.url)
    if rules.references and reference not in rules.references:
        wanted = " or ".join(_IN_WORDS[one] for one in rules.references)
        report(f"the {media.kind} is given as {_IN_WORDS[reference]}; {target.called} cannot read it: it wants "
               f"{wanted}", place, f"give it as {wanted}")  # fmt: skip
        return
    if reference == "data" and not media.url.partition(",")[0].lower().endswith(";base64"):
        report(f"the {media.kind} is a data URL without ;base64; {target.called} cannot read it", place,
               "write data:TYPE;base64, and the bytes in Base64")  # fmt: skip
        return
    types = rules.data_types if reference == "data" and rules.data_types else rules.types
    found = type_of(media)
    if types and found and found not in types:
        report(f"the {media.kind} is of type {found}; {target.called} takes {', '.join(types)}", place,
               "save it as one of these")  # fmt: skip
    size = size_of(media.url)
    if rules.max_bytes and size and size > rules.max_bytes:
        report(f"the {media.kind} has {size:,} bytes; {target.called} takes at most {rules.max_bytes:,}", place,
               "make it smaller")  # fmt: skip


RULE = TargetRule("X811", "error", _check)
