"""What a run will train on, counted row by row before it starts."""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec

from dsforge.engine.chunks import Chunk, pieces_for, plan_chunks
from dsforge.errors import ConfigError, InputError, RowError
from dsforge.formats.read import ExampleReader
from dsforge.io.rejects import Reject
from dsforge.io.rows import Row
from dsforge.tokens.answers import Drawn, Sequence
from dsforge.tokens.template import IGNORED, ChatTemplate
from dsforge.train.config import DataConfig
from dsforge.train.recipe import Recipe, get_recipe, methods_for
from dsforge.train.row_workers import RowWorkers, stored_template
from dsforge.train.token_rows import TokenRows, mixed


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a row, as the trainer sees it."""

    text: str
    trained: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A sequence of a row; `name` says which ("chosen"), "" where the row is one."""

    name: str
    stretches: list[Stretch]


@dataclass(frozen=True, slots=True)
class Over:
    """A row over the limit: its tokens (of its longest sequence), how many are lost, and how many of those are trained.

    Tokens that are lost are counted over all its sequences.
    """

    row: int
    tokens: int
    lost: int
    lost_trained: int


MAX_OVER = 20
"""Rows over the limit that are kept to be told one by one."""


@dataclass
class Preflight:
    """The rows of one file, ready to train, and what was found on the way.

    Conservation: rows_in = rows_used + len(rejects), `rows_used` being those that are trained on. Tokens are those of
    all sequences that rows make: of a pair the prompt counts twice. `cut_trained` counts the trained tokens lost from
    rows over the limit. `left_out` rows say something the template does not render; in `control` rows a message spells
    a special token out. `added` is what the template itself writes into the trained text. In `drifting` rows the
    prompt alone reads otherwise than before its answer, in `foreign` ones others than the assistant speak within an
    answer, which is trained as a whole. `between` are answers of rankings that stand between the best and the worst:
    no method trains them.
    """

    path: str
    rows: TokenRows = field(default_factory=TokenRows)
    rejects: list[Reject] = field(default_factory=list)
    formats: dict[str, int] = field(default_factory=dict)
    rows_in: int = 0
    rows_used: int = 0
    tokens: int = 0
    trained: int = 0
    longest: int = 0
    over_length: int = 0
    over: list[tuple[str, Over]] = field(default_factory=list)
    cut_trained: int = 0
    left_out: int = 0
    control: int = 0
    drifting: int = 0
    foreign: int = 0
    between: int = 0
    added: str = ""
    trains_stop: bool = True
    shown_row: int = 0
    shown: list[Shown] = field(default_factory=list)

    @property
    def context(self) -> int:
        """Tokens that are read but not trained."""
        return self.tokens - self.trained


class _Reader:
    """Reads a file to the texts of its rows, remembering the row each came from, and what other methods would train."""

    def __init__(
        self, data: DataConfig, chunk: Chunk, recipe: Recipe, template: ChatTemplate, found: Preflight
    ) -> None:
        self._source = ExampleReader(chunk.source, data.format, found.rejects.append, start=chunk.start, end=chunk.end)
        self._limit = math.inf if data.limit is None else data.limit
        self._recipe = recipe
        self._template = template
        self._found = found
        self.origin: deque[Row] = deque()
        self.fitting: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Any]:
        for row, example in self._source:
            if row.number > self._limit:  # refused rows were skipped on the way here
                break
            self._found.formats = dict(self._source.formats)
            try:
                self._recipe.accept(example)
                rendered = self._recipe.render(self._template, example)
            except RowError as error:
                self._found.rejects.append(reject_row(self._found.path, row, error))
                self.fitting.update(methods_for(example))
            else:
                self._found.control += self._template.control_tokens_in(example)
                self._found.between += len(example.between)
                self.origin.append(row)
                yield rendered
            if row.number == self._limit:
                break
        self._found.rows_in = int(min(self._source.rows_in, self._limit))
        self._found.rejects[:] = [reject for reject in self._found.rejects if reject.row <= self._limit]

    @property
    def lines(self) -> int:
        """Lines of a JSONL file that were read."""
        return self._source.rows.lines


def reject_row(path: str, row: Row, error: RowError) -> Reject:
    """The reject of a row that parsed but cannot be trained on."""
    return Reject(path, row.number, row.line, error.code, error.reason, error.pointer, row.raw)


def _stretches(tokenizer: Any, ids: list[int], labels: list[int]) -> list[Stretch]:
    stretches: list[Stretch] = []
    start = 0
    for index in range(1, len(ids) + 1):
        if index == len(ids) or (labels[index] == IGNORED) != (labels[start] == IGNORED):
            stretches.append(Stretch(tokenizer.decode(ids[start:index]), labels[start] != IGNORED))
            start = index
    return stretches


def _note(drawn: Drawn, found: Preflight) -> None:
    rendered = [sequence.encoded.rendered for sequence in drawn.sequences]
    found.left_out += any(one.left_out for one in rendered)
    found.added = found.added or next((one.added for one in rendered if one.added), "")
    found.drifting += drawn.drifts
    found.foreign += drawn.foreign
    found.longest = max(found.longest, *(len(sequence.encoded.input_ids) for sequence in drawn.sequences))


def _trained(labels: list[int]) -> int:
    return len(labels) - labels.count(IGNORED)


def _same(sequences: list[Sequence], limit: int | None = None) -> bool:
    """Whether the answers of a pair are the same, within the first `limit` tokens."""
    if len(sequences) == 1:
        return False
    first, *others = (sequence.encoded.input_ids[:limit] for sequence in sequences)
    return first in others


def _fit(sequences: list[Sequence], trained: list[int], recipe: Recipe, max_length: int | None, too_long: str) -> bool:
    """Whether the row, of whose sequences so many tokens are `trained`, is over the limit.

    Raises:
        RowError: nothing would be learnt from it, or it is over the limit and is not to be cut.
    """
    if not all(trained):
        raise RowError("its trained text comes to no tokens", "/messages", "T201")
    if _same(sequences):
        raise RowError("chosen and rejected are the same: there is nothing to learn from the pair", "/rejected", "Q503")
    length = max(len(sequence.encoded.input_ids) for sequence in sequences)
    if max_length is None or length <= max_length:
        return False
    kept = [_trained(sequence.encoded.labels[:max_length]) for sequence in sequences]
    why = ""
    if too_long == "cut":
        if recipe.whole:
            why = f"; method={recipe.name} cannot train a part of an answer"
        elif not all(kept):
            why = ", and what is left of it holds nothing to train"
        elif _same(sequences, max_length):
            why = ", and what is left of chosen and rejected is the same"
        else:
            return True
    raise RowError(f"{length:,} tokens, over trl.max_length={max_length:,}{why}", "", "L301")


def _take(drawn: Drawn, row: Row, found: Preflight, recipe: Recipe, max_length: int | None, too_long: str) -> None:
    """Add a row to those that are used, cut to `max_length` as the trainer would cut it, or reject it."""
    sequences = drawn.sequences
    of_each = [sequence.encoded.trained for sequence in sequences]
    trained = sum(of_each)
    try:
        over = _fit(sequences, of_each, recipe, max_length, too_long)
    except RowError as error:
        found.rejects.append(reject_row(found.path, row, error))
        if error.code == "L301":
            found.over_length += 1
            found.cut_trained += trained
            _note_over(found, row, sequences, 0, trained)
        return
    kept, limit = trained, max_length if over else None
    if limit is not None:
        kept = sum(_trained(sequence.encoded.labels[:limit]) for sequence in sequences)
        found.over_length += 1
        found.cut_trained += trained - kept
        _note_over(found, row, sequences, limit, trained - kept)
    found.rows_used += 1
    found.rows.append_row(
        [(sequence.encoded.input_ids, sequence.encoded.labels) for sequence in sequences], limit, row.number
    )
    found.rows.good += [sequence.good for sequence in sequences if sequence.good is not None]
    lengths = [len(sequence.encoded.input_ids) for sequence in sequences]
    found.tokens += sum(lengths) if limit is None else sum(min(limit, length) for length in lengths)
    found.trained += kept


def _note_over(found: Preflight, row: Row, sequences: list[Sequence], kept: int, lost_trained: int) -> None:
    """Remember a row of which `kept` tokens of each sequence are left."""
    if len(found.over) < MAX_OVER:
        lengths = [len(sequence.encoded.input_ids) for sequence in sequences]
        lost = sum(max(0, length - kept) for length in lengths)
        found.over.append((found.path, Over(row.number, max(lengths), lost, lost_trained)))


@dataclass(frozen=True)
class _Piece:
    """What was found in a piece of a file, of how many lines; rows and lines count from where it begins."""

    found: Preflight
    fitting: Counter[str]
    lines: int


def _look(chunk: Chunk, data: DataConfig, max_length: int | None, recipe: Recipe, template: ChatTemplate) -> _Piece:
    found = Preflight(chunk.source)
    reader = _Reader(data, chunk, recipe, template, found)
    for drawn in recipe.encode(template, reader):
        row = reader.origin.popleft()
        _note(drawn, found)
        _take(drawn, row, found, recipe, max_length, data.too_long)
        if not found.shown and found.rows_used:
            found.shown_row = row.number
            found.shown = [
                Shown(one.name, _stretches(template.tokenizer, one.encoded.input_ids[:max_length], one.encoded.labels))
                for one in drawn.sequences
            ]
            found.trains_stop = all(template.trains_the_stop(one.encoded.rendered) for one in drawn.sequences)
    found.rejects.sort(key=lambda reject: reject.row)
    return _Piece(found, reader.fitting, reader.lines)


def _look_in_worker(chunk: Chunk, data: DataConfig, max_length: int | None, method: str, template: Path) -> _Piece:
    return _look(chunk, data, max_length, get_recipe(method), stored_template(template))


def _add(whole: _Piece, piece: _Piece) -> _Piece:
    """A piece of a file and the one that follows it as one."""
    found, more, before = whole.found, piece.found, whole.found.rows_in
    found.rejects += [
        msgspec.structs.replace(reject, row=reject.row + before, line=reject.line + whole.lines)
        for reject in more.rejects
    ]
    left = max(0, MAX_OVER - len(found.over))
    found.over += [(path, replace(over, row=over.row + before)) for path, over in more.over[:left]]
    found.rows.extend(more.rows, before)
    found.formats = dict(Counter(found.formats) + Counter(more.formats))
    found.longest = max(found.longest, more.longest)
    found.added = found.added or more.added
    if not found.shown and more.shown:
        found.shown_row, found.shown, found.trains_stop = more.shown_row + before, more.shown, more.trains_stop
    for name in _SUMMED:
        setattr(found, name, getattr(found, name) + getattr(more, name))
    return _Piece(found, whole.fitting + piece.fitting, whole.lines + piece.lines)


def preflight(
    path: str,
    data: DataConfig,
    max_length: int | None,
    recipe: Recipe,
    template: ChatTemplate,
    workers: RowWorkers | None = None,
) -> Preflight:
    """Read, render and tokenise the rows of `path`; of a large JSONL file the `workers` take a piece each.

    Raises:
        InputError: the file cannot be read, or no row of it can be trained on.
        OutputError: a worker was killed.
    """
    chunks = plan_chunks(path, pieces_for(workers.count)) if workers else [Chunk(path)]
    if workers and len(chunks) > 1:
        stored = workers.store(template)
        asked = ((chunk, data, max_length, recipe.name, stored) for chunk in chunks)
        whole = reduce(_add, workers.each(_look_in_worker, asked), _Piece(Preflight(path), Counter(), 0))
    else:
        whole = _look(chunks[0], data, max_length, recipe, template)
    found = whole.found
    if not found.rows_used:
        first = found.rejects[0]
        raise InputError(
            f"{path}: none of its {found.rows_in:,} rows can be trained on by method={recipe.name}; "
            f"row {first.row}: {first.reason}{_other_method(whole.fitting, recipe)}"
        )
    if found.rows_in != found.rows_used + len(found.rejects):
        raise AssertionError(f"conservation broken: {found}")
    return found


_SUMMED = (
    "rows_in", "rows_used", "tokens", "trained", "over_length", "cut_trained", "left_out", "control", "drifting",
    "foreign", "between",
)  # fmt: skip


def together(files: list[Preflight], weights: list[float] | None, seed: int) -> Preflight:
    """Several files as one: what was found in any of them, and the rows of an epoch.

    `weights` says how often an epoch passes over each file; of a part of a pass the rows are drawn by `seed`.

    Raises:
        ConfigError: a weight leaves no row of its file.
    """
    if len(files) == 1 and weights in (None, [1]):
        return files[0]
    passes = [
        list(_passes(found, weight, seed)) for found, weight in zip(files, weights or [1.0] * len(files), strict=True)
    ]
    first = files[0]
    whole = Preflight(" + ".join(found.path for found in files), mixed([found.rows for found in files], passes))
    for name in _SUMMED:
        setattr(whole, name, sum(getattr(found, name) for found in files))
    whole.rejects = [reject for found in files for reject in found.rejects]
    whole.over = [over for found in files for over in found.over][:MAX_OVER]
    for found in files:
        whole.formats.update(found.formats)
    whole.longest = max(found.longest for found in files)
    whole.added = next((found.added for found in files if found.added), "")
    whole.trains_stop = all(found.trains_stop for found in files)
    whole.shown_row, whole.shown = first.shown_row, first.shown
    return whole


def _passes(found: Preflight, weight: float, seed: int) -> Iterator[int]:
    """The rows of a file that an epoch takes, by their place among the used ones."""
    whole, part = divmod(weight, 1)
    rows = len(found.rows)
    drawn = round(part * rows)
    if not whole and not drawn:
        raise ConfigError(f"data.weights: {weight:g} of the {rows:,} rows of {found.path} is not one row")
    for _ in range(int(whole)):
        yield from range(rows)
    yield from sorted(random.Random(f"{seed}:{found.path}").sample(range(rows), drawn))  # noqa: S311 - no secret


def _other_method(fitting: Counter[str], recipe: Recipe) -> str:
    """The methods that the most rows are for, where that is not this one."""
    most = max(fitting.values(), default=0)
    fit = [f"method={name}" for name, rows in sorted(fitting.items()) if rows == most]
    if not fit or fitting[recipe.name] == most:
        return ""
    return f"; such rows are for {' or '.join(fit)}"
