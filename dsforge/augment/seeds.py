"""Seed rows and the requests they give rise to; rows that give rise to none go to the rejects."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from dsforge.augment.balance import Quota, check_categories
from dsforge.augment.method import NUMBER, OTHERS, Method, get_method
from dsforge.augment.prompt import Prompt, prompt_path
from dsforge.augment.request import ChatMessage, Request
from dsforge.augment.turns import UNFIT, language_of
from dsforge.errors import RowError, UsageError
from dsforge.example import Example, at_path
from dsforge.formats.detect import detect_row
from dsforge.formats.format import Format, get_format
from dsforge.formats.read import ExampleReader
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import Reject
from dsforge.io.rows import Row

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Wish:
    """What is wanted: `per_row` new rows from each seed, by `method` and `model`.

    `rows` limits the rows asked for in all, from the first seed on. `prompt` is a file in place of the method's own.
    None leaves a parameter to the server. `to_language` is "zh" or "en", for methods that translate; `by` is the field
    of a row that holds its category, for methods that bring categories to balance ("" is where formats have it).
    `strip_meta` leaves the provenance out of the rows. `json_schema` has the server keep answers in JSON to their form.
    """

    method: str
    model: str
    per_row: int = 1
    rows: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    prompt: str = ""
    format_name: str = "auto"
    to_language: str = ""
    by: str = ""
    strip_meta: bool = False
    json_schema: bool = False


@dataclass(frozen=True)
class Seed:
    """A row that a method can work on, the format it is in, and the requests it gives rise to."""

    row: Row
    fmt: Format
    example: Example
    requests: list[Request]


class SeedReader:
    """Iterates over the seeds of a file. Conservation: rows_in = seeds + rejects.

    Raises:
        UsageError, ConfigError, InputError: on construction, where an option, the prompt or the file is not fit.
    """

    def __init__(self, source: str, wish: Wish) -> None:
        if not wish.model.strip():
            raise UsageError("--model is empty: name a model of the server")
        self._wish = wish
        self.method: Method = get_method(wish.method)
        _check_options(wish, self.method)
        self.prompt = Prompt(wish.prompt or prompt_path(wish.method), self.method.names)
        self._reask = Prompt(prompt_path("reask"), {"problem", "language"})
        self._format = None if wish.format_name == "auto" else get_format(wish.format_name)
        self._reader = ExampleReader(source, wish.format_name, strict=True)
        self.path = self._reader.path
        self._wanted = wish.rows
        self._before: deque[str] = deque(maxlen=self.method.neighbours)
        self._quota = self._counted(source) if "by" in self.method.options else None

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
            fmt = self._format_of(row)
            try:
                seed = Seed(row, fmt, example, self._requests(row, fmt, example))
            except RowError as error:
                self.rejects.append(
                    Reject(self.path, row.number, row.line, error.code, error.reason, error.pointer, row.raw)
                )
                continue
            yield seed

    def again(self, request: Request, answer: str, problem: str, example: Example) -> Request:
        """`request` once more, with the answer it got and what is wrong with it."""
        language = self._wish.to_language or language_of(self.method.text(example))
        told = self._reask.render({"problem": problem, "language": language})
        return replace(request, messages=(*request.messages, ChatMessage("assistant", answer), *told))

    def _format_of(self, row: Row) -> Format:
        fmt = self._format or detect_row(row.value)
        assert fmt is not None  # it was decoded
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

    def _category(self, row: Row, example: Example) -> str:
        """What the row says its category is, "" where it does not."""
        names = (self._wish.by or "meta.category").split(".")
        value = at_path(row.value, names)
        if value is None:  # where a format keeps it elsewhere than under meta
            value = at_path({"meta": example.meta}, names)
        return value if isinstance(value, str) else "" if value is None else dumps(value).decode()

    def _counted(self, source: str) -> Quota:
        """How many rows each category is to get.

        Raises:
            UsageError: no row has a category, or the file can be read only once.
        """
        if source == "-":
            raise UsageError(f"{self.method.name} reads its seeds twice: give a file, not standard input")
        rows: Counter[str] = Counter()
        seeds: Counter[str] = Counter()
        for row, example in ExampleReader(source, self._wish.format_name, strict=True):
            if not (category := self._category(row, example)):
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

    def _requests(self, row: Row, fmt: Format, example: Example) -> list[Request]:
        values = {**self._values(fmt, example), "to_language": self._wish.to_language, OTHERS: list(self._before)}
        category = ""
        if self._quota is not None:
            category = values["category"] = self._category(row, example)
        count = self._count(category)
        requests = [
            Request(
                model=self._wish.model,
                messages=self.prompt.render({**values, NUMBER: number}),
                draw=number,
                temperature=self._wish.temperature,
                max_tokens=self._wish.max_tokens,
                schema=self.method.schema if self._wish.json_schema else "",
            )
            for number in range(1, count + 1)
        ]
        if any(not _is_unicode(message.content) for request in requests for message in request.messages):
            raise RowError("the row holds half a character (a lone surrogate), which no server takes", code="J011")
        self._before.append(self.method.text(example))
        if self._wanted is not None:
            self._wanted -= count
        return requests


def _check_options(wish: Wish, method: Method) -> None:
    for option in ("to_language", "by"):
        if getattr(wish, option) and option not in method.options:
            raise UsageError(f"{_written(option)} is nothing that {method.name} takes: leave it out")
    if wish.json_schema and not method.schema:
        raise UsageError(f"--json-schema: {method.name} asks for plain text: leave it out")
    if "to_language" in method.options and wish.to_language not in LANGUAGES:
        given = f"{wish.to_language!r} is no language that is known" if wish.to_language else "is missing"
        raise UsageError(f"{method.name}: --to-language {given}: give one of {', '.join(LANGUAGES)}")
    if "by" in method.options and wish.per_row != 1:
        raise UsageError(f"{method.name} computes the rows of each seed: leave out --per-row, and limit all by --rows")


def _written(option: str) -> str:
    return "--" + option.replace("_", "-")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
