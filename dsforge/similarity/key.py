"""The text that is compared, and the key under which exact copies meet."""

from __future__ import annotations

import re
from hashlib import blake2b
from unicodedata import is_normalized, normalize

KEY_BYTES = 16


def normalise(text: str) -> str:
    """`text` in NFKC (full width is half width), case folded, each run of white space one space, ends trimmed.

    Digits, punctuation and accents stay: in code, mathematics and most languages they carry the meaning.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(_fold(text).split())


def _fold(text: str) -> str:
    """`text` in NFKC and case folded."""
    folded = _nfkc(text).casefold()
    if not is_normalized("NFKC", folded):  # folding can undo it, as for U+0390; then once more
        folded = normalize("NFKC", folded)
    return folded


_WIDE = tuple(zip("，：！？；（）", ",:!?;()", strict=True))


def _nfkc(text: str) -> str:
    """`text` in NFKC. Of Chinese text it is nearly always the punctuation alone that is not: 20 times as fast so."""
    for wide, narrow in _WIDE:
        text = text.replace(wide, narrow)
    return text if is_normalized("NFKC", text) else normalize("NFKC", text)


_SPACES = b"\t\n\v\f\r\x1c\x1d\x1e\x1f"
_ONE_SPACE = bytes.maketrans(_SPACES, b" " * len(_SPACES))
_FOLDED = bytes.maketrans(
    bytes(range(ord("A"), ord("Z") + 1)) + _SPACES, bytes(range(ord("a"), ord("z") + 1)) + b" " * len(_SPACES)
)
_RUN_OF_SPACES = re.compile(b"  +")
_OTHER_SPACES = ("\x85", "\u1680", "\u2028", "\u2029")  # those that NFKC does not make a space


def normalised_bytes(text: str) -> bytes:
    """`normalise(text)` in UTF-8, in a third of the time."""
    if text.isascii():
        return _single_spaced(text.encode().translate(_FOLDED))
    normal = _fold(text)
    for space in _OTHER_SPACES:
        normal = normal.replace(space, " ")
    return _single_spaced(normal.encode("utf-8", "surrogatepass").translate(_ONE_SPACE))


def _single_spaced(raw: bytes) -> bytes:
    """Each run of spaces one space, ends trimmed."""
    return (_RUN_OF_SPACES.sub(b" ", raw) if b"  " in raw else raw).strip(b" ")


def exact_key(text: str) -> bytes:
    """128 bits of BLAKE2b of `text`: among 10^9 texts, two that differ share one with a chance of 10^-21."""
    return key_of(text.encode("utf-8", "surrogatepass"))


def key_of(raw: bytes) -> bytes:
    """128 bits of BLAKE2b of bytes."""
    return blake2b(raw, digest_size=KEY_BYTES).digest()
