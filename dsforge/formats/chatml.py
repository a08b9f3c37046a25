"""ChatML: a list of messages with roles, as OpenAI, Zhipu, Bailian and most trainers read it.

Preference pairs stand as `chosen` and `rejected` beside the messages they answer (Bailian, ms-swift),
a KTO label as `label`. Reads OpenAI's, Bailian's and LLaMA-Factory v1's content parts and `<image>`
marks with an `images` column; writes OpenAI's form.
"""

from __future__ import annotations

from dsforge.example import JSON, ROLES, Example, Message
from dsforge.feature import Feature
from dsforge.formats.expect import need, optional_bool, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.marks import MEDIA_COLUMNS, place_media
from dsforge.formats.messages import MESSAGE_KEYS, decode_messages, encode_message
from dsforge.formats.pairs import answer_places, decode_answer, encode_answer
from dsforge.formats.plain import Plain, Turns
from dsforge.formats.tools import decode_tools

KEYS = frozenset({"messages", "tools", "chosen", "rejected", "label"}) | MEDIA_COLUMNS


def _detect(row: RowValue) -> int:
    return 60 if isinstance(row.get("messages"), list) else 0


def _decode(row: RowValue) -> Example:
    example = Example(decode_messages(need(row, "messages"), "/messages"))
    if len(row) == 1:
        return example
    place_media(example.messages, row)
    example.tools = decode_tools(row.get("tools"))
    example.label = optional_bool(row, ["label"])
    if row.get("chosen") is not None or row.get("rejected") is not None:
        example.chosen = decode_answer(need(row, "chosen"), "/chosen")
        example.rejected = decode_answer(need(row, "rejected"), "/rejected")
    example.meta, example.extra = split_known(row, KEYS)
    return example


def encode_conversation(messages: list[Message], tools: list[dict[str, JSON]]) -> RowValue:
    """Messages and, where there are any, tool definitions."""
    row: RowValue = {"messages": [encode_message(message) for message in messages]}
    if tools:
        row["tools"] = tools
    return row


def _encode(example: Example) -> RowValue:
    row = encode_conversation(example.messages, example.tools)
    if example.chosen is not None and example.rejected is not None:
        row["chosen"] = encode_answer(example.chosen)
        row["rejected"] = encode_answer(example.rejected)
    if example.label is not None:
        row["label"] = example.label
    return with_rest(row, example.meta, example.extra, KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    places = [f"/messages/{index}/content" for index in range(len(example.messages))]
    if example.is_preference:
        places += answer_places(row["chosen"], "/chosen") + answer_places(row["rejected"], "/rejected")
    return places


_ROLES = frozenset(ROLES)


def _decode_plain(row: RowValue) -> Turns | None:
    messages = row.get("messages")
    if len(row) != 1 or type(messages) is not list:
        return None
    roles, texts = [], []
    for message in messages:
        if type(message) is not dict or len(message) != 2:
            return None
        role, text = message.get("role"), message.get("content")
        if type(text) is not str or type(role) is not str or role not in _ROLES:
            return None
        if not text or text.startswith("<think>"):  # some formats write these in a way of their own
            return None
        roles.append(role)
        texts.append(text)
    return tuple(roles), texts, 1 + 4 * len(texts), None


def _encode_plain(turns: Turns) -> RowValue:
    roles, texts, _, _ = turns
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts)]}  # noqa: B905 - twice as fast


FORMAT = Format(
    name="chatml",
    aliases=("openai", "messages"),
    summary="messages with roles (OpenAI, Zhipu, Bailian, TRL, ms-swift, axolotl)",
    example='{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}',
    holds=frozenset(Feature) - {Feature.INPUT_SPLIT},
    keys=KEYS,
    message_keys=MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    plain=Plain(_decode_plain, _encode_plain),
)
