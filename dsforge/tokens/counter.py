"""Counts tokens by the tokenizer that is named, or says plainly that it approximates.

Text from rows is never read as special tokens: `<|im_end|>` in a row is counted as the letters it is
written with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsforge.errors import InputError, MissingExtraError, UsageError, did_you_mean
from dsforge.extras import require
from dsforge.tokens.approximate import ERROR, approximate_counts
from dsforge.tokens.fast import from_file, from_tiktoken, hastened
from dsforge.tokens.sequences import has_template

if TYPE_CHECKING:
    import tiktoken

APPROXIMATE = "approximate"
QWEN = "qwen"
DEFAULT = "o200k_base"

DOWNLOAD_SECONDS = 6.0
"""How long a tiktoken encoding that is not in its cache may take to come."""


@dataclass(frozen=True)
class Counter:
    """A way to count tokens.

    `name` makes the same counter again through `get_counter`. `model` is the folder of a model with a chat template,
    "" where there is none. `exact` says that the counts are those of
    the named tokenizer; otherwise `error` is the stated relative error of a dataset's total. `note`
    is what a person must know of it, "" where there is nothing.
    """

    name: str
    exact: bool
    encode_lengths: Callable[[Sequence[str]], list[int]]
    error: float = 0.0
    note: str = ""
    model: str = ""

    def count(self, text: str) -> int:
        """The tokens of one text."""
        return self.encode_lengths([text])[0] if text else 0

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text; one that occurs more than once is counted once."""
        distinct = list(dict.fromkeys(texts))
        if len(distinct) == len(texts):
            return self.encode_lengths(texts)
        known = dict(zip(distinct, self.encode_lengths(distinct), strict=True))
        return [known[text] for text in texts]


def _approximate(reason: str = "") -> Counter:
    note = f"approximation by words and characters, within {ERROR:.0%} of o200k_base on public datasets"
    return Counter(APPROXIMATE, False, approximate_counts, ERROR, f"{reason}; {note}" if reason else note)


def _load_encoding(name: str) -> tiktoken.Encoding | str:
    """A tiktoken encoding, or the reason why it could not be had.

    tiktoken downloads what is not in its cache, and waits without end. So it is asked in a thread that
    is left behind when the time is over.
    """
    import tiktoken

    answer: list[tiktoken.Encoding | str] = []

    def load() -> None:
        try:
            answer.append(tiktoken.get_encoding(name))
        except Exception as error:  # noqa: BLE001 - whatever the network or the cache does, we count on
            answer.append(f"could not be downloaded ({type(error).__name__})")

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(DOWNLOAD_SECONDS)
    return answer[0] if answer else f"did not come within {DOWNLOAD_SECONDS:.0f} s"


def _from_tiktoken(name: str, encoding_name: str) -> Counter:
    encoding = _load_encoding(encoding_name)
    if isinstance(encoding, str):
        return _approximate(
            f"the encoding {encoding_name} is not in tiktoken's cache (TIKTOKEN_CACHE_DIR) and {encoding}"
        )
    encode = encoding.encode_ordinary  # in one thread: tiktoken's own batches take twice the time on short texts
    lengths = hastened(lambda texts: [len(encode(text)) for text in texts], partial(from_tiktoken, encoding))
    return Counter(name, True, lengths)


def _from_file(path: Path) -> Counter:
    file = path / "tokenizer.json" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"{path} holds no tokenizer.json: name the file, or the folder of a model")
    tokenizers = require("tokenizers", "train", f"the tokenizer {file}")
    try:
        tokenizer: Any = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain Exception
        raise InputError(f"{file} is no tokenizer: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # special tokens that stand in a text are text

    def encode_lengths(texts: Sequence[str]) -> list[int]:
        return [len(found.ids) for found in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    lengths = hastened(encode_lengths, partial(from_file, str(file)))
    return Counter(str(path), True, lengths, model=str(path) if path.is_dir() and has_template(path) else "")


def _from_dashscope(name: str) -> Counter:
    try:
        from dashscope.tokenizers import get_tokenizer
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Qwen's tokenizer needs {error.name}, which is not installed: pip install dashscope, "
            f"or name another: --tokenizer {DEFAULT}"
        ) from error
    encode = get_tokenizer(name if name != QWEN else "qwen-turbo").encode
    note = "" if name == QWEN else "counted with the one Qwen tokenizer that dashscope carries"
    return Counter(
        name, True, lambda texts: [len(encode(text, allowed_special=set(), disallowed_special=())) for text in texts],
        note=note,
    )  # fmt: skip


@cache
def get_counter(name: str = DEFAULT) -> Counter:
    """The counter called `name`.

    A tiktoken encoding (`o200k_base`) or OpenAI model (`gpt-4o-mini`), a local tokenizer.json or a folder
    with one, `qwen` (through dashscope), or `approximate`. Where an encoding is neither cached nor to be
    had in time, the approximation is given instead, and its `note` says so.

    Raises:
        UsageError: there is no tokenizer of that name.
        MissingExtraError: it needs a package that is not installed.
        InputError: the file is no tokenizer.
    """
    if name == APPROXIMATE:
        return _approximate()
    if Path(name).exists():
        return _from_file(Path(name))
    if name.endswith(".json") or "/" in name:
        raise UsageError(f"the tokenizer {name} does not exist: name a tokenizer.json, or a folder with one")
    if name.lower().startswith(QWEN):
        return _from_dashscope(name.lower())
    import tiktoken

    encodings = tiktoken.list_encoding_names()
    if name in encodings:
        return _from_tiktoken(name, name)
    try:
        return _from_tiktoken(name, tiktoken.encoding_name_for_model(name))
    except KeyError:
        known = [*encodings, "gpt-4o", "gpt-4.1", APPROXIMATE, QWEN]
        raise UsageError(f"no tokenizer {name!r}{did_you_mean(name, known)}") from None
