"""Alibaba Bailian: messages whose reasoning stands in the content, and whose parts have no type.

Thinking models read `<think>`, line break, reasoning, line break, `</think>`, blank line, answer; the line breaks
count. Parts are `{"text": ...}` and `{"image": FILE}`, the files being in the zip beside the rows. A pair is one
`chosen` and one `rejected` message, `loss_weight` (0 to 1, for invited users) says what is trained, names are not
known. A row of text alone is no different from ChatML's.
"""

from __future__ import annotations

from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats.chatml import FORMAT as CHATML
from dsforge.formats.chatml import KEYS
from dsforge.formats.expect import with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.messages import MESSAGE_KEYS, Style, encode_message
from dsforge.formats.plain_rows import NAMES, plain_messages
from dsforge.formats.signs import parts_in
from dsforge.formats.thinking import check_thinker, take_thinking

_STYLE = Style(loss_flag="loss_weight", reasoning="inline")
_HOLDS = frozenset(
    {
        Feature.SYSTEM,
        Feature.EMPTY_SYSTEM,
        Feature.LATER_SYSTEM,
        Feature.MULTI_TURN,
        Feature.OPEN_END,
        Feature.IRREGULAR_TURNS,
        Feature.TOOLS,
        Feature.TOOL_CALLS,
        Feature.PARALLEL_RESULTS,
        Feature.TEXT_BESIDE_TOOL_CALLS,
        Feature.TOOL_CALL_IDS,
        Feature.CALL_EXTRA,
        Feature.REASONING,
        Feature.IMAGES,
        Feature.WEIGHTS,
        Feature.FRACTIONAL_WEIGHTS,
        Feature.MESSAGE_EXTRA,
        Feature.PREFERENCE,
        Feature.METADATA,
        Feature.EXTRA,
    }
)


def _detect(row: RowValue) -> int:
    if not any("type" not in part and ("text" in part or "image" in part) for part in parts_in(row)):
        return 0
    return 93 if "chosen" in row and "rejected" in row else 65


def _decode(row: RowValue) -> Example:
    example = CHATML.decode(row)
    for message in example.all_messages():
        take_thinking(message)
        if message.tool_calls and message.content == "":
            message.content = None
    return example


def _bare_part(part: dict[str, JSON]) -> dict[str, JSON]:
    return {"text": part["text"]} if part["type"] == "text" else {"image": part["image_url"]["url"]}


def _encode_message(message: Message) -> dict[str, JSON]:
    check_thinker(message)
    row = encode_message(message, _STYLE)
    if isinstance(row["content"], list):
        row["content"] = [_bare_part(part) for part in row["content"]]
    return row


def _encode(example: Example) -> RowValue:
    example = only_held(example, _HOLDS, KEYS, MESSAGE_KEYS)
    row: RowValue = {"messages": [_encode_message(message) for message in example.messages]}
    if example.tools:
        row["tools"] = example.tools
    if example.chosen is not None and example.rejected is not None:
        row["chosen"], row["rejected"] = _encode_message(example.chosen[0]), _encode_message(example.rejected[0])
    return with_rest(row, example.meta, example.extra, KEYS)


FORMAT = Format(
    name="bailian",
    aliases=("dashscope",),
    summary="messages with <think> in the content and parts without a type (Alibaba Bailian)",
    example='{"messages": [{"role": "user", "content": [{"text": "What is this?"}, {"image": "cat.png"}]}, '
    '{"role": "assistant", "content": [{"text": "A cat"}]}]}',
    holds=_HOLDS,
    keys=KEYS,
    message_keys=MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=CHATML.places,
    row=CHATML.row,
    plain=plain_messages({**NAMES, "tool": "tool"}),
)
