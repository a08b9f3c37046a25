"""What the bytes of an image say: whether they decode, of which type they are, whether they are whole."""

from __future__ import annotations

import base64
import binascii

_BEGINNINGS = {
    b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF87a": "image/gif", b"GIF89a": "image/gif",
    b"BM": "image/bmp", b"II*\x00": "image/tiff", b"MM\x00*": "image/tiff", b"<svg": "image/svg+xml",
}  # fmt: skip
_IN_BASE64 = ("/9j/", "iVBORw0KGgo", "R0lGODlh", "R0lGODdh", "UklGR")
_STUB = 64
"""Fewer bytes are no image that anybody wants to train on: a test, or an example of a manual."""


def bare_base64(url: str) -> bool:
    """Whether a reference is no reference, but the bytes of an image in base64 without a data URL around them."""
    return len(url) > 256 and url.startswith(_IN_BASE64)


def read_base64(written: str) -> tuple[bytes, str]:
    """`(bytes, what is wrong)` of base64; line breaks in it are passed over, as most readers do."""
    text = "".join(written.split()) if not written.isalnum() else written
    if not text:
        return b"", "it is empty"
    missing = -len(text) % 4
    if missing:
        what = "the padding (=) is missing" if missing < 3 and "=" not in text else "it is cut off"
        return b"", f"{what}, as its {len(text):,} characters are no multiple of 4"
    try:
        return base64.b64decode(text, validate=True), ""
    except binascii.Error as error:
        if "-" in text or "_" in text:
            return b"", "it is of the kind for URLs, with - and _ for + and /"
        return b"", f"{error}".lower()


def type_of(data: bytes) -> str:
    """The MIME type that the first bytes tell, "" where they tell none."""
    if data[:4] == b"RIFF" and (data[8:12] == b"WEBP" or len(data) < 12):
        return "image/webp"
    return next((kind for begin, kind in _BEGINNINGS.items() if data.startswith(begin)), "")


def is_cut_off(data: bytes, kind: str) -> bool:
    """Whether the end of an image is missing; what follows its end is no matter."""
    if len(data) < _STUB:
        return False
    if kind == "image/png":
        return b"IEND" not in data[-(1 << 16) :]
    if kind == "image/jpeg":
        return b"\xff\xd9" not in data[-(1 << 16) :]
    if kind == "image/webp":
        return int.from_bytes(data[4:8], "little") + 8 > len(data) + 1
    if kind == "image/bmp":
        return int.from_bytes(data[2:6], "little") > len(data)
    return kind == "image/gif" and b";" not in data[-(1 << 10) :]
