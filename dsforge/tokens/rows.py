"""The tokens of an example: all of them, and those that are trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain

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
    - `pair`, `label`: whether the row is a preference pair, whether it carries a KTO label.
    """

    total: int = 0
    trained: int = 0
    shared: int = 0
    longest: int = 0
    messages: int = 0
    names: int = 0
    images: int = 0
    pair: bool = False
    label: bool = False


class _Batch:
    """Texts of many examples, counted in one call, and handed back in the order they were added."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._texts: list[str] = []
        self._ends: list[int] = []
        self._sums: Iterator[int] = iter(())

    def add(self, *texts: str) -> None:
        """Add texts that count as one."""
        self._texts.extend(texts)
        self._ends.append(len(self._texts))

    def add_message(self, message: Message) -> None:
        """Add all that a message says."""
        if not (message.reasoning or message.tool_calls or message.name):
            self.add(message.text)
            return
        calls = (json.dumps(bare_call(call), ensure_ascii=False) for call in message.tool_calls)
        self.add(message.text, message.reasoning or "", message.name or "", *calls)

    def count(self) -> None:
        """Count what was added."""
        lengths = self._counter.count_many(self._texts)
        starts = chain((0,), self._ends)
        self._sums = (sum(lengths[start:end]) for start, end in zip(starts, self._ends, strict=False))

    def take(self) -> int:
        """The tokens of what was added next."""
        return next(self._sums)


def _tally(messages: Sequence[Message], batch: _Batch, trains: bool) -> RowTokens:
    row = RowTokens()
    for message in messages:
        tokens = batch.take()
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
    tools = batch.take() if example.tools else 0
    prompt = _tally(example.messages, batch, trains=not example.is_preference)
    prompt.total += tools
    prompt.longest += tools
    prompt.label = example.label is not None
    if example.chosen is None or example.rejected is None:
        return prompt
    return _pair(prompt, _tally(example.chosen, batch, True), _tally(example.rejected, batch, True))


def count_examples(examples: Sequence[Example], counter: Counter) -> list[RowTokens]:
    """The tokens of each example; the texts of all are counted together."""
    batch = _Batch(counter)
    for example in examples:
        if example.tools:
            batch.add(json.dumps(example.tools, ensure_ascii=False))
        pair = (example.chosen or [], example.rejected or []) if example.is_preference else ()
        for message in chain(example.messages, *pair):
            batch.add_message(message)
    batch.count()
    return [_count_one(example, batch) for example in examples]


def count_example(example: Example, counter: Counter) -> RowTokens:
    """The tokens of one example."""
    return count_examples([example], counter)[0]
