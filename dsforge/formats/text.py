"""Plain text for continued pretraining: one `text`, all of it trained, and no prompt (TRL, Together, Bailian's CPT)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from dsforge.errors import RowError
from dsforge.example import Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.expect import as_text, need, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held

_KEYS = frozenset({"text"})
_HOLDS = frozenset({Feature.IRREGULAR_TURNS, Feature.THINK_MARKS, Feature.METADATA, Feature.EXTRA})


def _detect(row: RowValue) -> int:
    return 15 if isinstance(row.get("text"), str) else 0


def _decode(row: RowValue) -> Example:
    meta, extra = split_known(row, _KEYS)
    return Example([Message("assistant", as_text(need(row, "text"), "/text"))], meta=meta, extra=extra)


def _encode(example: Example) -> RowValue:
    messages = example.all_messages()
    if len(messages) != 1 or messages[0].role != "assistant" or messages[0].tool_calls or messages[0].media:
        raise RowError("text holds one text and no prompt; use im-start for a conversation", code="S902")
    if example.label is not None:
        raise RowError("text holds no KTO label", code="S902")
    example = only_held(example, _HOLDS, _KEYS)
    return with_rest({"text": example.messages[0].text}, example.meta, example.extra, _KEYS)


class PlainText(shapes.Metadata, kw_only=True):
    """A text, all of it trained."""

    text: Annotated[str, Meta(description="The text.")]


FORMAT = Format(
    name="text",
    summary="one plain text (continued pretraining)",
    example='{"text": "The quick brown fox jumps over the lazy dog."}',
    holds=_HOLDS,
    keys=_KEYS,
    row=PlainText,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=lambda row, example: ["/text"],
)
