"""What differs between two texts: a list of words for a table, marked stretches for the eye."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple, TypeAlias

from dsforge.similarity.contamination import CJK
from dsforge.similarity.key import normalise

_WORD = re.compile(rf"[{CJK}]|[^\s{CJK}]+")
_WORD_AND_SPACE = re.compile(rf"(?:[{CJK}]|[^\s{CJK}]+)\s*|\s+")
MOST_WORDS = 50
"""Words that are listed of a row."""
_MOST_COMPARED = 3000  # words of which the longest common run is looked for: it takes the square of them
_LONGEST = 20_000  # characters of each text between what is the same at both ends
_MOST_STRETCHES = 40  # of texts that differ in more places a reader has seen enough
_FAR = 40  # characters to go back to white space
_WIDE = 6  # times the room around a difference for the difference itself

ELLIPSIS = " ... "


def words(text: str) -> list[str]:
    """What stands between white space; of Chinese, Japanese and Korean each character."""
    return _WORD.findall(text)


def differing_words(left: str, right: str) -> tuple[list[str], list[str]]:
    """`(only in left, only in right)`: words that the one has more often, in their order, not more than MOST_WORDS."""
    ours, theirs = words(left), words(right)
    return _more_often(ours, theirs), _more_often(theirs, ours)


def _more_often(ours: Sequence[str], theirs: Iterable[str]) -> list[str]:
    spare = Counter(theirs)
    found = []
    for word in ours:
        spare[word] -= 1
        if spare[word] < 0:
            found.append(word)
    return found if len(found) <= MOST_WORDS else [*found[:MOST_WORDS], ELLIPSIS.strip()]


Kind: TypeAlias = Literal["same", "changed", "cut"]


class Stretch(NamedTuple):
    """A stretch of two texts: the same in both (but for case and white space), changed, or left out."""

    kind: Kind
    left: str
    right: str


_CUT = Stretch("cut", ELLIPSIS, ELLIPSIS)


def compare(left: str, right: str, around: int = 60) -> list[Stretch]:
    """The stretches of two texts, what is the same cut to `around` characters beside a difference.

    Of texts that differ over more than 20,000 characters
    only these are compared.
    """
    start = _shared(left, right)
    end = _shared(left[start:], right[start:], backwards=True)
    start, end = _at_word(left, right, start), _at_word(left[::-1], right[::-1], end)
    head, tail = left[:start], left[len(left) - end :]
    middle = _middle(left[start : len(left) - end], right[start : len(right) - end])
    stretches = _joined([Stretch("same", head, head), *middle, Stretch("same", tail, tail)])
    if len(stretches) > _MOST_STRETCHES:
        stretches = [*stretches[:_MOST_STRETCHES], _CUT]
    return list(_cut(stretches, around))


def _shared(left: str, right: str, backwards: bool = False) -> int:
    """How many characters two texts begin (or end) alike with."""
    if backwards:
        left, right = left[::-1], right[::-1]
    longest = min(len(left), len(right))
    return bisect_left(range(1, longest + 1), True, key=lambda size: left[:size] != right[:size])


def _at_word(left: str, right: str, size: int) -> int:
    """The length of what both begin with, at most `size`, so that no word is torn; unless white space is far."""
    near = max(size - _FAR, 0)
    while size > near and not (_is_between_words(left, size) and _is_between_words(right, size)):
        size -= 1
    return size


def _is_between_words(text: str, at: int) -> bool:
    return at >= len(text) or text[at].isspace() or text[at - 1].isspace()


def _middle(left: str, right: str) -> Iterator[Stretch]:
    shortened = max(len(left), len(right)) > _LONGEST
    left, right = left[:_LONGEST], right[:_LONGEST]
    ours, theirs = _WORD_AND_SPACE.findall(left)[:_MOST_COMPARED], _WORD_AND_SPACE.findall(right)[:_MOST_COMPARED]
    matcher = SequenceMatcher(None, [*map(normalise, ours)], [*map(normalise, theirs)], autojunk=False)
    for tag, our_start, our_end, their_start, their_end in matcher.get_opcodes():
        kind: Kind = "same" if tag == "equal" else "changed"
        yield Stretch(kind, "".join(ours[our_start:our_end]), "".join(theirs[their_start:their_end]))
    if shortened:
        yield _CUT


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches that are not empty, those of one kind in a row as one."""
    found: list[Stretch] = []
    for stretch in stretches:
        if found and found[-1].kind == stretch.kind:
            found[-1] = Stretch(stretch.kind, found[-1].left + stretch.left, found[-1].right + stretch.right)
        elif stretch.left or stretch.right:
            found.append(stretch)
    return found


def _cut(stretches: Sequence[Stretch], around: int) -> Iterator[Stretch]:
    """The stretches without what is far from a difference, and of one that is long itself the beginning."""
    last = len(stretches) - 1
    for index, stretch in enumerate(stretches):
        if stretch.kind != "same" or not last:
            yield from _clipped(stretch, _WIDE * around, 0)
        else:
            yield from _clipped(stretch, around if index else 0, around if index < last else 0)


def _clipped(stretch: Stretch, head: int, tail: int) -> Iterator[Stretch]:
    kind, left, right = stretch
    if max(len(left), len(right)) <= head + tail + len(ELLIPSIS):
        yield stretch
        return
    if head:
        yield Stretch(kind, left[:head], right[:head])
    yield _CUT
    if tail:
        yield Stretch(kind, left[-tail:], right[-tail:])
