"""Whole commands as functions over examples in memory, where they take more than one feature together."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from dsforge.augment.method import FINDINGS, get_method
from dsforge.augment.prices import Funds, find_funds
from dsforge.augment.result import AugmentResult
from dsforge.augment.run import Asking, Job, made
from dsforge.augment.seeds import Source
from dsforge.augment.server import Server, find_server
from dsforge.augment.wish import Wish
from dsforge.errors import RowError, UsageError
from dsforge.example import JSON, Example
from dsforge.extras import require
from dsforge.feature import Feature
from dsforge.formats.format import Format, get_format
from dsforge.formats.read import decode_row
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import Reject
from dsforge.io.rows import Row
from dsforge.lint_gate import LintGate
from dsforge.money import parse_money

if TYPE_CHECKING:
    import openai

IN_MEMORY = "examples"
"""What stands in place of a path where examples come from memory."""

_RECORD = Format(
    name="example",
    summary="an Example as it is in memory",
    example="{}",
    holds=frozenset(Feature),
    keys=frozenset(),
    detect=lambda row: 0,
    decode=lambda row: msgspec.convert(row, Example),
    encode=msgspec.to_builtins,
)


@dataclass(frozen=True)
class Augmented:
    """New examples in the order of their seeds (where the method changes rows in their place: all of them), what makes
    no row and why, and the counts."""

    examples: list[Example]
    rejects: list[Reject]
    result: AugmentResult


def augment(
    examples: Iterable[Example | Mapping[str, JSON]] | str | Path,
    *,
    method: str,
    model: str = "",
    client: openai.OpenAI | openai.AsyncOpenAI | str | None = None,
    budget: str = "",
    price_in: str = "",
    price_out: str = "",
    concurrency: int = 8,
    journal: str | Path | None = None,
    lint: bool = True,
    select: Sequence[str] = (),
    asking: Asking | None = None,
    **wish: Any,
) -> Augmented:
    """Let a larger model write more examples: `dsforge augment` as a function.

    `examples` are examples, rows of any format (as dicts), or a path: a file of rows, or documents for the method
    `document`. `client` is a client of openai, whose address and key are taken, an address, or None: both are then in
    the environment. Without `model` the server must have just one. `wish` are the further fields of `Wish`: per_row,
    rows, temperature, max_tokens, by, to_language, min_score, ...; `select` the lint rules that `repair` mends.
    Answers are kept in `journal`: with the same one a later call pays for nothing twice; None keeps them for this call
    only. Money is written as 5USD; prices are those of 1,000,000 tokens. `lint` drops rows with errors. `asking`
    says all of how the server is asked, in place of `concurrency` and money.

    Raises:
        UsageError, ConfigError, InputError, OutputError, MissingExtraError: before anything is asked.
        ServiceError: the server cannot be reached, or refuses all requests.
    """
    chosen = get_method(method)
    server = _server_of(client)
    wanted = Wish(method, model or _only_model(server), **wish)
    funds = _funds(budget, price_in, price_out, wanted.model, server.url) if asking is None else Funds()
    gate = LintGate(mends=FINDINGS in chosen.options, select=select)
    source: str | Callable[[], Source]
    if isinstance(examples, (str, Path)):
        source = str(examples)
    else:
        rows = list(examples)
        if strange := [each for each in rows if not isinstance(each, (Example, Mapping))]:
            raise UsageError(f"examples are Examples or rows as dicts, not {type(strange[0]).__name__}")
        source = lambda: _Examples(rows)  # noqa: E731
    job = Job(source, wanted, find=gate.find)
    if lint:
        job = replace(job, check=gate, check_seed=None if chosen.takes_faulty else gate.check_seed)
    how = asking or Asking(concurrency=concurrency, funds=funds)

    def run() -> Augmented:
        with tempfile.TemporaryDirectory(prefix="dsforge-augment-") as folder:
            where = Path(journal) if journal else Path(folder) / "journal.sqlite"
            with made(job, server, where, how) as done:
                values = [orjson.loads(done.rows[number]) for number in range(len(done.rows))]
                decode = _decoder(source, wanted)
                return Augmented(
                    [decode(value)[1] for value in values], [*done.seeds.rejects, *done.refused], done.result
                )  # fmt: skip

    return _beside_the_loop(run)


def _funds(budget: str, price_in: str, price_out: str, model: str, url: str) -> Funds:
    return find_funds(
        parse_money("budget", budget, "5USD") if budget else None,
        parse_money("price_in", price_in, "0.15USD", zero=True) if price_in else None,
        parse_money("price_out", price_out, "0.60USD", zero=True) if price_out else None,
        model,
        url,
    )


def _beside_the_loop(run: Callable[[], Augmented]) -> Augmented:
    """Run it here, or in a thread where an event loop runs here already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


def _decoder(source: object, wish: Wish) -> Callable[[JSON], tuple[Format, Example]]:
    """How the rows that were made are read again."""
    if wish.to_format:
        return partial(decode_row, fmt=get_format(wish.to_format))
    return decode_row if isinstance(source, str) else partial(decode_row, fmt=_RECORD)


def _server_of(client: openai.OpenAI | openai.AsyncOpenAI | str | None) -> Server:
    if client is None or isinstance(client, str):
        return find_server(client or "")
    return Server(str(client.base_url).rstrip("/"), client.api_key)


def _only_model(server: Server) -> str:
    """The one model that a server has.

    Raises:
        UsageError: it has none or several, or does not tell.
    """
    module: Any = require("openai", "augment", "asking a language model")
    with module.OpenAI(base_url=server.url, api_key=server.key, max_retries=0, timeout=10.0) as client:
        try:
            names = [model.id for model in client.models.list()]
        except module.OpenAIError as error:
            raise UsageError(
                f'name a model (model="..."): {server.url} tells of none ({server.without_key(str(error))})'
            ) from error
    if len(names) != 1:
        some = f": {', '.join(sorted(names)[:10])}" if names else ""
        raise UsageError(f'name a model (model="..."): {server.url} has {len(names)}{some}')
    return str(names[0])


class _Examples:
    """Iterates over `(row, example)` of examples, or rows of any format, in memory."""

    def __init__(self, rows: Sequence[Example | Mapping[str, JSON]]) -> None:
        self.path = IN_MEMORY
        self.format: Format | None = _RECORD
        self.rejects: list[Reject] = []
        self.rows_in = 0
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Row, Example]]:
        for each in self._rows:
            self.rows_in += 1
            number = self.rows_in
            try:
                example = each if isinstance(each, Example) else decode_row(dict(each))[1]
                value = msgspec.to_builtins(example)
                raw = dumps(value)
            except RowError as error:
                self.rejects.append(
                    Reject(
                        self.path,
                        number,
                        number,
                        error.code,
                        error.reason,
                        error.pointer,
                        repr(each).encode(errors="replace"),
                    )
                )
                continue
            except UnicodeEncodeError:
                reason = "it holds half a character (a lone surrogate)"
                raw = repr(each).encode(errors="replace")
                self.rejects.append(Reject(self.path, number, number, "J011", reason, "", raw))
                continue
            yield Row(number, number, 0, raw, value), example
