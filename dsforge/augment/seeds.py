"""Seed rows and the requests they give rise to; rows that give rise to none go to the rejects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dsforge.augment.method import NUMBER, Method, get_method
from dsforge.augment.prompt import Prompt, prompt_path
from dsforge.augment.request import Request
from dsforge.errors import RowError, UsageError
from dsforge.example import Example
from dsforge.formats.detect import detect_row
from dsforge.formats.format import Format, get_format
from dsforge.formats.read import ExampleReader
from dsforge.io.rejects import Reject
from dsforge.io.rows import Row


@dataclass(frozen=True)
class Wish:
    """What is wanted: `per_row` new rows from each seed, by `method` and `model`.

    `rows` limits the rows asked for in all, from the first seed on. `prompt` is a file in place of the method's own.
    None leaves a parameter to the server.
    """

    method: str
    model: str
    per_row: int = 1
    rows: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    prompt: str = ""
    format_name: str = "auto"


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
        self.prompt = Prompt(wish.prompt or prompt_path(wish.method), {*self.method.variables, NUMBER})
        self._format = None if wish.format_name == "auto" else get_format(wish.format_name)
        self._reader = ExampleReader(source, wish.format_name, strict=True)
        self.path = self._reader.path
        self._wanted = wish.rows

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
            fmt = self._format or detect_row(row.value)
            assert fmt is not None  # it was decoded
            try:
                seed = Seed(row, fmt, example, self._requests(example))
            except RowError as error:
                self.rejects.append(
                    Reject(self.path, row.number, row.line, error.code, error.reason, error.pointer, row.raw)
                )
                continue
            yield seed

    def _requests(self, example: Example) -> list[Request]:
        values = self.method.show(example)
        count = self._wish.per_row if self._wanted is None else min(self._wish.per_row, self._wanted)
        requests = [
            Request(
                model=self._wish.model,
                messages=self.prompt.render({**values, NUMBER: number}),
                draw=number,
                temperature=self._wish.temperature,
                max_tokens=self._wish.max_tokens,
            )
            for number in range(1, count + 1)
        ]
        if any(not _is_unicode(message.content) for request in requests for message in request.messages):
            raise RowError("the row holds half a character (a lone surrogate), which no server takes", code="J011")
        if self._wanted is not None:
            self._wanted -= count
        return requests


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
