"""The text that is compared, and the key under which exact copies meet."""

from __future__ import annotations

from hashlib import blake2b
from unicodedata import is_normalized, normalize

KEY_BYTES = 16


def normalise(text: str) -> str:
    """`text` in NFKC (full width is half width), case folded, each run of white space one space, ends trimmed.

    Digits, punctuation and accents stay: in code, mathematics and most languages they carry the meaning.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = normalize("NFKC", text).casefold()
    if not is_normalized("NFKC", folded):  # folding can undo it, as for U+0390; then once more
        folded = normalize("NFKC", folded)
    return " ".join(folded.split())


def exact_key(text: str) -> bytes:
    """128 bits of BLAKE2b of `text`: among 10^9 texts, two that differ share one with a chance of 10^-21."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()
