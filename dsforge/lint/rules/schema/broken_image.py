"""An image written into the row that is cut off, no valid base64, or of another type than it says.

Why is this bad?
    Platforms refuse the file, or drop the row; a trainer stops when it opens the image. A data URL that says
    `image/png` and holds a JPEG is read by some and refused by others.

Bad:
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,iVBORw0KGgo="}}]}, {"role": "assistant", "content": "A cat"}]}

Good:
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}, {"role": "assistant", "content": "A cat"}]}
"""  # noqa: E501

from dsforge.example import Example, Media
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.schema.image_bytes import bare_base64, is_cut_off, read_base64, type_of
from dsforge.lint.rules.schema.media_places import media_places

_KNOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp"})
_SAME = {"image/jpg": "image/jpeg", "image/x-png": "image/png", "image/x-ms-bmp": "image/bmp"}


def _check(example: Example, report: Report) -> None:
    for index, media, places in media_places(example):
        if media.kind == "image" and (wrong := _wrong(media)):
            report(wrong, index, "write the image again from its file", beside=places)


def _wrong(media: Media) -> str:
    """What is wrong with an image, "" where it is well or not in the row."""
    header, mark, written = media.url.partition(",")
    header = header.lower()
    if not header.startswith("data:"):
        if not bare_base64(media.url):
            return ""
        header, written = "", media.url
    elif not mark:
        return "the image is a data URL without data"
    elif not header.endswith(";base64"):
        return ""
    data, problem = read_base64(written)
    if problem:
        return f"the image is no valid base64: {problem}"
    said, found = header[5:].partition(";")[0].strip(), type_of(data)
    said = _SAME.get(said, said)
    if said in _KNOWN and found != said:
        return f"the image says {said}, and its bytes are {found or 'no image'}"
    if is_cut_off(data, found):
        return f"the image is cut off: {len(data):,} bytes of {found} without an end"
    return ""


RULE = ExampleRule("S115", "error", _check, concerns=("parts",))
