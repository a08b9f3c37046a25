"""Rows of real text, and as many made up rows as are asked for that read like them: what dedup is measured on.

The real rows are those of public instruction datasets (English, Chinese, code) where they lie beside the checkout or in
DSFORGE_SHARED_DATA, else those of examples/. They are a few thousand. Made up rows are said by a word-bigram model of
them (of characters, in Chinese), each as long as a real row: they share phrases with one another, as real rows do and
random words do not, so that bands meet by chance as often as they would.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("DSFORGE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "real"
DATASETS = {"english": "alpaca_en_demo", "chinese": "alpaca_zh_demo", "code": "code_alpaca_2k"}
SHARES = {"english": 4, "chinese": 3, "code": 3}
COPIES, EDITS = 0.05, 0.15
MOST_EDITED = 0.15
"""The largest share of the answer's words that is replaced in a made up near-duplicate."""

_RECENT = 2000  # rows, of which one is copied or edited
_BATCH = 5000  # rows that the model says side by side
_WORD = re.compile(r"[\u3000-\u9fff\uff00-\uffef]\s*|[^\s\u3000-\u9fff\uff00-\uffef]+\s*|\s+")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")

Words: TypeAlias = "list[str]"
Row: TypeAlias = "dict[str, Any]"


class Exchange(NamedTuple):
    """What is asked and what is answered."""

    prompt: str
    answer: str


def words(text: str) -> Words:
    """The words of a text, or its characters where it is Chinese, each with the white space after it."""
    return _WORD.findall(text)


def chatml(prompt: str, answer: str) -> Row:
    """A row of ChatML."""
    return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}


def real_exchanges() -> dict[str, list[Exchange]]:
    """Real rows by kind: English, Chinese, code (which examples/ has none of)."""
    if not all((SHARED / f"{name}.json").exists() for name in DATASETS.values()):
        return _of_the_examples()
    found = {}
    for kind, name in DATASETS.items():
        rows = json.loads((SHARED / f"{name}.json").read_text("utf-8"))
        asked = ["\n".join(filter(None, (row["instruction"], row.get("input")))) for row in rows]
        found[kind] = [
            Exchange(prompt, row["output"])
            for prompt, row in zip(asked, rows, strict=True)
            if prompt.strip() and row["output"].strip()
        ]
    return found


def _of_the_examples() -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = {"english": [], "chinese": []}
    for line in (ROOT / "examples" / "support" / "support.chatml.jsonl").read_bytes().splitlines():
        try:
            prompt, answer = [message["content"] for message in orjson.loads(line)["messages"][-2:]]
            exchange = Exchange(prompt.strip(), answer.strip())
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
            continue  # the example has broken rows on purpose
        if all(exchange):
            found["chinese" if _CHINESE.search(exchange.answer) else "english"].append(exchange)
    return found


def preference_pairs() -> list[Row]:
    """Preference pairs as ChatML, none where the public datasets are missing."""
    path = SHARED / "dpo_en_demo.json"
    if not path.exists():
        return []
    return [
        {
            "messages": [
                {"role": "user" if turn["from"] == "human" else "assistant", "content": turn["value"]}
                for turn in row["conversations"]
            ],
            "chosen": {"role": "assistant", "content": row["chosen"]["value"]},
            "rejected": {"role": "assistant", "content": row["rejected"]["value"]},
        }
        for row in json.loads(path.read_text("utf-8"))
    ]


class Bigrams:
    """Says words of which each has followed the one before it somewhere in the texts; after the last comes a first."""

    def __init__(self, texts: list[Words]) -> None:
        numbers: dict[str, int] = {}
        self._stream = np.array([numbers.setdefault(word, len(numbers)) for text in texts for word in text])
        self._words = list(numbers)
        self._firsts = np.array([numbers[text[0]] for text in texts])
        self._followers = np.roll(self._stream, -1)[np.argsort(self._stream, kind="stable")]
        self._counts = np.bincount(self._stream)
        self._starts = np.cumsum(self._counts) - self._counts

    def say(self, lengths: NDArray[np.int64], chance: np.random.Generator) -> Iterator[Words]:
        """Texts of so many words, all of them a word further at each step; the longest first, so that none waits."""
        order = np.argsort(-lengths, kind="stable")
        said = np.empty((len(lengths), lengths.max()), dtype=np.int64)
        now = chance.choice(self._firsts, len(lengths))
        for step in range(said.shape[1]):
            now = now[: np.count_nonzero(lengths > step)]
            said[order[: len(now)], step] = now
            drawn = (chance.random(len(now)) * self._counts[now]).astype(np.int64)
            now = self._followers[self._starts[now] + drawn]
        for numbers, length in zip(said, lengths.tolist(), strict=True):
            yield [self._words[number] for number in numbers[:length].tolist()]


class Vocabulary:
    """The words of some texts, drawn as often as they stand there."""

    def __init__(self, texts: list[Words]) -> None:
        self._stream = [word for text in texts for word in text]

    def edited(self, text: Words, share: float, chance: random.Random) -> Words:
        """`text` with about `share` of its words replaced."""
        stream, draw = self._stream, chance.random
        return [stream[int(draw() * len(stream))] if draw() < share else word for word in text]


class _MadeUp(NamedTuple):
    prompt: str
    answer: Words
    vocabulary: Vocabulary


class _Kind:
    """The model of one kind of rows."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        prompts = [words(exchange.prompt) for exchange in exchanges]
        answers = [words(exchange.answer) for exchange in exchanges]
        self._prompts, self._answers = Bigrams(prompts), Bigrams(answers)
        self._lengths = np.array([(len(prompt), len(answer)) for prompt, answer in zip(prompts, answers, strict=True)])
        self._vocabulary = Vocabulary(answers)

    def rows(self, count: int, chance: np.random.Generator) -> list[_MadeUp]:
        lengths = self._lengths[chance.integers(len(self._lengths), size=count)]
        prompts = self._prompts.say(lengths[:, 0], chance)
        answers = self._answers.say(lengths[:, 1], chance)
        return [
            _MadeUp("".join(prompt), answer, self._vocabulary) for prompt, answer in zip(prompts, answers, strict=True)
        ]


def _originals(chance: np.random.Generator) -> Iterator[_MadeUp]:
    """Made up rows without end."""
    exchanges = {kind: rows for kind, rows in real_exchanges().items() if rows}
    kinds = {kind: _Kind(rows) for kind, rows in exchanges.items()}
    shares = np.array([SHARES[kind] for kind in kinds], dtype=float)
    while True:
        drawn = chance.choice(len(kinds), size=_BATCH, p=shares / shares.sum())
        said = [iter(kind.rows(np.count_nonzero(drawn == n), chance)) for n, kind in enumerate(kinds.values())]
        yield from (next(said[kind]) for kind in drawn)


def made_up_rows(count: int, seed: int = 1) -> Iterator[bytes]:
    """ChatML rows: 5% are exact copies of one before, in 15% up to 15% of the words of its answer are replaced."""
    chance = random.Random(seed)
    originals = _originals(np.random.default_rng(seed))
    recent: list[_MadeUp] = []
    fresh = 0
    for _ in range(count):
        draw = chance.random()
        if recent and draw < COPIES + EDITS:
            prompt, answer, vocabulary = chance.choice(recent)
            if draw >= COPIES:
                answer = vocabulary.edited(answer, chance.uniform(0.01, MOST_EDITED), chance)
        else:
            row = next(originals)
            prompt, answer, _ = row
            if len(recent) < _RECENT:
                recent.append(row)
            else:
                recent[fresh % _RECENT] = row
            fresh += 1
        yield orjson.dumps(chatml(prompt, "".join(answer)))


def write_rows(path: Path, count: int) -> None:
    """Write so many made up rows."""
    with path.open("wb") as file:
        file.writelines(row + b"\n" for row in made_up_rows(count))
