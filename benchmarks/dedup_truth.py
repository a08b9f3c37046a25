"""What `dsforge dedup` finds, held to exact Jaccard similarities of all pairs that plain Python works out by itself.

    python benchmarks/dedup_truth.py [ROWS]        20,000 rows by default: some minutes

The rows are real ones (see corpus.py), and near-duplicates of them in which 1 to 30% of the words of a text are
replaced. The truth is written from the definition alone and shares no code with dsforge: texts in NFKC, case folded,
white space collapsed; shingles of 5 characters, or 3 where more than 30% are Han, Kana, Bopomofo or Hangul (9 and 5
from 20,000 characters on); of prompt, completion and rejected answer the least Jaccard similarity, where the system
prompts are equal. For each threshold are told, by similarity of the pairs and without those of identical texts:

- pairs: how many there are in truth;
- share a band: the share of them that become candidates;
- decided: the share of them of which not both rows are kept;
- removed: rows that were taken out for a similarity stated in this range;
- right: the share of those whose stated similarity is the true one, to 1e-9, and reaches the threshold.
"""

from __future__ import annotations

import math
import random
import re
import sys
import tempfile
import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.corpus import Row, Vocabulary, chatml, preference_pairs, real_exchanges, words

THRESHOLDS = (0.7, 0.8, 0.9)
LEAST_RECALL = 0.995
EDITS = 4
"""Near-duplicates planted for each real row."""
EDITED = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3)
"""Shares of the words that are replaced."""
SYSTEM = ("You are a helpful assistant.", "Answer in the language of the question.")
STEP = 0.05
"""How wide a range of similarities the table has a line for."""

Pair: TypeAlias = "tuple[int, int]"


# -- the rows ------------------------------------------------------------------------------------------


def planted_rows(count: int, seed: int = 1) -> list[Row]:
    """Real rows and edits of them, one in ten under a system prompt, in an order by chance."""
    chance = random.Random(seed)
    kinds = [[chatml(*exchange) for exchange in exchanges] for exchanges in real_exchanges().values()]
    originals = [
        (row, vocabulary)
        for rows in filter(None, [*kinds, preference_pairs()])
        for vocabulary in [Vocabulary([words(text["content"]) for row in rows for text in _texts(row)])]
        for row in rows
    ]
    chance.shuffle(originals)
    originals = originals[: -(-count // (1 + EDITS))]
    rows = [row for row, _ in originals][:count]
    while len(rows) < count:
        rows.append(_edited(*chance.choice(originals), chance))
    chance.shuffle(rows)
    return rows


def _texts(row: Row) -> list[dict[str, str]]:
    return [*row["messages"], *(row[side] for side in ("chosen", "rejected") if side in row)]


def _edited(row: Row, vocabulary: Vocabulary, chance: random.Random) -> Row:
    """A copy with words replaced in all texts or in one, the sooner the longer it is."""
    row = orjson.loads(orjson.dumps(row))
    texts = _texts(row)
    if chance.random() < 0.8:
        texts = chance.choices(texts, [len(text["content"]) for text in texts])
    for text in texts:
        text["content"] = "".join(vocabulary.edited(words(text["content"]), chance.choice(EDITED), chance))
    if chance.random() < 0.1:
        row["messages"].insert(0, {"role": "system", "content": chance.choice(SYSTEM)})
    return row


# -- the truth -------------------------------------------------------------------------------------------

CJK_BLOCKS = (
    "\u1100-\u11ff\u3040-\u30ff\u3100-\u318f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U000323af"
)
_CJK = re.compile(f"[{CJK_BLOCKS}]")


def normal(text: str) -> str:
    """The text as it is compared."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(text.split())


def shingles(text: str) -> set[str]:
    """All windows of a normal text; of a shorter one the text itself, of an empty one none."""
    is_cjk, is_long = len(_CJK.findall(text)) > 0.3 * len(text), len(text) >= 20_000
    width = (5 if is_long else 3) if is_cjk else (9 if is_long else 5)
    return {text[at : at + width] for at in range(max(len(text) - width + 1, 1))} if text else set()


class Document(NamedTuple):
    """What is compared of a row; equal documents are identical rows."""

    prompt: str
    completion: str
    rejected: str
    system: str
    turns: str

    @property
    def guard(self) -> tuple[str, bool]:
        """What has to be equal: the system prompt, and whether it is a preference pair."""
        return self.system, self.turns.endswith("pair")


def document(row: Row) -> Document:
    """Of a row of ChatML with nothing but texts; of a pair, all turns before the answers are prompt."""
    turns = [message for message in row["messages"] if message["role"] != "system"]
    is_pair = "chosen" in row
    prompt = [message for message in turns if is_pair or message["role"] != "assistant"]
    completion = [row["chosen"]] if is_pair else [message for message in turns if message["role"] == "assistant"]
    rejected = [row["rejected"]] if is_pair else []
    system = [message for message in row["messages"] if message["role"] == "system"]
    sides = ["\n".join(normal(text["content"]) for text in side) for side in (prompt, completion, rejected, system)]
    roles = [message["role"] for message in row["messages"]]
    return Document(*sides, " ".join([*roles, "pair"] if is_pair else roles))


class Truth:
    """Exact similarities of documents.

    The shingles of a document are numbered, those in the fewest documents first, and each part has its own. A pair that
    reaches the threshold in each part reaches it with all parts in one set, for that ratio lies between theirs.
    """

    def __init__(self, documents: Sequence[Document]) -> None:
        self._guards = [each.guard for each in documents]
        numbers: dict[tuple[int, str], int] = {}
        written: list[tuple[array[int], ...]] = []
        for each in documents:
            parts = [[(part, shingle) for shingle in shingles(text)] for part, text in enumerate(each[:3])]
            written.append(tuple(array("i", [numbers.setdefault(key, len(numbers)) for key in part]) for part in parts))
        often = Counter(number for parts in written for part in parts for number in part)
        rank = array("i", bytes(4 * len(numbers)))
        for place, number in enumerate(sorted(often, key=often.__getitem__)):
            rank[number] = place
        self._parts = [tuple(array("i", [rank[number] for number in part]) for part in parts) for parts in written]

    def similarity(self, left: int, right: int) -> float:
        """The least Jaccard similarity of the parts, 0 under different guards; two empty parts are equal."""
        if self._guards[left] != self._guards[right]:
            return 0.0
        least = 1.0
        for ours, theirs in zip(self._parts[left], self._parts[right], strict=True):
            if ours or theirs:
                shared = len(set(ours).intersection(theirs))
                least = min(least, shared / (len(ours) + len(theirs) - shared))
        return least

    def pairs(self, threshold: float) -> dict[Pair, float]:
        """All pairs, the lesser number first, that reach the threshold.

        Of a set of n shingles, a partner at similarity t holds t·n at least, so that among any n - ⌈t·n⌉ + 1 of them is
        one that it holds. Where both sides take their rarest for these, the rarest shingle that they share is
        on both (the prefix filter of AllPairs and PPJoin), and no pair is missed.
        """
        found: dict[Pair, float] = {}
        together = [sorted(number for part in parts for number in part) for parts in self._parts]
        holders: defaultdict[int, list[int]] = defaultdict(list)
        for one in sorted(range(len(together)), key=lambda each: len(together[each])):
            numbers = together[one]
            least = math.ceil(threshold * len(numbers) - 1e-9)
            partners: set[int] = set()
            for number in numbers[: len(numbers) - least + 1]:
                partners.update(holders[number])
                holders[number].append(one)
            for other in partners:
                if len(together[other]) >= least and (similarity := self.similarity(one, other)) >= threshold:
                    found[min(one, other), max(one, other)] = similarity
        return found


# -- what dsforge makes of it --------------------------------------------------------------------------


def sharing_a_band(rows: Sequence[bytes], pairs: Sequence[Pair], threshold: float) -> list[bool]:
    """Whether the rows of each pair become candidates at this threshold."""
    from dsforge.formats.read import decode_row
    from dsforge.similarity.compared import compared
    from dsforge.similarity.lsh import choose_banding
    from dsforge.similarity.sketch import Sketches

    with Sketches(choose_banding(threshold)) as sketches:
        for row in rows:
            sketches.add(compared(decode_row(orjson.loads(row))[1]))
        keys = sketches.sketched().keys()
    left, right = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    shared: list[bool] = (keys[left] == keys[right]).any(axis=1).tolist()
    return shared


class Removal(NamedTuple):
    """Rows, from 0, and what is said of them."""

    row: int
    kept: int
    similarity: float
    exact: bool


def removals(source: Path, folder: Path, threshold: float) -> list[Removal]:
    """What `dsforge dedup` takes out, as it states it in its table of clusters."""
    from dsforge.dedup.run import dedup

    table = folder / "clusters.jsonl"
    dedup([str(source)], folder / "out.jsonl", threshold=threshold, clusters=table, workers=2)
    found, kept = [], 0
    for line in table.read_bytes().splitlines():
        member = orjson.loads(line)
        if member["kept"]:
            kept = member["row"] - 1
        else:
            found.append(Removal(member["row"] - 1, kept, member["similarity"], member["exact"]))
    return found


# -- the two beside each other -----------------------------------------------------------------------------


@dataclass
class Score:
    """Counts of pairs and of removed rows, by range of similarity."""

    pairs: Counter[int] = field(default_factory=Counter)
    candidates: Counter[int] = field(default_factory=Counter)
    decided: Counter[int] = field(default_factory=Counter)
    removed: Counter[int] = field(default_factory=Counter)
    right: Counter[int] = field(default_factory=Counter)

    @property
    def recall(self) -> float:
        """The share of all pairs of which not both rows are kept."""
        return _share(self.decided.total(), self.pairs.total())

    @property
    def candidate_recall(self) -> float:
        """The share of all pairs that share a band."""
        return _share(self.candidates.total(), self.pairs.total())

    @property
    def precision(self) -> float:
        """The share of the removed rows of which the truth is stated."""
        return _share(self.right.total(), self.removed.total())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _range(similarity: float) -> int:
    return min(int(similarity / STEP + 1e-9), round(1 / STEP) - 1)


class Trial:
    """Rows with their truth, to hold thresholds from the least one up to."""

    def __init__(self, rows: Sequence[Row], least: float = min(THRESHOLDS)) -> None:
        self._lines = [orjson.dumps(row) for row in rows]
        self._documents = [document(row) for row in rows]
        self._firsts = list({each: row for row, each in reversed([*enumerate(self._documents)])}.values())[::-1]
        self._truth = Truth([self._documents[row] for row in self._firsts])
        pairs = self._truth.pairs(least).items()
        self._pairs = {(self._firsts[left], self._firsts[right]): similarity for (left, right), similarity in pairs}

    def score(self, threshold: float, folder: Path) -> Score:
        """Run dsforge, compare."""
        source = folder / "rows.jsonl"
        source.write_bytes(b"\n".join(self._lines) + b"\n")
        gone = removals(source, folder, threshold)
        score = Score()
        for similarity, is_right in self._judged(gone, threshold):
            score.removed[_range(similarity)] += 1
            score.right[_range(similarity)] += is_right
        left = {self._documents[row] for row in {*range(len(self._lines))} - {each.row for each in gone}}
        pairs = {pair: similarity for pair, similarity in self._pairs.items() if similarity >= threshold}
        are_candidates = sharing_a_band(self._lines, [*pairs], threshold)
        for (pair, similarity), is_candidate in zip(pairs.items(), are_candidates, strict=True):
            score.pairs[_range(similarity)] += 1
            score.candidates[_range(similarity)] += is_candidate
            score.decided[_range(similarity)] += not all(self._documents[row] in left for row in pair)
        return score

    def _judged(self, gone: Sequence[Removal], threshold: float) -> Iterator[tuple[float, bool]]:
        """The stated similarity of each removed row that is not identical to the kept one, and whether it is right."""
        number = {self._documents[row]: place for place, row in enumerate(self._firsts)}
        for each in gone:
            ours, kept = self._documents[each.row], self._documents[each.kept]
            if each.exact and ours == kept:
                continue
            true = self._truth.similarity(number[ours], number[kept])
            yield each.similarity, not each.exact and abs(true - each.similarity) <= 1e-9 and true >= threshold


def print_score(threshold: float, score: Score) -> None:
    """A line for each range of similarity, one for all."""
    for place in sorted(score.pairs | score.removed):
        lower, upper = place * STEP, (place + 1) * STEP
        _print_line(f"{threshold:.1f}  {lower:.2f} to {upper:.2f}", *(counts[place] for counts in vars(score).values()))
    _print_line(f"{threshold:.1f}  all", *(counts.total() for counts in vars(score).values()))


def _print_line(name: str, pairs: int, candidates: int, decided: int, removed: int, right: int) -> None:
    shares = f"{_share(candidates, pairs):14.4f}{_share(decided, pairs):9.4f}"
    print(f"{name:20}{pairs:9,}{shares}{removed:9,}{_share(right, removed):8.3f}")


def main() -> None:
    """Read the command line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    trial = Trial(planted_rows(count))
    print(f"{'similarity':20}{'pairs':>9}{'share a band':>14}{'decided':>9}{'removed':>9}{'right':>8}")
    scores = {}
    for threshold in THRESHOLDS:
        with tempfile.TemporaryDirectory() as folder:
            scores[threshold] = trial.score(threshold, Path(folder))
        print_score(threshold, scores[threshold])
    if any(score.precision < 1 or score.recall < LEAST_RECALL for score in scores.values()):
        raise SystemExit(f"asked for: a precision of 1, {LEAST_RECALL} of the pairs decided")


if __name__ == "__main__":
    main()
