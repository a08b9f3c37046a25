"""Groups texts by what they are about, offline: hashed words weighed by rarity, and k-means over a sample."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix: TypeAlias = npt.NDArray[np.float32]

SAMPLE = 20_000
_DIMENSIONS = 1024
_ROUNDS, _BATCH = 60, 1024
_SEED = 20_240_607
_WORD = re.compile(r"[^\W\d_]+")
_NAMING = 4
"""Words that a topic is called by."""


class Topic(NamedTuple):
    """A group of texts: the words that tell it from others, and the indexes of its texts, the most typical first."""

    words: tuple[str, ...]
    members: list[int]


def topics_of(texts: Sequence[str], count: int) -> list[Topic]:
    """At most `count` topics of the texts, the largest first.

    The same texts give the same topics. Vectors of 1,024 hashed words (of Chinese and its like: pairs of characters),
    weighed by TF-IDF and of length 1; mini-batch k-means (Sculley, 2010), begun at points far from each other.
    """
    import numpy as np  # the walk over the rules must not load it

    words = [_words(text) for text in texts]
    vectors = _vectors(words)
    centres = _fit(vectors, min(count, len(texts)))
    nearness = vectors @ centres.T
    nearest = nearness.argmax(axis=1)
    overall = Counter(word for each in words for word in set(each))
    topics = []
    for number in range(len(centres)):
        members = np.flatnonzero(nearest == number)
        if len(members):
            typical = members[np.argsort(-nearness[members, number], kind="stable")]
            topics.append(Topic(_naming(words, members.tolist(), overall), typical.tolist()))
    return sorted(topics, key=lambda topic: -len(topic.members))


def _words(text: str) -> list[str]:
    found = []
    for word in _WORD.findall(text.casefold()):
        if word.isascii() or len(word) < 3:
            found.append(word)
        else:
            found += [word[at : at + 2] for at in range(len(word) - 1)]
    return found


def _vectors(words: Sequence[Sequence[str]]) -> Matrix:
    import numpy as np

    vectors = np.zeros((len(words), _DIMENSIONS), np.float32)
    for row, each in enumerate(words):
        for word, times in Counter(each).items():
            vectors[row, crc32(word.encode()) % _DIMENSIONS] += 1 + np.log(times)
    met = np.count_nonzero(vectors, axis=0)
    vectors *= np.log((1 + len(words)) / (1 + met)).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Matrix = vectors / np.maximum(lengths, 1e-9)
    return unit


def _fit(vectors: Matrix, count: int) -> Matrix:
    """Centres of length 1; a text is nearest to the one with which its product is the largest."""
    import numpy as np

    chance = np.random.default_rng(_SEED)
    centres = vectors[[int(chance.integers(len(vectors)))]]
    while len(centres) < count:
        distance = np.maximum(0, 1 - (vectors @ centres.T).max(axis=1)).astype(np.float64)
        if not distance.sum():
            break
        chosen = chance.choice(len(vectors), p=distance / distance.sum())
        centres = np.concatenate([centres, vectors[[chosen]]])
    sizes = np.ones(len(centres))
    for _ in range(_ROUNDS):
        batch = vectors[chance.integers(len(vectors), size=min(_BATCH, len(vectors)))]
        nearest = (batch @ centres.T).argmax(axis=1)
        for number in np.unique(nearest):
            mine = batch[nearest == number]
            sizes[number] += len(mine)
            centres[number] += (mine.mean(axis=0) - centres[number]) * (len(mine) / sizes[number])
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    return centres


def _naming(words: Sequence[Sequence[str]], members: Sequence[int], overall: Counter[str]) -> tuple[str, ...]:
    """The words that occur in many texts of a group and in few others."""
    here = Counter(word for index in members for word in set(words[index]))
    known = [word for word, times in here.items() if times >= max(2, len(members) / 20)]
    known.sort(key=lambda word: (-here[word] * here[word] / overall[word], word))
    return tuple(known[:_NAMING])
