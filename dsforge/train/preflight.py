"""What a run will train on, counted row by row before it starts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dsforge.errors import InputError, RowError
from dsforge.formats.read import read_examples
from dsforge.io.rejects import Reject
from dsforge.io.rows import Row
from dsforge.tokens.answers import Drawn, Sequence
from dsforge.tokens.template import IGNORED, ChatTemplate
from dsforge.train.config import DataConfig
from dsforge.train.recipe import Recipe, methods_for
from dsforge.train.token_rows import TokenRows


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


@dataclass
class Preflight:
    """The rows of one file, ready to train, and what was found on the way.

    Conservation: rows_in = rows_used + len(rejects). Tokens are those of all sequences that rows make: of a pair the
    prompt counts twice. `cut_trained` counts the trained tokens lost from rows over the limit. `left_out` rows say
    something the template does not render; in `control` rows a message spells a special token out. `added` is what
    the template itself writes into the trained text. In `drifting` rows the prompt alone reads otherwise than before
    its answer, in `foreign` ones others than the assistant speak within an answer, which is trained as a whole.
    `between` are answers of rankings that stand between the best and the worst: no method trains them.
    """

    path: str
    rows: TokenRows = field(default_factory=TokenRows)
    rejects: list[Reject] = field(default_factory=list)
    formats: dict[str, int] = field(default_factory=dict)
    rows_in: int = 0
    tokens: int = 0
    trained: int = 0
    longest: int = 0
    over_length: int = 0
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
    def rows_used(self) -> int:
        """Rows that are trained on."""
        return len(self.rows)

    @property
    def context(self) -> int:
        """Tokens that are read but not trained."""
        return self.tokens - self.trained


class _Reader:
    """Reads a file to the texts of its rows, remembering the row each came from, and what other methods would train."""

    def __init__(self, data: DataConfig, path: str, recipe: Recipe, template: ChatTemplate, found: Preflight) -> None:
        self._source = read_examples(path, data.format, found.rejects.append)
        self._limit = math.inf if data.limit is None else data.limit
        self._recipe = recipe
        self._template = template
        self._found = found
        self.origin: list[Row] = []
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
    first, *others = (sequence.encoded.input_ids[:limit] for sequence in sequences)
    return first in others


def _fit(sequences: list[Sequence], recipe: Recipe, max_length: int | None, too_long: str) -> bool:
    """Whether the row is over the limit.

    Raises:
        RowError: nothing would be learnt from it, or it is over the limit and is not to be cut.
    """
    if not all(sequence.encoded.trained for sequence in sequences):
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
    trained = sum(sequence.encoded.trained for sequence in sequences)
    try:
        over = _fit(sequences, recipe, max_length, too_long)
    except RowError as error:
        found.rejects.append(reject_row(found.path, row, error))
        if error.code == "L301":
            found.over_length += 1
            found.cut_trained += trained
        return
    limit = max_length if over else None
    kept = sum(_trained(sequence.encoded.labels[:limit]) for sequence in sequences)
    found.over_length += over
    found.cut_trained += trained - kept
    found.rows.append_row([(sequence.encoded.input_ids, sequence.encoded.labels) for sequence in sequences], limit)
    found.rows.good += [sequence.good for sequence in sequences if sequence.good is not None]
    found.tokens += sum(len(sequence.encoded.input_ids[:limit]) for sequence in sequences)
    found.trained += kept


def preflight(path: str, data: DataConfig, max_length: int | None, recipe: Recipe, template: ChatTemplate) -> Preflight:
    """Read, render and tokenise the rows of `path`.

    Raises:
        InputError: the file cannot be read, or no row of it can be trained on.
    """
    found = Preflight(path)
    reader = _Reader(data, path, recipe, template, found)
    for index, drawn in enumerate(recipe.encode(template, reader)):
        row = reader.origin[index]
        _note(drawn, found)
        _take(drawn, row, found, recipe, max_length, data.too_long)
        if not found.shown and found.rows_used:
            found.shown_row = row.number
            found.shown = [
                Shown(sequence.name, _stretches(template.tokenizer, ids, labels))
                for sequence, (ids, labels) in zip(drawn.sequences, found.rows, strict=True)
            ]
            found.trains_stop = all(template.trains_the_stop(one.encoded.rendered) for one in drawn.sequences)
    found.rejects.sort(key=lambda reject: reject.row)
    if not found.rows_used:
        first = found.rejects[0]
        raise InputError(
            f"{path}: none of its {found.rows_in:,} rows can be trained on by method={recipe.name}; "
            f"row {first.row}: {first.reason}{_other_method(reader.fitting, recipe)}"
        )
    if found.rows_in != found.rows_used + len(found.rejects):
        raise AssertionError(f"conservation broken: {found}")
    return found


def _other_method(fitting: Counter[str], recipe: Recipe) -> str:
    """The methods that the most rows are for, where that is not this one."""
    most = max(fitting.values(), default=0)
    fit = [f"method={name}" for name, rows in sorted(fitting.items()) if rows == most]
    if not fit or fitting[recipe.name] == most:
        return ""
    return f"; such rows are for {' or '.join(fit)}"
