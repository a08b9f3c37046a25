"""How an answer ends: with an end, in the middle of a sentence, or in a way that says nothing."""

from __future__ import annotations

import re

UNTOLD, CLOSED, OPEN, BROKEN = range(4)
"""Nothing is told (short, or no prose); a sentence ends; a sentence goes on; it stops at a word that asks for more."""

_CLOSING = frozenset(".!?。！？…\"'”’»」』）)]}>`*:：|~—-_=%$#")
_SHORTEST = 80
_TAIL = 4
"""Words that a sentence has to have before its end is missed."""
_NO_PROSE = re.compile(r"[{}=<>;_|\\\[\]`@#]|\w\(|https?:|//")
_MARKED = re.compile(r"\s*(?:[-*+•–]\s|\(?\w{1,3}[.)]\s|[A-Z][\w ]{0,30}:\s)")
_SENTENCE_END = re.compile(r"[a-z]{3}[.!?][\"”’)]?\s+(?=[\"“‘(]?[A-Z])|[。！？]")
_NAMED = re.compile(r"[\"”]|\s[-–—]")
"""A quotation, or who said it: such a line may end as it likes."""
_NEVER_LAST = frozenset({
    "the", "a", "an", "and", "or", "because", "but", "their", "your", "my", "our", "than", "if", "whose", "every",
    "The", "A", "An", "And", "Or", "But", "If", "In", "For", "With", "When", "While", "As", "By", "From",
})  # fmt: skip
_CHINESE_PAUSES = "，、"


def ending_of(text: str) -> int:
    """How the text ends. Most texts are told by their last character."""
    last = text[-1:]
    if last in _CLOSING:
        return CLOSED if len(text) >= _SHORTEST else UNTOLD
    if len(text) < _SHORTEST:
        return UNTOLD
    if last.isspace():
        return ending_of(text.rstrip())
    if last.isalpha() or last in ",，、":
        return _ending_of_prose(text[text.rfind("\n") + 1 :], last)
    return UNTOLD


def _ending_of_prose(line: str, last: str) -> int:
    """How the last line ends, where it is prose: sentences, not code and not an item of a list."""
    if _NO_PROSE.search(line):
        return UNTOLD
    tail = _SENTENCE_END.split(line)[-1]
    within = tail != line
    if not line.isascii() and not any(word.isascii() for word in tail.split()):  # no spaces between words
        if len(tail) < 2 * _TAIL:
            return UNTOLD
        return BROKEN if last in _CHINESE_PAUSES else OPEN if within else UNTOLD
    words = tail.split()
    if not within and (len(words) <= 2 * _TAIL or _MARKED.match(line)):
        return UNTOLD
    if words[-1] in _NEVER_LAST or (last == "," and len(words) >= _TAIL):
        return BROKEN
    return OPEN if within and len(words) >= _TAIL and not _NAMED.search(tail) else UNTOLD
