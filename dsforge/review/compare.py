"""What was changed in a text, word by word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from markupsafe import Markup

from dsforge.report.visible import in_page

_WORDS = re.compile(r"[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]|\w+|\s+|[^\w\s]")
_MOST_WORDS = 6000
"""Words of both texts together beyond which the old text stands before the new one, uncompared: it would take long."""


_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")


def with_line_ends(text: str, old: str) -> str:
    """A text whose lines end in a line feed, with the ends of the same lines in an older text.

    New lines end as most do there.
    """
    before = [(found[1], found[2]) for found in _LINE.finditer(old)]
    lines = text.split("\n")
    ends = Counter(end for _, end in before if end)
    usual = ends.most_common(1)[0][0] if ends else "\n"
    found = [usual] * len(lines)
    for start, begin, size in SequenceMatcher(
        None, [line for line, _ in before], lines, autojunk=False
    ).get_matching_blocks():
        for at in range(size):
            found[begin + at] = before[start + at][1] or usual
    return "".join(line + end for line, end in zip(lines, [*found[:-1], ""], strict=True))


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two texts have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (first, second) in pairs if first != second), min(len(one), len(other)))


def difference(old: str, new: str) -> Markup:
    """The new text with what was taken out (`del`) and put in (`ins`) since the old one."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    same = _alike(before, after)
    head, before, after = before[:same], before[same:], after[same:]
    same = _alike(before[::-1], after[::-1])
    tail = before[len(before) - same :]
    before, after = before[: len(before) - same], after[: len(after) - same]
    if len(before) + len(after) > _MOST_WORDS:
        steps = [("replace", 0, len(before), 0, len(after))]
    else:
        steps = list(SequenceMatcher(None, before, after, autojunk=False).get_opcodes())
    pieces = [Markup("{}").format(in_page("".join(head)))]
    for step, start, end, begin, stop in steps:
        gone, come = in_page("".join(before[start:end])), in_page("".join(after[begin:stop]))
        if step == "equal":
            pieces.append(Markup("{}").format(come))
            continue
        if gone:
            pieces.append(Markup("<del>{}</del>").format(gone))
        if come:
            pieces.append(Markup("<ins>{}</ins>").format(come))
    pieces.append(Markup("{}").format(in_page("".join(tail))))
    return Markup('<div class="plain difference" dir="auto">{}</div>').format(Markup("").join(pieces))
