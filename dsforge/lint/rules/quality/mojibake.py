"""Text that was decoded in the wrong encoding.

Why is this bad?
    The model learns to write the rubbish. It comes from a file saved in one encoding and opened in another:
    UTF-8 read as Windows-1252, Mac Roman or GBK. Where the text can be got back, the finding shows it.

Bad:
    {"instruction": "Translate: coffee", "output": "du cafÃ©, sâ€™il vous plaÃ®t"}

Good:
    {"instruction": "Translate: coffee", "output": "du café, s’il vous plaît"}
"""

import re
from codecs import getincrementaldecoder

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import of_bad_answer

_FOREIGN = re.compile(r"[\x80-\u02ff\u03c0\u2000-\u22ff\u25ca\uf8ff\ufb00-\ufb02]{2,}")
_HAN = re.compile(r"[\u2000-\u206f\u3000\u3003-\u33ff\u4e00-\u9fff\ue000-\uf8ff\ufe30-\ufe4f\uff5f-\uffef€]{5,}")
_LETTER = re.compile(r"[A-Za-z]")
_LOST = ("\ufffd", "锟斤拷", "烫烫烫烫")
_CHARACTERS = 3
"""So many Chinese characters in a row come out of other Chinese characters by no accident."""
_LATIN = "ãâäåæçèéïêáë√¬‚‰ðµ"
"""What the first bytes of UTF-8 become in cp1252 and Mac Roman, in small letters."""
_RARE = frozenset(
    "".join(
        bytes((lead, trail)).decode("gb18030", "ignore") for lead in range(0xE4, 0xEA) for trail in range(0x80, 0xC0)
    )
)
"""What the first two bytes of a Chinese character in UTF-8 become in GB18030: characters that hardly ever occur."""
_SINGLE_BYTE = ("cp1252", "mac_roman")
_THREE_BYTES = re.compile(rb"[\xe2-\xef][\x80-\xbf]{2}")
_PUNCTUATION = frozenset("’“”‘–—…•\xa0«»„‚›‹")
"""What stands behind é and è in French as well."""
_BEGUN = ("–∞", "–µ", "–∏", "–ø", "–Ω", "–ª", "—Å", "—Ç", "—Ä", "—Ö")
"""The same for Cyrillic, of whose letters the first bytes become dashes in Mac Roman."""


def _bytes(run: str, codec: str) -> bytes:
    """What the run was, where control characters stand for the bytes that cp1252 has none for; b"" if it was none."""
    try:
        return run.encode(codec)
    except UnicodeEncodeError:
        pass
    try:
        return b"".join(char.encode("latin-1" if char <= "\x9f" else codec) for char in run)
    except UnicodeEncodeError:
        return b""


def _restored(run: str, codec: str) -> str:
    """What the run says as UTF-8, up to half a character at its end; "" where it is no UTF-8."""
    try:
        return getincrementaldecoder("utf-8")().decode(_bytes(run, codec))
    except UnicodeDecodeError:
        return ""


def _meant(run: str, within_a_word: bool) -> str:
    """What a run of odd characters was before it was decoded wrongly; "" where it is itself."""
    restored = (_restored(run, codec) for codec in _SINGLE_BYTE)
    whole = next((meant for meant in restored if meant and _is_likely(run, meant, within_a_word)), "")
    return whole or _pieces(run)


def _is_likely(run: str, meant: str, within_a_word: bool) -> bool:
    """Whether the decoded text is no accident: two-byte characters are, beside quotes and dashes."""
    if within_a_word and all("\xc0" <= char <= "\u017f" for char in meant):
        return True
    if len(meant) >= 3 and all("\u0370" <= char <= "\u06ff" for char in meant):
        return True  # Greek, Cyrillic, Hebrew, Arabic
    if any(char >= "\u0800" for char in meant):
        return len(run) > 3 or run[0] == "â" or not _PUNCTUATION.issuperset(run[1:])
    pairs = [run[at : at + 2] for at in range(0, 2 * len(meant), 2)]
    return all(pair[0] in "ÂÃ" and "\x80" <= pair[1] <= "\xbf" for pair in pairs)


def _pieces(run: str) -> str:
    """The characters of three bytes that are left of a run of which bytes were lost; "" where it is itself."""
    found = b"".join(_THREE_BYTES.findall(_bytes(run, "cp1252"))).decode("utf-8", "ignore")
    return found if len(found) >= 2 and 6 * len(found) >= len(run) else ""


def _find(text: str) -> tuple[int, int, str] | None:
    """`(start, end, what it was)` of the first broken run; what it was is "" where that is lost."""
    for lost in _LOST:
        if (at := text.find(lost)) >= 0:
            return at, at + len(lost), ""
    for match in _FOREIGN.finditer(text):
        if meant := _meant(
            match.group(), within_a_word=_LETTER.match(text[match.start() - 1 : match.start()]) is not None
        ):
            return *match.span(), meant
    for match in _HAN.finditer(text):
        for at, char in enumerate(match.group()):
            if char in _RARE and len(meant := _longest(match.group()[at:])) >= _CHARACTERS:
                start = match.start() + at
                return start, start + len(meant.encode()) // 2, meant
    return None


def _longest(run: str) -> str:
    """What the run says as UTF-8 that was read as GB18030, as far as it says anything."""
    raw = run.encode("gb18030", "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        return raw[: error.start].decode()


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.text
        if text.isascii() or (found := _find(text)) is None:
            continue
        start, end, meant = found
        where = of_bad_answer(example, index)
        run = text[start:end]
        if not meant:
            report(f"{run[:20]!r} stands where characters were lost{where}", index,
                   "take the text from its source again", span=(start, end))  # fmt: skip
        else:
            whole = next((codec for codec in (*_SINGLE_BYTE, "gb18030") if _is_whole(run, codec, meant)), None)
            report(f"{run[:20]!r} was probably {meant[:20]!r}, decoded in the wrong encoding{where}", index,
                   "take the text from its source again, as UTF-8", span=(start, end),
                   fix=meant if whole else None)  # fmt: skip


def _is_whole(run: str, codec: str, meant: str) -> bool:
    """Whether all of the run is accounted for: no character of it was cut."""
    return _bytes(run, codec) == meant.encode()


RULE = ExampleRule("Q501", "warning", _check, triggers=(*_LATIN, *_BEGUN, *_LOST, *sorted(_RARE)), fix="unsafe")
