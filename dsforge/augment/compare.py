"""A dataset before and after augment: categories, lengths, scripts, and how varied its texts are.

Before are the rows of the source that can be read (of documents there are none). New are the rows of the output that
stand for no row of the source: where seeds were written too, as many rows of some content as the source has of it are
its own. So it needs no provenance, and holds for rows without it. After is both together, whether or not one file holds
them all; of a method that changes rows in their place it is the output.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dsforge import __version__
from dsforge.augment.balance import category_of
from dsforge.augment.distinct import Words, distinct, sampled, words_of
from dsforge.augment.method import Method, get_method
from dsforge.augment.result import AugmentResult
from dsforge.augment.wish import Wish
from dsforge.engine.chunks import size_of
from dsforge.engine.engine import Engine
from dsforge.formats.read import ExampleReader
from dsforge.io.arrays import temporary_folder
from dsforge.report.augment_report import GRAMS, AugmentReport, Clusters, Lengths, RowSet, Side
from dsforge.report.histogram import BINS, lower_edge
from dsforge.report.script import script_of
from dsforge.similarity.collect import Collected, Reading
from dsforge.similarity.compared import Compared, compared
from dsforge.similarity.key import cleaner
from dsforge.similarity.lsh import choose_banding
from dsforge.similarity.shingle import I64
from dsforge.similarity.stages import find_matches

ALIKE = 0.5
"""The similarity from which prompts are in one cluster: a prompt in other words reaches it more often than the 0.8 of
dedup, which looks for what is no row of its own."""
SAMPLE = 100_000
"""Words of a sample at most; fewer where a set has fewer."""
SAMPLES = 5
SEED = 0

_BATCH = 1000  # texts whose words are told together
_EDGES = np.array([lower_edge(number) for number in range(BINS)])
_as_it_is = cleaner(())


def compare(
    source: str, output: str, wish: Wish, result: AugmentResult, *, with_seeds: bool = False
) -> AugmentReport:  # fmt: skip
    """Compare the rows of `source` with those that a run of augment made of them and wrote to `output`.

    `wish` and `with_seeds` are those of the run, `result` is what it came to. Both files are read twice. Of the rows 8
    bytes a word are held in memory; their texts lie in the temporary folder meanwhile.

    Raises:
        InputError: a file cannot be read.
    """
    method = get_method(wish.method)
    reading = _Reading(None if method.of_documents else source, output if result.rows_out else None, wish, method)
    before, own, new = _Gathered(), _Gathered(), _Gathered()
    rest: Counter[tuple[str, bytes]] = Counter()
    for category, said in reading.source():
        before.add(category, said)
        if with_seeds or method.in_place:
            rest[category, said.key] += 1
    are_new = []
    for category, said in reading.output():
        are_new.append(not rest[category, said.key])
        if are_new[-1]:
            new.add(category, said)
        else:
            rest[category, said.key] -= 1
            if method.in_place:
                own.add(category, said)
    after = (own if method.in_place else before) + new
    words = _common(before.prompts, new.prompts), _common(before.completions, new.completions)
    clusters_before, clusters_after, near = reading.clusters(are_new)
    failed = len(result.failures)
    return AugmentReport(
        before.told(words), new.told(words), after.told(words), clusters_before, clusters_after, near, ALIKE, words,
        asked=result.rows_generated + failed + result.unpaid, generated=result.rows_generated, kept=result.rows_kept,
        dropped=result.dropped, failed=failed, rejected=result.rows_rejected, unpaid=result.unpaid,
        unchanged=result.unchanged, in_place=method.in_place, requests=result.requests, spent=result.spent,
        currency=result.currency, sources=[(name, size_of(name)) for name in (source, output)], run=_run(wish, result),
        notices=[] if method.in_place else _notices(new.rows, result),
    )  # fmt: skip


@dataclass(frozen=True)
class _Reading:
    """The files, None in place of one that holds no rows."""

    source_path: str | None
    output_path: str | None
    wish: Wish
    method: Method

    def source(self) -> Iterator[tuple[str, Compared]]:
        """The category of each row that can be read, and what it says."""
        if self.source_path is not None:
            yield from _read(self.source_path, self.wish.format_name, self.wish.by)

    def output(self) -> Iterator[tuple[str, Compared]]:
        """The same of the output."""
        if self.output_path is not None:
            yield from _read(self.output_path, self.output_format, self.wish.by)

    @property
    def output_format(self) -> str:
        """The format of the rows in the output, which need not be that of their seeds."""
        if self.method.writes or (self.method.in_place and self.wish.to_format):  # some may be in each
            return "auto"
        return self.wish.to_format or self.wish.format_name

    def clusters(self, are_new: Sequence[bool]) -> tuple[Clusters, Clusters, int]:
        """The clusters of prompts before and after, and how many new rows share one with a row of the source.

        A row joins a cluster whose first row it is alike, in the order of rows; so the clusters before are those that
        there are without the new rows.
        """
        reading = Reading("prompt", banding=choose_banding(ALIKE), format_name=self.wish.format_name)
        with temporary_folder() as folder, Engine() as engine:
            rows = Collected(reading, folder, engine)
            rows.read([*filter(None, [self.source_path])])
            count = len(rows)
            rows.reading = replace(reading, format_name=self.output_format)
            rows.read([*filter(None, [self.output_path])])
            stands_for = np.arange(len(rows.document_row))
            for match in find_matches(rows, "stars", ALIKE):
                stands_for[match.removed] = match.kept
            cluster = stands_for[rows.document]
        before, written = cluster[:count], cluster[count:]
        new = written[np.array(are_new, dtype=bool)]
        after = written if self.method.in_place else np.append(before, new)
        return _sizes(before), _sizes(after), int(np.isin(new, before).sum())


def _read(path: str, format_name: str, by: str) -> Iterator[tuple[str, Compared]]:
    for row, example in ExampleReader(path, format_name):
        yield category_of(by, row, example), compared(example, clean=_as_it_is)


@dataclass
class _Texts:
    """The lengths of texts in characters, and their words."""

    lengths: array[int] = field(default_factory=lambda: array("q"))
    batches: list[Words] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.lengths.append(len(text))
        self.waiting.append(text)
        if len(self.waiting) == _BATCH:
            self._flush()

    def _flush(self) -> None:
        if self.waiting:
            self.batches.append(words_of(self.waiting))
            self.waiting.clear()

    def words(self) -> list[Words]:
        """The words of all texts, in batches."""
        self._flush()
        return self.batches

    def __add__(self, other: _Texts) -> _Texts:
        return _Texts(self.lengths + other.lengths, self.words() + other.words())


@dataclass
class _Gathered:
    """What is noted of a set of rows."""

    rows: int = 0
    categories: Counter[str] = field(default_factory=Counter)
    scripts: Counter[str] = field(default_factory=Counter)
    prompts: _Texts = field(default_factory=_Texts)
    completions: _Texts = field(default_factory=_Texts)

    def add(self, category: str, said: Compared) -> None:
        prompt, completion = (part.decode("utf-8", "surrogatepass") for part in said.parts[:2])
        self.rows += 1
        if category:
            self.categories[category] += 1
        self.scripts[script_of(prompt + completion)] += 1
        self.prompts.add(prompt)
        self.completions.add(completion)

    def __add__(self, other: _Gathered) -> _Gathered:
        return _Gathered(
            self.rows + other.rows, self.categories + other.categories, self.scripts + other.scripts,
            self.prompts + other.prompts, self.completions + other.completions,
        )  # fmt: skip

    def told(self, words: tuple[int, int]) -> RowSet:
        """What there is to tell; samples of prompts and of completions have so many words."""
        prompt, completion = _side(self.prompts, words[0]), _side(self.completions, words[1])
        return RowSet(self.rows, self.categories, self.scripts, prompt, completion)


def _common(*sets: _Texts) -> int:
    """The words of a sample that every set has enough for."""
    return min([SAMPLE, *(sum(len(batch.units) for batch in texts.words()) for texts in sets)])


def _side(texts: _Texts, count: int) -> Side:
    words = texts.words()
    return Side(_lengths(texts), [distinct(words, n) for n in GRAMS], _of_samples(words, count))


def _of_samples(words: list[Words], count: int) -> list[float | None]:
    """The means of distinct-n over samples of `count` words."""
    chance = np.random.default_rng(SEED)
    samples = [sampled(words, count, chance) for _ in range(SAMPLES)]
    means = []
    for n in GRAMS:
        shares = [share for sample in samples if (share := distinct([sample], n)) is not None]
        means.append(sum(shares) / len(shares) if shares else None)
    return means


def _lengths(texts: _Texts) -> Lengths:
    lengths = np.array(texts.lengths, dtype=np.int64)
    bins = np.bincount(np.searchsorted(_EDGES, lengths, side="right") - 1, minlength=BINS).tolist()
    if not len(lengths):
        return Lengths(bins, 0, 0)
    median, most = np.quantile(lengths, (0.5, 0.95), method="inverted_cdf").tolist()
    return Lengths(bins, median, most)


def _sizes(cluster: I64) -> Clusters:
    _, sizes = np.unique(cluster, return_counts=True)
    return Clusters(len(sizes), int((sizes > 1).sum()), int(sizes.max(initial=0)))


def _run(wish: Wish, result: AugmentResult) -> list[tuple[str, str]]:
    return [
        ("Method", wish.method),
        ("Model", wish.model),
        ("Requests", f"{result.requests:,} sent; {result.from_journal:,} more needed no asking"),
        ("Tokens", f"{result.prompt_tokens:,} of prompts, {result.completion_tokens:,} of answers"),
        ("Category", f"the field {wish.by}" if wish.by else "the field of that name, or where a format has it"),
        ("Before and after", "Before are all rows of the source that can be read, seeds or not; after are these "
                             "and the new ones, or those changed in their place."),
        ("Texts", "The prompt is all but system prompts and what the assistant says; the completion is that, of a "
                  "preference pair the chosen answer."),
        ("Words", "What stands between spaces, and each Chinese, Japanese or Korean character; case does not count."),
        ("Samples", f"Rows drawn at random (seed {SEED}); the figure is the mean of {SAMPLES} samples."),
        ("Alike", f"From a Jaccard similarity of {ALIKE:g} of their shingles on, as of dsforge dedup --on prompt "
                  f"--threshold {ALIKE:g}."),
        ("Made by", f"dsforge {__version__}"),
    ]  # fmt: skip


def _notices(new: int, result: AugmentResult) -> Sequence[str]:
    if new == result.rows_kept:
        return []
    return [f"{result.rows_kept:,} new rows were written, but {new:,} rows of the output stand for no seed: the "
            "figures of new rows are of these"]  # fmt: skip
