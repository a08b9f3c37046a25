"""HH-RLHF (Anthropic): two whole dialogues as text, `\\n\\nHuman: ...\\n\\nAssistant: ...`; they share the prompt.

The marks are the format, so a text that holds one cannot be written. Reasoning stands in the text as `<think>`.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from msgspec import Meta

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.expect import WRONG_TYPE, as_text, need, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.pairs import pair_of, shared_prompt, whole_conversations
from dsforge.formats.thinking import answer_of, thought_aloud

_MARK = re.compile(r"\n\n(Human|Assistant):(?: |\Z)")
_NAMES = {"user": "Human", "assistant": "Assistant"}
_KEYS = frozenset({"chosen", "rejected"})
_HOLDS = frozenset(
    {
        Feature.MULTI_TURN,
        Feature.OPEN_END,
        Feature.IRREGULAR_TURNS,
        Feature.REASONING,
        Feature.PREFERENCE,
        Feature.LONG_CONTINUATION,
        Feature.METADATA,
        Feature.EXTRA,
    }
)
_OTHERS = frozenset({"prompt", "question", "query", "instruction", "user", "messages", "conversations"})


def _detect(row: RowValue) -> int:
    chosen, rejected = row.get("chosen"), row.get("rejected")
    if not isinstance(chosen, str) or not isinstance(rejected, str) or not _OTHERS.isdisjoint(row):
        return 0
    return 75 if _MARK.match(chosen) else 35


def _decode_dialogue(value: JSON, pointer: str) -> list[Message]:
    text = as_text(value, pointer)
    before, *rest = _MARK.split(text)
    if before or not rest:
        begins = r"'\n\nHuman: ' or '\n\nAssistant: '"
        raise RowError(f"{pointer} should begin with {begins}, but begins with {text[:30]!r}", pointer, WRONG_TYPE)
    turns = zip(rest[::2], rest[1::2], strict=True)
    return [Message("user", said) if name == "Human" else answer_of(said) for name, said in turns]


def _decode(row: RowValue) -> Example:
    chosen, rejected = (_decode_dialogue(need(row, key), f"/{key}") for key in ("chosen", "rejected"))
    prompt, chosen, rejected = shared_prompt(chosen, rejected)
    meta, extra = split_known(row, _KEYS)
    return Example(prompt, chosen=chosen, rejected=rejected, meta=meta, extra=extra)


def _encode_dialogue(messages: list[Message]) -> str:
    if any(message.role not in _NAMES or message.tool_calls for message in messages):
        raise RowError("hh-rlhf holds texts of a human and an assistant alone", code="S902")
    text = "".join(f"\n\n{_NAMES[message.role]}: {thought_aloud(message)}" for message in messages)
    if len(_MARK.findall(text)) != len(messages):
        reason = "a text holds a line 'Human:' or 'Assistant:', which hh-rlhf would read as a turn"
        raise RowError(reason, code="S902")
    return text


def _encode(example: Example) -> RowValue:
    pair_of(example, "hh-rlhf")
    example = only_held(example, _HOLDS, _KEYS)
    chosen, rejected = whole_conversations(example.messages, *pair_of(example, "hh-rlhf"), "hh-rlhf")
    row: RowValue = {"chosen": _encode_dialogue(chosen), "rejected": _encode_dialogue(rejected)}
    return with_rest(row, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    before = len(example.messages) + len(example.chosen or [])
    return ["/chosen"] * before + ["/rejected"] * len(example.rejected or [])


_Dialogue: TypeAlias = Annotated[str, Meta(pattern=r"^\n\n(Human|Assistant):( |$)")]


class Dialogues(shapes.Metadata, kw_only=True):
    """Two dialogues that begin alike."""

    chosen: Annotated[_Dialogue, Meta(description="The prompt and the better answer.")]
    rejected: Annotated[_Dialogue, Meta(description="The prompt and the worse answer.")]


FORMAT = Format(
    name="hh-rlhf",
    summary="two whole dialogues of Human and Assistant as text (Anthropic's HH-RLHF)",
    example='{"chosen": "\\n\\nHuman: Hi\\n\\nAssistant: Hello!", "rejected": "\\n\\nHuman: Hi\\n\\nAssistant: What?"}',
    holds=_HOLDS,
    keys=_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    row=Dialogues,
)
