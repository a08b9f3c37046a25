"""Firefly: a `conversation` of objects with `human` and `assistant`, and a `system` text beside it.

Reasoning stands in the answer as `<think>`. Firefly itself strips white space around every text.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from dsforge.errors import RowError
from dsforge.example import Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.exchanges import exchanges_of, read_exchanges
from dsforge.formats.expect import need, optional_text, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.plain import Plain, Turns
from dsforge.formats.plain_rows import ONE_TURN, SYSTEMS
from dsforge.formats.thinking import thought_aloud

_KEYS = frozenset({"conversation", "system"})
_TURN_KEYS = frozenset({"human", "assistant"})
_HOLDS = frozenset({Feature.SYSTEM, Feature.MULTI_TURN, Feature.REASONING, Feature.METADATA, Feature.EXTRA})


def _detect(row: RowValue) -> int:
    turns = row.get("conversation")
    return 80 if isinstance(turns, list) and turns and isinstance(turns[0], dict) and "human" in turns[0] else 0


def _decode(row: RowValue) -> Example:
    turns = read_exchanges(need(row, "conversation"), "/conversation", "human", "assistant")
    messages = [message for message, _ in turns]
    if system := optional_text(row, "system"):
        messages.insert(0, Message("system", system))
    meta, extra = split_known(row, _KEYS)
    return Example(messages, meta=meta, extra=extra)


def _encode(example: Example) -> RowValue:
    example = only_held(example, _HOLDS, _KEYS)
    said = exchanges_of(example.messages, "firefly")
    if said.question is not None or example.is_preference:
        raise RowError("firefly needs an answer to every question", code="S902")
    row: RowValue = {"system": said.system.text} if said.system else {}
    row["conversation"] = [
        {"human": thought_aloud(asked), "assistant": thought_aloud(answered)} for asked, answered in said.pairs
    ]
    return with_rest(row, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    turns = range(len(row["conversation"]))
    places = [f"/conversation/{index}/{side}" for index in turns for side in ("human", "assistant")]
    return ["/system", *places] if row.get("system") else places


def _decode_plain(row: RowValue) -> Turns | None:
    turns = row["conversation"]
    if len(row) != 1 or not turns:
        return None
    texts: list[str] = []
    for turn in turns:
        asked, answer = turn["human"], turn["assistant"]
        if type(asked) is not str or type(answer) is not str or len(turn) != 2 or answer.startswith("<think>"):
            return None
        texts += (asked, answer)
    return ONE_TURN * len(turns), texts, None


def _encode_plain(turns: Turns) -> RowValue | None:
    roles, texts, _ = turns
    first = 1 if roles and roles[0] in SYSTEMS else 0
    asked, answered = texts[first::2], texts[first + 1 :: 2]
    if not answered or roles[first:] != ONE_TURN * len(answered):
        return None
    row: RowValue = {"system": texts[0]} if first else {}
    row["conversation"] = [{"human": one, "assistant": other} for one, other in zip(asked, answered, strict=True)]
    return row


class Turn(Struct):
    """A question and its answer."""

    human: Annotated[str, Meta(description="What is asked.")]
    assistant: Annotated[str, Meta(description="The answer.")]


class Conversation(shapes.Metadata, kw_only=True):
    """A conversation."""

    conversation: Annotated[list[Turn], Meta(description="Questions and answers by turns.")]
    system: shapes.System = None


FORMAT = Format(
    name="firefly",
    summary="a conversation of human and assistant (Firefly)",
    example='{"conversation": [{"human": "Hi", "assistant": "Hello!"}], "category": "greeting"}',
    holds=_HOLDS,
    keys=_KEYS,
    message_keys=_TURN_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    row=Conversation,
    plain=Plain(_decode_plain, _encode_plain),
)
