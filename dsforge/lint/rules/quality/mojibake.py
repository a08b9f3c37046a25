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

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_FOREIGN = re.compile(r"[\x80-\u02ff\u03c0\u2000-\u22ff\u25ca\uf8ff\ufb00-\ufb02]{2,}")
_HAN = re.compile(r"[\u4e00-\u9fff\uff00-\uffef\u3000-\u303f\u2000-\u206f€]{6,}")
_LOST = re.compile("\ufffd+|(?:锟斤拷)+|(?:烫){4,}")
_SINGLE_BYTE = ("cp1252", "mac_roman")


def _restored(run: str, codec: str) -> str | None:
    try:
        return run.encode(codec).decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


def _meant(run: str) -> str | None:
    """What a run of odd characters was before it was decoded wrongly; None where it is itself."""
    for codec in _SINGLE_BYTE:
        # a run of broken text may end in half a character: the last few are tried without
        for end in range(len(run), max(len(run) - 3, 1), -1):
            meant = _restored(run[:end], codec)
            if meant is not None and _is_likely(run[:end], meant):
                return meant
    return None


def _is_likely(run: str, meant: str) -> bool:
    """Whether the decoded text is no accident: two-byte characters are, beside quotes and dashes."""
    if any(char >= "\u0800" for char in meant):
        return True
    safe = [pair for pair in zip(run[::2], run[1::2], strict=False) if pair[0] in "ÂÃ" and "\xa0" <= pair[1] <= "\xbf"]
    return len(safe) * 2 == len(run)


def _find(text: str) -> tuple[str, str | None] | None:
    if lost := _LOST.search(text):
        return lost.group(), None
    for match in _FOREIGN.finditer(text):
        if (meant := _meant(match.group())) is not None:
            return match.group(), meant
    for match in _HAN.finditer(text):
        meant = _restored(match.group(), "gb18030")
        if meant is not None:
            return match.group(), meant
    return None


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.text
        if text.isascii() or (found := _find(text)) is None:
            continue
        run, meant = found
        if meant is None:
            report(f"{run[:20]!r} stands where characters were lost", index, "take the text from its source again")
        else:
            report(f"{run[:20]!r} was probably {meant[:20]!r}, decoded in the wrong encoding", index,
                   "take the text from its source again, as UTF-8")  # fmt: skip


RULE = ExampleRule("Q501", "warning", _check)
