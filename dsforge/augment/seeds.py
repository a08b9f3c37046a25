"""Seed rows and the requests they give rise to; rows that give rise to none go to the rejects."""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol, TypeAlias

from msgspec.structs import replace

from dsforge.augment.balance import Quota, category_of, check_categories
from dsforge.augment.gate import standing_alone
from dsforge.augment.judging import HIGHEST, LOWEST
from dsforge.augment.method import FINDINGS, NUMBER, OTHERS, Ask, Method, get_method
from dsforge.augment.prompt import Prompt, prompt_path
from dsforge.augment.request import ChatMessage, Request
from dsforge.augment.turns import UNFIT, language_of
from dsforge.augment.wish import LANGUAGES, Wish
from dsforge.errors import RowError, UsageError
from dsforge.example import Example, Message
from dsforge.feature import Feature
from dsforge.formats.detect import detect_row
from dsforge.formats.format import Format, get_format
from dsforge.formats.read import ExampleReader
from dsforge.io.rejects import Reject
from dsforge.io.rows import Row

FAULTY = "A903"
"""The code of a reject that is no seed, as lint finds an error in it."""


class Found(NamedTuple):
    """What is wrong with a row, for a method that mends it: the code and the name of the rule, and what it says."""

    code: str
    name: str
    message: str


CheckSeed: TypeAlias = "Callable[[Row, Format, Example], str]"
"""Why a row is not fit to be a seed, "" where it is."""

Find: TypeAlias = "Callable[[Row, Format, Example], list[Found]]"
"""What is wrong with a seed."""


@dataclass(frozen=True)
class Seed:
    """A row that a method works on, and how many rows are to be made of it.

    `fmt` is the format that those are written in, `values` what prompts see of the row, `found` what is wrong with it.
    A row that stays `as_it_is` (for a reason) gives rise to none, and is written itself.
    """

    row: Row
    fmt: Format
    example: Example
    values: Mapping[str, object]
    count: int
    found: Sequence[Found] = ()
    as_it_is: str = ""


class Source(Protocol):
    """Where seeds come from: rows of a file (`ExampleReader`), passages of documents, examples in memory.

    `format` is that of all its rows, None where each tells its own.
    """

    path: str
    format: Format | None
    rejects: list[Reject]
    rows_in: int

    def __iter__(self) -> Iterator[tuple[Row, Example]]:
        """Each seed once."""
        ...


class SeedReader:
    """Iterates over the seeds of a file, or of what a function opens. Conservation: rows_in = seeds + rejects.

    Raises:
        UsageError, ConfigError, InputError: on construction, where an option, the prompt or the file is not fit.
    """

    def __init__(
        self,
        source: str | Callable[[], Source],
        wish: Wish,
        find: Find | None = None,
        check: CheckSeed | None = None,
        *,
        with_seeds: bool = False,
    ) -> None:
        if not wish.model.strip():
            raise UsageError("--model is empty: name a model of the server")
        self._wish = wish
        self.method: Method = get_method(wish.method)
        _check_options(wish, self.method, with_seeds)
        self._with_seeds = with_seeds
        self._find, self._check = find, check
        self.prompt = Prompt(wish.prompt or prompt_path(wish.method), self.method.names)
        self._others: dict[str, Prompt] = {}
        self._reask = Prompt(prompt_path("reask"), {"problem", "language"})
        self._out = get_format(wish.to_format) if wish.to_format else None
        if self._out is not None:
            _check_holds(self._out, self.method)
        self._open = partial(self._opened, source) if isinstance(source, str) else source
        self._reader: Source = self._open()
        self.path = self._reader.path
        self._wanted = wish.rows
        self._before: deque[str] = deque(maxlen=self.method.neighbours)
        self._quota = self._counted() if "by" in self.method.options else None

    def _opened(self, source: str) -> Source:
        if not self.method.of_documents:
            return ExampleReader(source, self._wish.format_name, strict=True)
        from dsforge.augment.documents import PassageReader

        return PassageReader(source)

    @property
    def rows_in(self) -> int:
        """Rows read so far."""
        return self._reader.rows_in

    @property
    def rejects(self) -> list[Reject]:
        """Rows that give rise to no request, so far."""
        return self._reader.rejects

    def __iter__(self) -> Iterator[Seed]:
        for row, example in self._reader:
            try:
                fmt = self._format_of(row)
                yield self._seed(row, fmt, example)
            except RowError as error:
                if self.method.in_place and error.code == UNFIT:
                    yield Seed(row, fmt, example, {}, 0, as_it_is=error.reason)
                    continue
                self.rejects.append(
                    Reject(self.path, row.number, row.line, error.code, error.reason, error.pointer, row.raw)
                )

    def texts_alone(self) -> Iterator[str]:
        """The texts of all seeds that stand alone (see `standing_alone`); none of a source that is read only once."""
        if self.method.of_documents or self.path == "-":
            return
        for _, example in self._open():
            with suppress(RowError):  # it cannot be a seed
                if text := standing_alone(self.method, example):
                    yield text

    def request(self, seed: Seed, number: int, ask: Ask) -> Request:
        """The request of a question about the making of row `number` (from 1) of a seed."""
        values = {**seed.values, **ask.values, NUMBER: number}
        return Request(
            model=self._wish.model,
            messages=ask.messages or self._prompt_of(ask).render(values),
            draw=number if ask.draw is None else ask.draw,
            temperature=self._wish.temperature,
            max_tokens=self._wish.max_tokens,
            schema=ask.schema if self._wish.json_schema else "",
        )

    def again(self, request: Request, answer: str, problem: str, seed: Seed) -> Request:
        """`request` once more, with the answer it got and what is wrong with it."""
        language = self._wish.to_language or language_of(self.method.text(seed.example))
        told = self._reask.render({"problem": problem, "language": language})
        return replace(request, messages=(*request.messages, ChatMessage("assistant", answer), *told))

    def _prompt_of(self, ask: Ask) -> Prompt:
        if not ask.prompt or ask.prompt == self.method.name:
            return self.prompt
        if ask.prompt not in self._others:
            self._others[ask.prompt] = Prompt(prompt_path(ask.prompt), get_method(ask.prompt).names)
        return self._others[ask.prompt]

    def _format_of(self, row: Row) -> Format:
        """The format that rows made of `row` are written in."""
        own = self._reader.format or detect_row(row.value)
        assert own is not None  # it was decoded
        fmt = self._out or own
        if self._out is None and self.method.writes and not self.method.needs <= own.holds:
            fmt = get_format(self.method.writes)
        if self._with_seeds and fmt is not own:
            raise UsageError(f"--with-seeds: the seeds are in {own.name}, the new rows in {fmt.name}: leave it out")
        return fmt

    def _values(self, fmt: Format, example: Example) -> Mapping[str, object]:
        """What the prompt sees of a seed; RowError where the row can be none."""
        if lacking := self.method.needs - fmt.holds:
            raise RowError(f"{fmt.name} cannot hold {min(lacking).value}", code=UNFIT)
        values = self.method.show(example)
        language = self._wish.to_language
        if language and language_of(self.method.text(example)) == language:
            raise RowError(f"the row is in the language wanted ({language}) already", code=UNFIT)
        return values

    def _counted(self) -> Quota:
        """How many rows each category is to get.

        Raises:
            UsageError: no row has a category, or the file can be read only once.
        """
        if self.path == "-":
            raise UsageError(f"{self.method.name} reads its seeds twice: give a file, not standard input")
        rows: Counter[str] = Counter()
        seeds: Counter[str] = Counter()
        for row, example in self._open():
            if not (category := category_of(self._wish.by, row, example)):
                continue
            rows[category] += 1
            try:
                self._values(self._format_of(row), example)
            except RowError:
                continue
            seeds[category] += 1
        check_categories(self._wish.by, rows)
        return Quota(rows, seeds, self._wish.rows)

    def _count(self, category: str) -> int:
        """How many rows the next seed gives rise to."""
        if self._quota is not None:
            return self._quota.take(category)
        return self._wish.per_row if self._wanted is None else min(self._wish.per_row, self._wanted)

    def _seed(self, row: Row, fmt: Format, example: Example) -> Seed:
        if not self.method.of_documents and not _is_unicode(row.raw):
            raise RowError("the row holds half a character (a lone surrogate), which no server takes", code="J011")
        if self._check and (reason := self._check(row, fmt, example)):
            raise RowError(reason, code=FAULTY)
        values = {**self._values(fmt, example), "to_language": self._wish.to_language, OTHERS: list(self._before)}
        values["rubric"] = self._wish.rubric
        category = ""
        if self._quota is not None:
            category = values["category"] = category_of(self._wish.by, row, example)
        found: list[Found] = []
        if FINDINGS in self.method.options:
            found = self._find(row, fmt, example) if self._find else []
            if not found:
                raise RowError("nothing is found in the row", code=UNFIT)
            values[FINDINGS] = found
        count = self._count(category)
        if self.method.in_place and not count:
            raise RowError("beyond the rows wanted", code=UNFIT)
        self._before.append(self.method.text(example))
        if self._wanted is not None:
            self._wanted -= count
        return Seed(row, fmt, example, values, count, found)


def _check_holds(fmt: Format, method: Method) -> None:
    """UsageError where a format holds no row of the kind that a method makes whatever its seeds are."""
    asked, answer = [Message("user", "q")], [Message("assistant", "a")]
    if Feature.PREFERENCE in method.needs:
        made = Example(asked, chosen=answer, rejected=[Message("assistant", "b")])
    elif method.new_prompt:
        made = Example([*asked, *answer])
    else:
        return
    try:
        fmt.written(made)
    except RowError as error:
        raise UsageError(f"--to {fmt.name} cannot hold what {method.name} makes: {error.reason}") from None


def _check_options(wish: Wish, method: Method, with_seeds: bool) -> None:
    for option in ("to_language", "by", "candidates"):
        if getattr(wish, option) and option not in method.options:
            raise UsageError(f"{_written(option)} is nothing that {method.name} takes: leave it out")
    if wish.candidates == 1:
        raise UsageError("--candidates 1: there is nothing to choose from; give 2 or more")
    if wish.rubric and wish.min_score is None and "rubric" not in method.options:
        raise UsageError(f"--rubric is nothing that {method.name} takes without --min-score: leave it out")
    if method.in_place and wish.to_format:
        raise UsageError(f"{method.name} changes rows in their place: leave out --to, and convert the output")
    _check_ranges(wish)
    if method.in_place and (wish.per_row != 1 or with_seeds or wish.min_score is not None):
        option = "--per-row" if wish.per_row != 1 else "--with-seeds" if with_seeds else "--min-score"
        raise UsageError(f"{method.name} changes rows in their place and makes no new ones: leave out {option}")
    if method.of_documents and (with_seeds or wish.format_name != "auto"):
        option = "--with-seeds" if with_seeds else "--format (--to names the format of the new rows)"
        raise UsageError(f"{method.name} makes rows of documents, which are no rows themselves: leave out {option}")
    if "to_language" in method.options and wish.to_language not in LANGUAGES:
        given = f"{wish.to_language!r} is no language that is known" if wish.to_language else "is missing"
        raise UsageError(f"{method.name}: --to-language {given}: give one of {', '.join(LANGUAGES)}")
    if "by" in method.options and wish.per_row != 1:
        raise UsageError(f"{method.name} computes the rows of each seed: leave out --per-row, and limit all by --rows")


def _check_ranges(wish: Wish) -> None:
    """What the command line takes no other values of, and a caller in Python may give."""
    for name, value, lowest, highest in (
        ("per_row", wish.per_row, 1, None), ("rows", wish.rows, 1, None), ("max_tokens", wish.max_tokens, 1, None),
        ("min_score", wish.min_score, LOWEST, HIGHEST), ("temperature", wish.temperature, 0, 2),
        ("candidates", wish.candidates, 0, None),
    ):  # fmt: skip
        if value is not None and not (value >= lowest and (highest is None or value <= highest)):
            limit = f"from {lowest} to {highest}" if highest is not None else f"{lowest} or more"
            raise UsageError(f"{_written(name)} {value}: give {limit}")


def _written(option: str) -> str:
    return "--" + option.replace("_", "-")


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _is_unicode(raw: bytes) -> bool:
    """Whether the texts of a row hold whole characters only."""
    if not _SURROGATE.search(raw):
        return True
    try:
        json.dumps(json.loads(raw), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
