"""The Batch API over HTTP, in OpenAI's form and in Zhipu's: a file of requests goes up, one of answers comes down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import orjson

from dsforge.augment.client import AGAIN, LATE, Client, Refused, TryAgain, read_answer, said
from dsforge.augment.prices import Funds, Prices
from dsforge.augment.request import Answer
from dsforge.errors import ServiceError
from dsforge.targets.load import all_facts, load_fact
from dsforge.targets.profile import BatchService

T = TypeVar("T")

MARK = "dsforge"
"""The entry of a batch's metadata that holds the name we gave it."""
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
"""The states of a batch to which nothing more happens; every other one is taken for going on."""
_FILE_SECONDS = 3600.0
"""Seconds that a file may take to go up or come down: some hundred MB on a slow line."""
_PAGE = 100
_MEANINGS = {
    401: "the server refuses the key",
    402: "the server wants to be paid first",
    403: "the server does not allow this key to do it",
}
_MISSING = {
    404: "there is no such thing (has the server no Batch API, does the base URL lack /v1, or is it too long ago?)",
    405: "the address takes no batches",
}


def batch_service(url: str) -> BatchService:
    """The Batch API of the server at the base URL `url`, by its host."""
    host = urlsplit(url).hostname or ""
    for service in all_facts(BatchService):
        if any(host == known or host.endswith(f".{known}") for known in service.hosts):
            return service
    return load_fact("compatible", BatchService)


def batch_funds(funds: Funds, service: BatchService) -> Funds:
    """`funds` with the prices of live requests turned into those of a batch."""
    live, share = funds.prices, service.price_share
    if live is None or share == 1:
        return funds
    why = f"{service.source}, {service.as_of}"

    def cost(prompt_tokens: int, completion_tokens: int) -> Decimal:
        return live.cost(prompt_tokens, completion_tokens) * share

    return Funds(Prices(cost, live.currency, f"{live.source}; times {share} in a batch ({why})"), funds.cap)


_MAY_HAVE_BEEN_SENT = b'"max_tokens" "response_format"'
"""The parameters that a line may have had which a server may not take; it does not repeat the line."""


class Batch(msgspec.Struct):
    """What the server says of a batch. A file's id is None or "" where there is no such file (yet)."""

    id: str
    status: str = ""
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    metadata: Any = None
    request_counts: Any = None
    errors: Any = None

    @property
    def mark(self) -> str:
        """The name that we gave it, "" where the server kept none."""
        return str(self.metadata.get(MARK, "")) if isinstance(self.metadata, dict) else ""

    @property
    def done(self) -> int:
        """Requests that are answered, by the server's count."""
        count = self.request_counts.get("completed") if isinstance(self.request_counts, dict) else None
        return count if isinstance(count, int) else 0


class _Page(msgspec.Struct):
    data: list[Batch]
    has_more: bool = False


class _File(msgspec.Struct):
    id: str


class Missing(ServiceError):
    """The server does not know the batch, the file or the address."""


class BatchApi:
    """One attempt at each call that a batch needs. Use it within one event loop; `client` is closed by its owner.

    Every call raises:
        TryAgain: the same call may succeed later.
        Missing: the server does not know what was asked for.
        ServiceError: the server does not take it (wrong key, no money left, a file it finds fault with).
    """

    def __init__(self, client: Client, service: BatchService) -> None:
        self.client, self.service = client, service

    async def upload(self, name: str, lines: Sequence[bytes]) -> str:
        """The id of a new file of requests."""
        file = (name, b"\n".join(lines) + b"\n")
        files = self.client.api.files.with_raw_response
        return (await self._call(files.create(file=file, purpose="batch"), _File, name, _FILE_SECONDS)).id

    async def create(self, file: str, mark: str) -> str:
        """The id of a new batch of the requests in `file`."""
        endpoint: Any = self.service.endpoint
        call = self.client.api.batches.with_raw_response.create(
            input_file_id=file, endpoint=endpoint, completion_window="24h", metadata={MARK: mark}
        )
        return (await self._call(call, Batch, f"a batch of {file}")).id

    async def batch(self, number: str) -> Batch:
        """How it stands with the batch of the id `number`."""
        batch = await self._call(self.client.api.batches.with_raw_response.retrieve(number), Batch, f"batch {number}")
        batch.status = batch.status.lower()
        if batch.status == "completed" and batch.done and not batch.output_file_id:  # it comes a moment later
            raise TryAgain(f"batch {number} is completed, and its file of answers is not there yet")
        return batch

    async def find(self, file: str, mark: str) -> str:
        """The id of the batch of `file`, or with `mark` in its metadata; "" where the server lists no such batch."""
        after: dict[str, Any] = {}
        while True:
            call = self.client.api.batches.with_raw_response.list(limit=_PAGE, **after)
            page = await self._call(call, _Page, "its list of batches")
            for batch in page.data:
                if batch.input_file_id == file or batch.mark == mark:
                    return batch.id
            if not page.has_more or not page.data or after.get("after") == page.data[-1].id:
                return ""
            after = {"after": page.data[-1].id}

    async def content(self, file: str) -> bytes:
        """The bytes of a file of answers or errors."""
        call = self.client.api.files.with_raw_response.content(file)
        content = await self._attempt(call, lambda raw: bytes(raw.http_response.content), f"file {file}", _FILE_SECONDS)
        if content.lstrip().startswith(b"<"):  # a gateway's page: taken for the file, all answers were lost
            raise TryAgain(f"the file {file} comes as a web page")
        return content

    async def _call(self, call: Awaitable[Any], shape: type[T], about: str, seconds: float | None = None) -> T:
        return await self._attempt(call, lambda raw: self._read(raw.http_response.content, shape), about, seconds)

    async def _attempt(
        self, call: Awaitable[Any], read: Callable[[Any], T], about: str, seconds: float | None = None
    ) -> T:
        try:
            return read(await self.client.attempt(call, about, seconds, _MEANINGS))
        except Refused as error:
            told = f"{self.client.server.url} ({about}): "
            if error.status in _MISSING:
                raise Missing(f"{told}{_MISSING[error.status]}; it said {error}") from None
            raise ServiceError(f"{told}the server refuses it; it said {error}") from None

    def _read(self, body: bytes, shape: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=shape)
        except msgspec.DecodeError:
            told = self.client.short(said(body))
        if b'"error"' in body:  # Zhipu tells some errors with status 200
            raise ServiceError(f"{self.client.server.url}: the server refuses it; it said {told}")
        raise TryAgain(f"the server's answer is no {shape.__name__.strip('_').lower()}: {told}")


@dataclass(frozen=True)
class Trouble:
    """A request of a batch brought no answer. `final`: it never will. `paid`: it may cost something all the same."""

    reason: str
    final: bool = False
    paid: bool = False


def line_of(key: bytes, body: dict[str, Any], service: BatchService) -> bytes:
    """The line of a file of requests; its custom_id is the key in hexadecimal."""
    return orjson.dumps({"custom_id": key.hex(), "method": "POST", "url": service.endpoint, "body": body})


def results(content: bytes, client: Client) -> Iterator[tuple[bytes, Answer | Trouble]]:
    """The keys and what became of them, of a file of answers or of errors; the key of an unreadable line is b""."""
    for raw in filter(bytes.strip, content.splitlines()):
        try:
            line: Any = orjson.loads(raw)
            key = bytes.fromhex(line["custom_id"])
        except (ValueError, TypeError, KeyError):
            yield b"", Trouble("the line cannot be read", paid=True)
            continue
        yield key, _result(line, client)


def _result(line: dict[str, Any], client: Client) -> Answer | Trouble:
    response = line.get("response")
    if not isinstance(response, dict):
        response = {}
    status, body = response.get("status_code"), response.get("body")
    if status == 200:
        try:
            return read_answer(orjson.dumps(body))
        except TryAgain as trouble:
            return Trouble(trouble.reason, paid=True)
    if not isinstance(status, int):  # it was not asked: the batch expired, or was cancelled
        return Trouble(client.short(told_of(line.get("error") or body)))
    told = orjson.dumps(body or line.get("error"))
    again = status in AGAIN or status >= 500 or client.adapts(status, told.decode(), _MAY_HAVE_BEEN_SENT)
    return Trouble(client.reason(status, told), final=not again, paid=status in LATE)


def told_of(errors: Any) -> str:
    """The first message in what a server says went wrong."""
    if isinstance(errors, dict) and isinstance(errors.get("data"), list) and errors["data"]:
        first = errors["data"][0]
        line = f"line {first['line']}: " if isinstance(first, dict) and first.get("line") else ""
        return line + told_of(first)
    return said(orjson.dumps(errors)) if errors else "no reason"
