"""Which files are for training and which for the score, told by their names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from dsforge.io.naming import file_of

Split: TypeAlias = Literal["", "train", "validation", "test"]

_WORDS: dict[str, Split] = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation", "eval": "validation",
    "test": "test", "heldout": "test", "holdout": "test",
}  # fmt: skip
_WORD = re.compile(r"[a-z]+")


@lru_cache(maxsize=4096)
def split_of(path: str) -> Split:
    """What a file is for: `train.jsonl`, `my-data.valid.jsonl.gz`, `data/test/part-3.jsonl`; "" where no word says it.

    The name of the file counts before that of its folder, and a later word before an earlier one.
    """
    file = file_of(path)
    for name in (file.name, file.parent.name):
        for word in reversed(_WORD.findall(name.lower())):
            if word in _WORDS:
                return _WORDS[word]
    return ""
