"""The script that a text is written in, told from its code points cheaply enough for every row."""

from __future__ import annotations

from typing import Literal, TypeAlias

Script: TypeAlias = Literal["Latin", "Han", "Kana", "Hangul", "Cyrillic", "Arabic", "other", "mixed", "none"]

_MAIN = 0.75
"""Share of the letters that one script needs, or else the text is mixed."""

_KANA_IN_JAPANESE = 0.1
"""Share of kana among kana and Han from which both together are Japanese."""


def _bytes_of(*leads: int | range) -> bytes:
    """What `bytes.translate` deletes."""
    return bytes(byte for lead in leads for byte in ((lead,) if isinstance(lead, int) else lead))


# The first byte of a character in UTF-8 tells its block. What is no letter, or of every script, counts as nothing.
_NO_LETTER = _bytes_of(
    range(0x41), range(0x5B, 0x61), range(0x7B, 0xC3), range(0xCA, 0xCE), 0xE2, 0xEE, 0xEF, range(0xF0, 0x100)
)
_LATIN = _bytes_of(range(0x41, 0x5B), range(0x61, 0x7B), range(0xC3, 0xCA))
_HAN = _bytes_of(range(0xE4, 0xEA))
_HANGUL = _bytes_of(range(0xEA, 0xEE))
_CYRILLIC = _bytes_of(range(0xD0, 0xD4))
_ARABIC = _bytes_of(range(0xD8, 0xDC))
_E1, _E3 = b"\xe1", b"\xe3"  # blocks of several scripts, told apart by the second byte
_VIETNAMESE = (b"\xe1\xb8", b"\xe1\xb9", b"\xe1\xba", b"\xe1\xbb")
_KANA = (b"\xe3\x81", b"\xe3\x82", b"\xe3\x83")
_PUNCTUATION = b"\xe3\x80"
_JAMO = (b"\xe3\x85", b"\xe3\x86")


def script_of(text: str) -> Script:
    """The script of three quarters of the letters, `mixed` where none has that many, `none` where there are none.

    Text of ASCII alone is Latin, unseen. Han with a tenth of kana or more is Kana, as Japanese is written.
    """
    if text.isascii():
        return "Latin"
    counts = _letters(text.encode("utf-8", "replace"))
    total = sum(counts.values())
    if not total:
        return "none"
    if counts["Kana"] >= _KANA_IN_JAPANESE * (counts["Kana"] + counts["Han"]):
        counts["Kana"] += counts["Han"]
        counts["Han"] = 0
    main = max(counts, key=counts.__getitem__)
    return main if counts[main] >= _MAIN * total else "mixed"


def _letters(data: bytes) -> dict[Script, int]:
    """How many letters of each script there are in UTF-8."""
    counts: dict[Script, int] = dict.fromkeys(("Latin", "Han", "Kana", "Hangul", "Cyrillic", "Arabic", "other"), 0)
    rest = data.translate(None, _NO_LETTER)  # a byte to a letter; what is counted is deleted, script by script
    kinds: tuple[tuple[Script, bytes], ...] = (
        ("Latin", _LATIN), ("Han", _HAN), ("Hangul", _HANGUL), ("Cyrillic", _CYRILLIC), ("Arabic", _ARABIC)
    )  # fmt: skip
    for script, leads in kinds:
        fewer = rest.translate(None, leads)
        counts[script] = len(rest) - len(fewer)
        rest = fewer
        if not rest:
            return counts
    if _E3 in rest:
        fewer = rest.translate(None, _E3)
        if len(rest) - len(fewer) > data.count(_PUNCTUATION):  # or else no more than the full stops of Chinese
            counts["Kana"] = sum(map(data.count, _KANA))
            counts["Hangul"] += sum(map(data.count, _JAMO))
        rest = fewer
    counts["other"] = len(rest)
    if _E1 in rest:
        vietnamese = sum(map(data.count, _VIETNAMESE))
        counts["Latin"] += vietnamese
        counts["other"] -= vietnamese
    return counts
