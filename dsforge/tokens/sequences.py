"""The sequences a trainer makes of rows: each conversation through the chat template of the model, in its tokens.

They are what TRL trains on, token for token. A preference pair makes two: the prompt with chosen, and with rejected.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec

from dsforge.errors import ConfigError, RowError
from dsforge.example import Example, Message
from dsforge.tokens.template import ChatTemplate


class RowSequences(msgspec.Struct):
    """What one row is to a trainer, in tokens: of all its sequences, of the longest, and those that are trained.

    Of a row that the template refuses all are 0.
    """

    tokens: int = 0
    longest: int = 0
    trained: int = 0


@dataclass
class Sequences:
    """The sequences of rows; `refused` counts those that the template cannot hold, `reason` is the first one's."""

    template: ChatTemplate
    refused: int = 0
    reason: str = ""

    def count(self, examples: Sequence[Example]) -> list[RowSequences]:
        """What each of the rows is to a trainer."""
        conversations = [list(_conversations(example)) for example in examples]
        rendered, owner = [], []
        for row, parts in enumerate(conversations):
            try:
                of_row = [self.template.render(part) for part in parts]
            except RowError as error:
                self.refused += 1
                self.reason = self.reason or error.reason
                continue
            rendered += of_row
            owner += [row] * len(of_row)
        counts = [RowSequences() for _ in examples]
        for row, encoded in zip(owner, self.template.encode(rendered), strict=True):
            found = counts[row]
            found.tokens += len(encoded.input_ids)
            found.longest = max(found.longest, len(encoded.input_ids))
            found.trained += encoded.trained
        return counts


def _conversations(example: Example) -> Iterator[Example]:
    """The conversations of a row: itself, or the prompt with each of a pair's answers, which alone are trained."""
    if example.chosen is None or example.rejected is None:
        yield example
        return
    prompt = [_untrained(message) for message in example.messages]
    for answer in (example.chosen, example.rejected):
        yield Example([*prompt, *answer], tools=example.tools)


def _untrained(message: Message) -> Message:
    return msgspec.structs.replace(message, weight=0) if message.role == "assistant" else message


def has_template(folder: Path) -> bool:
    """Whether a folder holds a chat template beside its tokenizer."""
    if any(folder.glob("chat_template*")):
        return True
    config = folder / "tokenizer_config.json"
    try:
        return bool(json.loads(config.read_text("utf-8")).get("chat_template")) if config.is_file() else False
    except ValueError:
        return False


@cache
def template_of(folder: str) -> ChatTemplate | str:
    """The chat template that a model is trained by, or why it cannot be had.

    Raises:
        InputError: the folder's tokenizer cannot be loaded.
    """
    if not find_spec("transformers"):
        return "its chat template needs transformers: pip install 'dsforge[train]'"
    from dsforge.tokens.pretrained import load_tokenizer, training_template

    tokenizer = load_tokenizer(folder, named="--tokenizer")
    try:
        return training_template(tokenizer, "auto")
    except ConfigError as error:
        return str(error)
