"""The tokens of an example: all of them, and those that are trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import msgspec

from dsforge.example import Example, Message
from dsforge.formats.tools import bare_call
from dsforge.tokens.counter import Counter


class RowTokens(msgspec.Struct):
    """What one example counts. A platform's overhead for messages, rows and names comes on top.

    - `total`: the text of every message (content, reasoning, tool calls as `{"name", "arguments"}` JSON)
      and the tool definitions as JSON. For a preference pair both sequences: the prompt with chosen, and
      the prompt with rejected, as DPO trainers run them.
    - `trained`: the part of `total` in messages of the assistant whose weight is not 0 (a weight in
      between scales the loss, not the count). Of a preference pair only chosen and rejected, not the
      answers within the shared prompt.
    - `shared`: for a preference pair the tokens of the prompt, counted twice in `total`; else 0.
    - `longest`: the longest sequence; equal to `total` but for a preference pair.
    - `messages`, `names`, `images`: how many there are in the sequences (a pair's prompt twice).
    """

    total: int = 0
    trained: int = 0
    shared: int = 0
    longest: int = 0
    messages: int = 0
    names: int = 0
    images: int = 0
    pair: bool = False


def _texts(message: Message) -> Iterator[str]:
    yield message.text
    if message.reasoning:
        yield message.reasoning
    for call in message.tool_calls:
        yield json.dumps(bare_call(call), ensure_ascii=False)
    if message.name:
        yield message.name


class _Batch:
    """Texts of many examples, counted in one call, and handed back in the order they were added."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._texts: list[str] = []
        self._lengths: list[int] = []
        self._at = 0

    def add(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._texts.extend(_texts(message))

    def add_text(self, text: str) -> None:
        self._texts.append(text)

    def count(self) -> None:
        self._lengths = self._counter.count_many(self._texts)

    def take(self, message: Message) -> int:
        start = self._at
        self._at += sum(1 for _ in _texts(message))
        return sum(self._lengths[start : self._at])

    def take_text(self) -> int:
        self._at += 1
        return self._lengths[self._at - 1]


def _tally(messages: Sequence[Message], batch: _Batch, trains: bool) -> RowTokens:
    row = RowTokens()
    for message in messages:
        tokens = batch.take(message)
        row.total += tokens
        row.messages += 1
        row.names += message.name is not None
        if not isinstance(message.content, str):
            row.images += len(message.media)
        if trains and message.role == "assistant" and message.weight != 0:
            row.trained += tokens
    row.longest = row.total
    return row


def _pair(prompt: RowTokens, chosen: RowTokens, rejected: RowTokens) -> RowTokens:
    return RowTokens(
        total=2 * prompt.total + chosen.total + rejected.total,
        trained=chosen.trained + rejected.trained,
        shared=prompt.total,
        longest=prompt.total + max(chosen.total, rejected.total),
        messages=2 * prompt.messages + chosen.messages + rejected.messages,
        names=2 * prompt.names + chosen.names + rejected.names,
        images=2 * prompt.images + chosen.images + rejected.images,
        pair=True,
    )


def _count_one(example: Example, batch: _Batch) -> RowTokens:
    tools = batch.take_text() if example.tools else 0
    prompt = _tally(example.messages, batch, trains=not example.is_preference)
    prompt.total += tools
    prompt.longest += tools
    if example.chosen is None or example.rejected is None:
        return prompt
    return _pair(prompt, _tally(example.chosen, batch, True), _tally(example.rejected, batch, True))


def count_examples(examples: Sequence[Example], counter: Counter) -> list[RowTokens]:
    """The tokens of each example; the texts of all are counted together."""
    batch = _Batch(counter)
    for example in examples:
        if example.tools:
            batch.add_text(json.dumps(example.tools, ensure_ascii=False))
        batch.add(example.messages)
        batch.add(example.chosen or [] if example.is_preference else [])
        batch.add(example.rejected or [] if example.is_preference else [])
    batch.count()
    return [_count_one(example, batch) for example in examples]


def count_example(example: Example, counter: Counter) -> RowTokens:
    """The tokens of one example."""
    return count_examples([example], counter)[0]
