"""One attempt at one request, through openai's async client; what went wrong is told apart by what to do next."""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from dsforge.augment.request import Answer, Request
from dsforge.augment.server import Server
from dsforge.errors import ServiceError
from dsforge.extras import require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import openai

T = TypeVar("T")

CONNECT_SECONDS = 10.0
AGAIN = frozenset({408, 409, 425, 429})
"""A request that was refused so may be taken later, as after any 5xx."""
LATE = frozenset({408, 504, 524})
"""A gateway gave up waiting; the model behind it may have answered."""
_NEVER = {
    401: "the server refuses the key",
    402: "the server wants to be paid first",
    403: "the server does not allow this key to do it",
    404: "there is no such model or no such address (does the base URL lack /v1?)",
    405: "the address answers no chat requests (does the base URL lack /v1?)",
}
_NEW_LIMIT = "max_completion_tokens"
"""What OpenAI's reasoning models want in place of max_tokens, and say so; other servers know the old name only."""
_UNFIT = (400, 422)
_OF_SCHEMAS = ("response_format", "json_schema", "guided", "structured output")
"""What servers that keep no answer to a JSON Schema say of it; the prompt asks for the form in words anyway."""
_OUT_OF_MONEY = ("insufficient_quota", "billing_hard_limit")
_LONGEST_SAID = 200


_NOT_REACHED = frozenset({
    "ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError",  # of httpx
    "ClientConnectorError", "ClientConnectorDNSError", "ClientConnectorSSLError", "ClientConnectorCertificateError",
    "ClientProxyConnectionError", "ClientHttpProxyError", "ConnectionTimeoutError",  # of aiohttp
})  # fmt: skip
"""The errors after which the server has surely not seen the request: it costs nothing."""


class TryAgain(Exception):
    """The same request may succeed later.

    `wait` is what the server asks for, in seconds. `paid` says that an answer may have been made and charged for,
    though none came.
    """

    def __init__(self, reason: str, wait: float | None = None, *, reached: bool = True, paid: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.wait, self.reached, self.paid = reason, wait, reached, paid


class Refused(Exception):
    """The server will not answer this request, however often it is asked; another one it may."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class Client:
    """Asks a server. Use it within one event loop and close it there.

    `longest_answer` (tokens) is sent with requests that do not limit their answer; None sends no limit. `heard` is
    given the headers of every response.

    Raises:
        MissingExtraError: on construction, where openai is not installed.
    """

    def __init__(
        self,
        server: Server,
        timeout: float,
        longest_answer: int | None = None,
        heard: Callable[[Mapping[str, str]], None] = lambda headers: None,
    ) -> None:
        self.server = server
        self._heard = heard
        self._limit = "max_tokens"
        self._takes_schemas = True
        self._longest_answer = longest_answer
        self._timeout = timeout
        self._openai: Any = require("openai", "augment", "asking a language model")
        self.api: openai.AsyncOpenAI = self._openai.AsyncOpenAI(
            api_key=server.key,
            base_url=server.url,
            max_retries=0,  # ours are counted, wait together, and end when the run is interrupted
            timeout=self._openai.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
            http_client=self._connections(),
        )

    def _connections(self) -> Any:
        """Connections that tell `heard` of every response: by aiohttp, a third of the time of the default ones."""
        hooks = {"response": [self._hear]}
        try:
            return self._openai.DefaultAioHttpClient(event_hooks=hooks)
        except RuntimeError:  # openai without its extra of that name
            return self._openai.DefaultAsyncHttpxClient(event_hooks=hooks)

    async def _hear(self, response: Any) -> None:
        self._heard(response.headers)

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()

    async def ask(self, request: Request) -> Answer:
        """The answer to one attempt.

        Raises:
            TryAgain: overload, a fault of the server, a time-out, a broken connection, an answer that is none.
            Refused: the server does not take this request.
            ServiceError: it takes none at all (wrong key, no such model, no money left).
        """
        return await self.attempt(self._send(request), f"model {request.model}")

    async def attempt(
        self, sent: Awaitable[T], about: str, seconds: float | None = None, meanings: Mapping[int, str] = _NEVER
    ) -> T:
        """What one call of `api` gives, within `seconds` (else the client's time-out); its errors told apart.

        `about` and `meanings` (of the statuses after which no call will do) are for the message of a ServiceError.

        Raises:
            TryAgain, Refused, ServiceError: as `ask`.
        """
        seconds = seconds or self._timeout
        try:
            return await asyncio.wait_for(sent, seconds)
        except asyncio.TimeoutError:  # an answer that drips in passes every time-out between two reads
            raise TryAgain(f"no answer within {seconds:g} s", paid=True) from None
        except self._openai.APIConnectionError as error:
            raise self._broken(error) from None
        except self._openai.APIStatusError as error:
            raise self._judged(error, about, meanings) from None

    def body(self, request: Request) -> dict[str, Any]:
        """The body that `request` is sent with; what is not said of it is left out."""
        longest = self._longest_answer if request.max_tokens is None else request.max_tokens
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "temperature": request.temperature,
            self._limit: longest,
        }
        if request.schema and self._takes_schemas:
            schema = {"name": "answer", "strict": True, "schema": orjson.loads(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return {name: value for name, value in body.items() if value is not None}

    def adapts(self, status: int, told: str, sent: bytes) -> bool:
        """Whether an error says that the server wants the limit of answers by its new name, or takes no schema of
        answers, where `sent` has what it does not take: from now on requests are as it wants them."""
        if status not in _UNFIT:
            return False
        if _NEW_LIMIT in told and b'"max_tokens"' in sent:
            self._limit = _NEW_LIMIT
            return True
        if b'"response_format"' in sent and any(word in told for word in _OF_SCHEMAS):
            self._takes_schemas = False
            return True
        return False

    async def _send(self, request: Request) -> Answer:
        # not by chat.completions.create: it looks through each message for what it could convert, and finds nothing
        return read_answer(await self.api.post("/chat/completions", body=self.body(request), cast_to=bytes))

    def _broken(self, error: Exception) -> TryAgain:
        """A request that came to no response: whether the server saw it is told by what the connections raised."""
        cause = _first_cause(error)
        name = type(cause).__name__
        reached = name not in _NOT_REACHED
        told = "" if "Timeout" in name else self.short(str(cause) or name)
        reason = f"the connection broke: {told}" if told else f"no answer within {self._timeout:g} s"
        return TryAgain(reason, reached=reached, paid=reached)

    def _judged(self, error: openai.APIStatusError, about: str, meanings: Mapping[int, str]) -> Exception:
        status = error.status_code
        reason = self.reason(status, error.response.content)
        told = error.response.text
        if self.adapts(status, told, _sent(error.request)):
            return TryAgain(reason, 0.0)
        if status in meanings or any(word in told for word in _OUT_OF_MONEY):
            meaning = meanings.get(status, "the money of this key is spent")
            return ServiceError(f"{self.server.url} ({about}): {meaning}; it said {reason}")
        if status in AGAIN or status >= 500:
            return TryAgain(reason, retry_after(error.response.headers), paid=status in LATE)
        return Refused(reason, status)

    def reason(self, status: int, body: bytes) -> str:
        """An error in one line: its status and what its body says, without the key."""
        told = self.short(said(body))
        return f"{status}: {told}" if told else str(status)

    def short(self, text: str) -> str:
        """`text` on one line of bounded length, without the key."""
        text = " ".join(self.server.without_key(text).split())
        return text if len(text) <= _LONGEST_SAID else text[:_LONGEST_SAID] + "..."


def _sent(request: Any) -> bytes:
    """The body of a request, b"" for a file that was streamed."""
    try:
        return bytes(request.content)
    except RuntimeError:  # httpx: RequestNotRead
        return b""


def _first_cause(error: BaseException) -> BaseException:
    """What aiohttp raised (openai's transport calls a broken connection a time-out of connecting), else httpx."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    from_aiohttp = (each for each in chain if type(each).__module__.startswith("aiohttp"))
    return next(from_aiohttp, chain[min(1, len(chain) - 1)])


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            return max(0.0, float(headers.get(name, "")) / unit)
        except ValueError:
            continue
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def said(body: bytes) -> str:
    """What an error's body says: the message in it, else its text where that is no web page."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body.decode(errors="replace").strip()
        return "" if text.startswith("<") else text
    for name in ("error", "message", "detail"):
        if isinstance(value, dict) and value.get(name):
            value = value[name]
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def read_answer(body: bytes) -> Answer:
    """The answer in a response's body; TryAgain where there is none in it."""
    try:
        value: Any = orjson.loads(body)
        choice = value["choices"][0]
        text = choice["message"].get("content") or ""
    except orjson.JSONDecodeError:
        raise TryAgain("the answer is not JSON", paid=True) from None
    except (KeyError, IndexError, TypeError, AttributeError):
        raise TryAgain("the answer holds no message", paid=True) from None
    if not isinstance(text, str):
        raise TryAgain("the answer's message is no text", paid=True)
    prompt_tokens, completion_tokens = _tokens(value.get("usage"))
    return Answer(
        text=text,
        finish=str(choice.get("finish_reason") or ""),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        id=str(value.get("id") or ""),
        created=_created(value.get("created")),
    )


def _tokens(usage: object) -> tuple[int, int]:
    """The tokens of prompt and completion, both 0 where one of them is not told: half a count is none to pay by."""
    counts = [usage.get(name) if isinstance(usage, dict) else None for name in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (count if isinstance(count, int) and count >= 0 else -1 for count in counts)
    return (prompt, completion) if prompt > 0 and completion >= 0 else (0, 0)


_YEAR_2100 = 4102444800


def _created(told: object) -> float:
    """When the answer was made by the server's own account, in seconds since 1970; by our clock where it gives none."""
    if isinstance(told, (int, float)) and not isinstance(told, bool) and 0 < told < _YEAR_2100:
        return float(told)
    return round(time.time(), 3)
