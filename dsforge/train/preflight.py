"""What a run will train on, counted row by row before it starts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dsforge.errors import InputError, RowError
from dsforge.formats.read import read_examples
from dsforge.io.rejects import Reject
from dsforge.io.rows import Row
from dsforge.tokens.template import IGNORED, ChatTemplate, Encoded, Rendered
from dsforge.train.config import DataConfig
from dsforge.train.recipe import Recipe
from dsforge.train.token_rows import TokenRows


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a row, as the trainer sees it."""

    text: str
    trained: bool


@dataclass
class Preflight:
    """The rows of one file, ready to train, and what was found on the way.

    Conservation: rows_in = rows_used + len(rejects). `cut_trained` counts the trained tokens lost from
    rows over the limit. `left_out` rows say something the template does not render; in `control` rows a
    message spells a special token out. `added` is what the template itself writes into the trained text.
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
    added: str = ""
    trains_stop: bool = True
    shown_row: int = 0
    shown: list[Stretch] = field(default_factory=list)

    @property
    def rows_used(self) -> int:
        """Rows that are trained on."""
        return len(self.rows)

    @property
    def context(self) -> int:
        """Tokens that are read but not trained."""
        return self.tokens - self.trained


class _Reader:
    """Reads a file to rendered conversations, remembering the row each came from."""

    def __init__(self, data: DataConfig, path: str, recipe: Recipe, template: ChatTemplate, found: Preflight) -> None:
        self._source = read_examples(path, data.format, found.rejects.append)
        self._limit = math.inf if data.limit is None else data.limit
        self._recipe = recipe
        self._template = template
        self._found = found
        self.origin: list[Row] = []

    def __iter__(self) -> Iterator[Rendered]:
        for row, example in self._source:
            if row.number > self._limit:  # refused rows were skipped on the way here
                break
            self._found.formats = dict(self._source.formats)
            try:
                self._recipe.accept(example)
                rendered = self._template.render(example)
            except RowError as error:
                self._found.rejects.append(reject_row(self._found.path, row, error))
            else:
                self._found.left_out += rendered.left_out
                self._found.control += self._template.control_tokens_in(example)
                self._found.added = self._found.added or rendered.added
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


def _take(encoded: Encoded, row: Row, found: Preflight, max_length: int | None, too_long: str) -> None:
    """Add a row to those that are used, cut to `max_length` as the trainer would cut it, or reject it."""
    ids, labels = encoded.input_ids, encoded.labels
    found.longest = max(found.longest, len(ids))
    trained = encoded.trained
    if not trained:
        error = RowError("its trained text comes to no tokens", "/messages", "T201")
        found.rejects.append(reject_row(found.path, row, error))
        return
    if max_length is not None and len(ids) > max_length:
        found.over_length += 1
        ids, labels = ids[:max_length], labels[:max_length]
        kept = len(labels) - labels.count(IGNORED)
        if too_long == "reject" or not kept:
            length = len(encoded.input_ids)
            why = "" if too_long == "reject" else ", and what is left of it holds nothing to train"
            error = RowError(f"{length:,} tokens, over trl.max_length={max_length:,}{why}", "", "L301")
            found.rejects.append(reject_row(found.path, row, error))
            found.cut_trained += trained
            return
        found.cut_trained += trained - kept
        trained = kept
    found.rows.append(ids, labels)
    found.tokens += len(ids)
    found.trained += trained


def preflight(path: str, data: DataConfig, max_length: int | None, recipe: Recipe, template: ChatTemplate) -> Preflight:
    """Read, render and tokenise the rows of `path`.

    Raises:
        InputError: the file cannot be read, or no row of it can be trained on.
    """
    found = Preflight(path)
    reader = _Reader(data, path, recipe, template, found)
    for index, encoded in enumerate(template.encode(reader)):
        row = reader.origin[index]
        _take(encoded, row, found, max_length, data.too_long)
        if not found.shown and found.rows_used:
            ids, labels = next(iter(found.rows))
            found.shown_row, found.shown = row.number, _stretches(template.tokenizer, ids, labels)
            found.trains_stop = template.trains_the_stop(encoded.rendered)
    found.rejects.sort(key=lambda reject: reject.row)
    if not found.rows_used:
        first = found.rejects[0]
        raise InputError(
            f"{path}: none of its {found.rows_in:,} rows can be trained on by method={recipe.name}; "
            f"row {first.row}: {first.reason}"
        )
    if found.rows_in != found.rows_used + len(found.rejects):
        raise AssertionError(f"conservation broken: {found}")
    return found
