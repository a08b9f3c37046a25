"""Conversations as raw ChatML text: `<|im_start|>role`, line break, the text, `<|im_end|>`, line break.

What a trainer that reads `text` alone is given where the model's template is ChatML (Qwen, Yi, SmolLM). The
marks are the format, so a text that holds one cannot be written.
"""

from __future__ import annotations

import re
from typing import Annotated, cast

from msgspec import Meta

from dsforge.errors import RowError, did_you_mean
from dsforge.example import ROLES, Example, Message, Role
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.expect import WRONG_TYPE, as_text, need, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.messages import UNKNOWN_ROLE
from dsforge.formats.thinking import answer_of, thought_aloud

_START, _END = "<|im_start|>", "<|im_end|>"
_TURN = re.compile(r"<\|im_start\|>([^\n<|]*)\n((?:(?!<\|im_(?:start|end)\|>).)*)<\|im_end\|>(?:\n|\Z)", re.DOTALL)
_KEYS = frozenset({"text"})
_HOLDS = frozenset(
    {
        Feature.SYSTEM,
        Feature.EMPTY_SYSTEM,
        Feature.LATER_SYSTEM,
        Feature.DEVELOPER,
        Feature.MULTI_TURN,
        Feature.OPEN_END,
        Feature.IRREGULAR_TURNS,
        Feature.REASONING,
        Feature.METADATA,
        Feature.EXTRA,
    }
)


def _detect(row: RowValue) -> int:
    text = row.get("text")
    return 75 if isinstance(text, str) and text.startswith(_START) else 0


def _turns(text: str) -> list[Message]:
    messages, at = [], 0
    while at < len(text):
        found = _TURN.match(text, at)
        if found is None:
            turn = f"{_START}role, line break, text, {_END}, line break"
            reason = f"/text should be turns of {turn}, but here is {text[at : at + 30]!r}"
            raise RowError(reason, "/text", WRONG_TYPE)
        name, said = found.groups()
        if name not in ROLES:
            reason = f"/text has a turn of {name!r}, which is no role{did_you_mean(name, ROLES)}"
            raise RowError(reason, "/text", UNKNOWN_ROLE)
        messages.append(answer_of(said) if name == "assistant" else Message(cast("Role", name), said))
        at = found.end()
    return messages


def _decode(row: RowValue) -> Example:
    messages = _turns(as_text(need(row, "text"), "/text"))
    meta, extra = split_known(row, _KEYS)
    return Example(messages, meta=meta, extra=extra)


def _encode(example: Example) -> RowValue:
    example = only_held(example, _HOLDS, _KEYS)
    if not example.messages or example.is_preference:
        raise RowError("im-start holds one conversation", code="S902")
    texts = [thought_aloud(message) for message in example.messages]
    if any(mark in text for text in texts for mark in (_START, _END)):
        raise RowError(f"a text holds {_START} or {_END} as words, which im-start would read as a turn", code="S902")
    turns = zip(example.messages, texts, strict=True)
    row = {"text": "".join(f"{_START}{message.role}\n{text}{_END}\n" for message, text in turns)}
    return with_rest(row, example.meta, example.extra, _KEYS)


class Transcript(shapes.Metadata, kw_only=True):
    """A conversation as one text."""

    text: Annotated[
        str, Meta(description="The turns with their marks.", pattern=rf"^$|^<\|im_start\|>({'|'.join(ROLES)})\n")
    ]


FORMAT = Format(
    name="im-start",
    summary="conversations as raw ChatML text with <|im_start|> and <|im_end|>",
    example='{"text": "<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\nHello!<|im_end|>\\n"}',
    holds=_HOLDS,
    keys=_KEYS,
    row=Transcript,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=lambda row, example: ["/text"] * len(example.messages),
)
