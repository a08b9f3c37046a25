"""How near an answer is to its reference: exact match, ROUGE-L, and choices (A to Z, or one of a few labels).

ROUGE-L is the F1 of the longest common subsequence of words (Lin 2004), each Chinese, Japanese or Korean character a
word of its own: Google's rouge-score, whose figures these are for English words, finds no word at all in Chinese. The
subsequence is rapidfuzz's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from dsforge.similarity.key import normalise

_THINKING = re.compile(r"<think>.*?(</think>|\Z)\s*", re.DOTALL)
_CHOICE = re.compile(r"[*(（]*([A-Za-z])[*)）.:：]*")
_CHOSEN = re.compile(
    r"(?:(?:the\s+)?(?:correct\s+)?answer|答案|正确答案|选项|选)\s*(?:is|是|为)?\s*[:：]?\s*[*(（]*([A-Z])(?![A-Za-z])"
    r"|[*(（]*([A-Z])(?:[*)）.:：、,，]|\s*\n)",
    re.IGNORECASE,
)
_MOST_LABELS = 10
_LONGEST_LABEL = 40
_ROWS_TO_A_LABEL = 2


def said(answer: str) -> str:
    """An answer without the thinking before it; thinking that never ends leaves nothing."""
    return _THINKING.sub("", answer).strip()


def exact(answer: str, reference: str) -> bool:
    """Whether both are the same but for white space, case and the width of characters."""
    return normalise(said(answer)) == normalise(said(reference))


def rouge_l(answer: str, reference: str) -> float:
    """ROUGE-L, from 0 to 1; two without a word are alike."""
    from rapidfuzz.distance import LCSseq

    left, right = words(said(answer)), words(said(reference))
    if not left and not right:
        return 1.0
    return 2 * LCSseq.similarity(left, right) / (len(left) + len(right))


def words(text: str) -> list[str]:
    """What letters and digits stand together, in lower case; each CJK character for itself."""
    return _words().findall(text.lower())


@lru_cache(maxsize=1)
def _words() -> re.Pattern[str]:
    from dsforge.similarity.shingle import CJK_RANGES

    cjk = "".join(f"{chr(first)}-{chr(last)}" for first, last in CJK_RANGES)
    return re.compile(rf"[{cjk}]|(?:(?![{cjk}])[^\W_])+")


class Choices:
    """What rows may be answered with, told from their references; falsy where they are no choices.

    Either every reference is a letter (`B`, `(B)`, `B.`), or the references are a few short labels, each of which comes
    twice or more on average.
    """

    def __init__(self, references: Sequence[str]) -> None:
        told = [said(reference) for reference in references]
        self._letters = bool(told) and all(_CHOICE.fullmatch(each) for each in told)
        labels = {normalise(each) for each in told}
        few = 2 <= len(labels) <= min(_MOST_LABELS, len(told) // _ROWS_TO_A_LABEL)
        short = all(0 < len(label) <= _LONGEST_LABEL for label in labels)
        self._labels = sorted(labels, key=len, reverse=True) if few and short and not self._letters else []

    def __bool__(self) -> bool:
        return self._letters or bool(self._labels)

    def chosen(self, answer: str) -> str | None:
        """The choice that an answer makes: what it is, or begins with; None where it makes none."""
        answer = said(answer)
        if self._letters:
            found = _CHOICE.fullmatch(answer) or _CHOSEN.match(answer)
            return next(group for group in found.groups() if group).upper() if found else None
        begun = normalise(answer).lstrip("\"'“「*( ")
        return next((label for label in self._labels if _begins(begun, label)), None)


def _begins(text: str, label: str) -> bool:
    """Whether a text is a label, or goes on after it with no letter of the same word."""
    after = text[len(label) : len(label) + 1]
    return text.startswith(label) and not (after.isalnum() and words(after + label[-1]) == [after + label[-1]])
