"""Tokens of many texts at a time, and which token a character lies in."""

from __future__ import annotations

import json
import os
import unicodedata
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
U = TypeVar("U")

Tokens: TypeAlias = "tuple[list[int], Callable[[int], int | None]]"
"""The ids of a text, and the index of the first token that a character lies in (None where it lies in none)."""

_COMPARED = 4
"""Texts of each batch that the tokenizer itself reads as well."""


def ahead(work: Callable[[T], U], batches: Iterable[T]) -> Iterator[tuple[T, U]]:
    """Each batch with what `work` makes of it, in order.

    A tokenizer works without Python's lock: in a thread of its own, while the next batch is read and rendered here.
    Where it is to have one thread (RAYON_NUM_THREADS=1), that is this one: two would only pass the lock to and fro.
    """
    if os.environ.get("RAYON_NUM_THREADS") == "1":
        for batch in batches:
            yield batch, work(batch)
        return
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting: deque[tuple[T, Future[U]]] = deque()
        for batch in batches:
            waiting.append((batch, thread.submit(work, batch)))
            if len(waiting) > 1:
                done, result = waiting.popleft()
                yield done, result.result()
        for done, result in waiting:
            yield done, result.result()


class Batches:
    """Turns texts into tokens as a fast tokenizer of transformers does with `add_special_tokens=False`.

    Where tokens are runs of bytes (GPT-2's kind, Qwen's and Llama 3's) and fastokens is installed, it reads the texts
    in a fifteenth of the time; the places of its tokens are sums of bytes. A few texts of each batch are compared with
    the tokenizer's own reading: should one differ, or the sum of a text not come out, the tokenizer itself is asked.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._backend = tokenizer.backend_tokenizer
        self._backend.no_truncation()
        self._backend.no_padding()
        self._sizes, self._normal = _byte_sizes(self._backend)
        self._quick: Any = None
        if self._sizes is not None and find_spec("fastokens"):
            import fastokens

            self._quick = fastokens.Tokenizer.from_json_str(self._backend.to_str())

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of texts."""
        return [ids for ids, _ in self.tokens(texts)]

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of texts."""
        if self._quick is not None and (found := self._by_bytes(list(texts))) is not None:
            return found
        encodings = self._backend.encode_batch(texts, add_special_tokens=False)
        return [(encoding.ids, encoding.char_to_token) for encoding in encodings]

    def _by_bytes(self, texts: list[str]) -> list[Tokens] | None:
        """The tokens by fastokens; None, and it is not asked again, where a reading of it differs."""
        assert self._sizes is not None
        packed, offsets = self._quick.encode_batch_flat(texts)
        flat = np.frombuffer(packed, np.uint32)
        bounds = np.frombuffer(offsets, np.uint64).astype(np.int64).tolist()
        ends = np.concatenate((np.zeros(1, np.int64), self._sizes[flat].cumsum())).data
        found = [
            self._placed(text, flat[start:end].tolist(), ends[start : end + 1])
            for text, start, end in zip(texts, bounds, bounds[1:], strict=False)
        ]
        compared = range(0, len(texts), max(1, len(texts) // _COMPARED))
        if any(found[at][0] != self._encode(texts[at]).ids for at in compared):
            self._quick = None
            return None
        return found

    def _placed(self, text: str, ids: list[int], ends: memoryview) -> Tokens:
        """The tokens of a text, of which `ends` are where each ends in bytes, before them where the first begins."""
        plain, begin = text.isascii(), ends[0]
        size = len(text) if plain else len(text.encode())
        changed = self._normal and not plain and not unicodedata.is_normalized("NFC", text)
        if ends[-1] - begin != size or changed:
            encoding = self._encode(text)
            return encoding.ids, encoding.char_to_token

        def token_at(character: int) -> int | None:
            if not 0 <= character < len(text):
                return None
            at = character if plain else len(text[:character].encode())
            return bisect_right(ends, begin + at, 1) - 1  # with no copy: numpy's own takes ten times as long

        return ids, token_at

    def _encode(self, text: str) -> Any:
        return self._backend.encode(text, add_special_tokens=False)


def _byte_sizes(backend: Any) -> tuple[NDArray[np.int64] | None, bool]:
    """(the bytes of every token, whether texts are normalised first); None where a token is not a run of bytes, or the
    tokenizer counts the spaces at its edges not as its own."""
    parts = json.loads(backend.to_str())
    normalizer = (parts["normalizer"] or {"type": None})["type"]
    before, after = (list(_flat(parts[name], inner)) for name, inner in _PARTS)
    if (
        parts["model"]["type"] != "BPE"
        or parts["model"].get("byte_fallback")
        or normalizer not in (None, "NFC")
        or not any(part["type"] == "ByteLevel" for part in before)
        or any(part["type"] not in ("ByteLevel", "Split", "Digits") for part in before)
        or any(part["type"] == "ByteLevel" and part["trim_offsets"] for part in after)
    ):
        return None, False
    sizes = np.zeros(max(backend.get_vocab().values(), default=-1) + 1, np.int64)
    for token, number in backend.get_vocab(with_added_tokens=False).items():
        sizes[number] = len(token)  # GPT-2 writes each byte as one character
    for number, token in backend.get_added_tokens_decoder().items():
        sizes[number] = len(token.content.encode())
    return sizes, normalizer is not None


_PARTS = (("pre_tokenizer", "pretokenizers"), ("post_processor", "processors"))


def _flat(part: dict[str, Any] | None, inner: str) -> Iterator[dict[str, Any]]:
    """The parts of a sequence, and of those within it; a part that is none stands for itself."""
    if part and part["type"] == "Sequence":
        for one in part[inner]:
            yield from _flat(one, inner)
    elif part:
        yield part
