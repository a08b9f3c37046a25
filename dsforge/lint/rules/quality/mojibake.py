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

_FOREIGN = re.compile(r"[\x80-\u02ff\u03c0\u2000-\u22ff\u25ca\uf8ff\ufb00-\ufb02]{2,}")
_HAN = re.compile(r"[\u2000-\u206f\u3000-\u33ff\u4e00-\u9fff\ue000-\uf8ff\ufe30-\ufe4f\uff00-\uffef€]{6,}")
_LOST = ("\ufffd", "锟斤拷", "烫烫烫烫")
_SINGLE_BYTE = ("cp1252", "mac_roman")


def _restored(run: str, codec: str) -> str:
    """What the run says as UTF-8, up to half a character at its end; "" where it is no UTF-8."""
    try:
        return getincrementaldecoder("utf-8")().decode(run.encode(codec))
    except (UnicodeEncodeError, UnicodeDecodeError):
        return ""


def _meant(run: str) -> str:
    """What a run of odd characters was before it was decoded wrongly; "" where it is itself."""
    restored = (_restored(run, codec) for codec in _SINGLE_BYTE)
    return next((meant for meant in restored if meant and _is_likely(run, meant)), "")


def _is_likely(run: str, meant: str) -> bool:
    """Whether the decoded text is no accident: two-byte characters are, beside quotes and dashes."""
    if any(char >= "\u0800" for char in meant):
        return True
    pairs = [run[at : at + 2] for at in range(0, 2 * len(meant), 2)]
    return all(pair[0] in "ÂÃ" and "\xa0" <= pair[1] <= "\xbf" for pair in pairs)


def _find(text: str) -> tuple[str, str] | None:
    """`(run, what it was)` of the first broken run; what it was is "" where that is lost."""
    for lost in _LOST:
        if lost in text:
            return lost, ""
    for match in _FOREIGN.finditer(text):
        if meant := _meant(match.group()):
            return match.group(), meant
    for match in _HAN.finditer(text):
        if meant := _restored(match.group(), "gb18030"):
            return match.group(), meant
    return None


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.text
        if text.isascii() or (found := _find(text)) is None:
            continue
        run, meant = found
        if not meant:
            report(f"{run[:20]!r} stands where characters were lost", index, "take the text from its source again")
        else:
            report(f"{run[:20]!r} was probably {meant[:20]!r}, decoded in the wrong encoding", index,
                   "take the text from its source again, as UTF-8")  # fmt: skip


RULE = ExampleRule("Q501", "warning", _check)
