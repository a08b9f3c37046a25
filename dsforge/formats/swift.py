"""ms-swift's standard rows: messages with tool_call and tool_response turns, and the answer to avoid beside them.

A call is a turn of its own, several in a row are parallel, and text before them is one more turn; a text turn and the
calls that follow it are read as one message. `loss` (true or false) or `loss_scale` says what is trained, files stand
at `<image>` marks with their columns, `tools` is JSON text, reasoning stands in the content as `<think>`. The answer
to avoid is `rejected_response`, after the last question, or a whole conversation, `rejected_messages`. Reads turns of
`user` and `assistant` as well, and `query` and `response` with `history`.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.chatml import KEYS as CHATML_KEYS
from dsforge.formats.exchanges import Place, read_exchanges
from dsforge.formats.expect import (
    as_list,
    as_object,
    as_text,
    from_json_text,
    need,
    optional_bool,
    optional_text,
    parse_text,
    question_answer_pairs,
    split_known,
    with_rest,
)
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.marks import MEDIA_COLUMNS, mark_media, place_media
from dsforge.formats.messages import MESSAGE_KEYS, decode_message
from dsforge.formats.pairs import shared_prompt, whole_conversations
from dsforge.formats.plain_rows import NAMES, plain_messages
from dsforge.formats.signs import roles_in
from dsforge.formats.thinking import answer_of, check_thinker, take_thinking, thought_aloud
from dsforge.formats.tools import BAD_CALL, bare_call, decode_call, decode_tools

_CONVERSATIONS = ("messages", "conversation", "conversations")
_REJECTED_COLUMNS = frozenset(f"rejected_{column}" for column in MEDIA_COLUMNS)
_KEYS = (
    CHATML_KEYS  # rows without a turn of ms-swift's own are found to be ChatML: these would say something there
    | frozenset({*_CONVERSATIONS, "query", "response", "history", "system", "rejected_response", "rejected_messages"})
    | _REJECTED_COLUMNS
)
_TURN_ROLES = ("tool_call", "tool_response")
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
        Feature.REASONING,
        Feature.IMAGES,
        Feature.AUDIO,
        Feature.VIDEO,
        Feature.WEIGHTS,
        Feature.FRACTIONAL_WEIGHTS,
        Feature.MESSAGE_EXTRA,
        Feature.PREFERENCE,
        Feature.LONG_CONTINUATION,
        Feature.LABEL,
        Feature.METADATA,
        Feature.EXTRA,
    }
)


class _Read(msgspec.Struct):
    """A row as it was read: messages (or prompt) and answers, with the places of their texts."""

    messages: list[Place]
    chosen: list[Place]
    rejected: list[Place]
    used: set[str]


def _detect(row: RowValue) -> int:
    if "rejected_response" in row or "rejected_messages" in row:
        if any(isinstance(row.get(key), list) for key in _CONVERSATIONS):
            return 90
    elif (roles := roles_in(row)) and (_TURN_ROLES[0] in roles or _TURN_ROLES[1] in roles):
        return 70
    turns = next((row[key] for key in _CONVERSATIONS if key in row), None)
    first = turns[0] if turns and isinstance(turns, list) else None
    if isinstance(first, dict) and "role" not in first and "user" in first and "assistant" in first:
        return 85
    return 75 if "history" in row and "query" in row and "response" in row else 0


def _call(value: JSON, pointer: str) -> Message:
    """A turn whose content is a call as JSON, in text or as an object."""
    turn = as_object(value, pointer)
    written = need(turn, "content", pointer)
    if isinstance(written, str):
        written, problem = parse_text(written)
        if problem is not None:
            should = f'{pointer}/content should be a tool call as JSON, {{"name": ..., "arguments": {{...}}}}'
            raise RowError(f"{should}, but {problem}", f"{pointer}/content", BAD_CALL)
    message = decode_message({**turn, "role": "assistant", "content": None}, pointer)
    message.tool_calls = [decode_call(written, f"{pointer}/content")]
    return message


def _reads_as_one(before: Message | None, call: Message) -> bool:
    """Whether a turn of a call belongs to the message before it."""
    return before is not None and before.role == "assistant" and before.weight == call.weight and not call.extra


def _read_message(value: JSON, pointer: str) -> Message:
    turn = as_object(value, pointer)
    role = turn.get("role")
    message = decode_message({**turn, "role": "tool"} if role == "tool_response" else turn, pointer)
    take_thinking(message)
    return message


def _read_messages(value: JSON, pointer: str) -> list[Place]:
    places: list[Place] = []
    for index, turn in enumerate(as_list(value, pointer)):
        at = f"{pointer}/{index}"
        if not isinstance(turn, dict) or turn.get("role") != "tool_call":
            places.append((_read_message(turn, at), f"{at}/content"))
            continue
        call, before = _call(turn, at), places[-1][0] if places else None
        if before is not None and _reads_as_one(before, call):
            before.tool_calls = before.tool_calls + call.tool_calls
            before.content = before.content or None
        else:
            places.append((call, f"{at}/content"))
    return places


def _read_turns(value: JSON, pointer: str) -> list[Place]:
    """Messages, or turns of user (or human) and assistant."""
    turns = as_list(value, pointer)
    first = turns[0] if turns else None
    if isinstance(first, dict) and "role" not in first and "assistant" in first:
        return read_exchanges(turns, pointer, "human" if "human" in first else "user", "assistant")
    return _read_messages(turns, pointer)


def _read_query(row: RowValue) -> list[Place]:
    messages: list[Place] = []
    history = row.get("history") or []
    for index, (asked, answered) in enumerate(question_answer_pairs(history, "/history")):
        at = "/history" if isinstance(history, str) else f"/history/{index}"
        ends = ("", "") if isinstance(history, str) else ("/0", "/1")
        messages += [(Message("user", asked), at + ends[0]), (answer_of(answered), at + ends[1])]
    messages.append((Message("user", as_text(need(row, "query"), "/query")), "/query"))
    if row.get("response") is not None:
        messages.append((answer_of(as_text(row["response"], "/response")), "/response"))
    return messages


def _last_question(messages: list[Place]) -> int:
    """How many messages there are up to the last question."""
    return max((at + 1 for at, (message, _) in enumerate(messages) if message.role == "user"), default=0)


def _read(row: RowValue) -> _Read:
    key = next((key for key in _CONVERSATIONS if row.get(key) is not None), None)
    if key is None:
        messages, used = _read_query(row), {"query", "response", "history"}
    else:
        messages, used = _read_turns(from_json_text(row[key], f"/{key}"), f"/{key}"), {key}
    first = messages[0][0].role if messages else None
    if first != "system" and (system := optional_text(row, "system")):
        messages.insert(0, (Message("system", system), "/system"))
        used.add("system")
    read = _Read(messages, [], [], used)
    if row.get("rejected_messages") is not None:
        _read_rejected_messages(row, read)
    elif (rejected := row.get("rejected_response")) is not None:
        at = _last_question(messages)
        read.messages, read.chosen = messages[:at], messages[at:]
        is_text = isinstance(rejected, str)
        read.rejected = [(answer_of(rejected), "/rejected_response")] if is_text else _read_messages(
            rejected, "/rejected_response")  # fmt: skip
        if not read.chosen or not read.rejected:
            raise RowError("the row has no answer to prefer to 'rejected_response'", "/rejected_response")
        used.add("rejected_response")
    return read


def _messages(places: list[Place]) -> list[Message]:
    return [message for message, _ in places]


def _read_rejected_messages(row: RowValue, read: _Read) -> None:
    rejected = _read_turns(row["rejected_messages"], "/rejected_messages")
    place_media(_messages(read.messages), row)
    place_media(_messages(rejected), {column: row.get(f"rejected_{column}") for column in MEDIA_COLUMNS})
    shared = len(shared_prompt(_messages(read.messages), _messages(rejected))[0])
    read.messages, read.chosen, read.rejected = read.messages[:shared], read.messages[shared:], rejected[shared:]
    read.used |= {"rejected_messages"} | _REJECTED_COLUMNS


def _decode(row: RowValue) -> Example:
    read = _read(row)
    messages, chosen, rejected = (
        [message for message, _ in part] for part in (read.messages, read.chosen, read.rejected)
    )
    example = Example(messages, decode_tools(row.get("tools")), label=optional_bool(row, ["label"]))
    if rejected:
        example.chosen, example.rejected = chosen, rejected
    if "rejected_messages" not in read.used:
        place_media(example.all_messages(), row)
    unread = _KEYS - read.used - {"label", "tools"} - MEDIA_COLUMNS
    example.meta, example.extra = split_known(row, _KEYS, [key for key in unread if row.get(key) not in (None, [], "")])
    return example


def _turn(role: str, content: str, message: Message) -> dict[str, JSON]:
    turn: dict[str, JSON] = {"role": role, "content": content}
    if message.weight is not None:
        of_two = message.weight in (0, 1)
        turn["loss" if of_two else "loss_scale"] = bool(message.weight) if of_two else message.weight
    return turn


def _encode_message(message: Message, text: str) -> list[dict[str, JSON]]:
    """The turns of a message: its text, where it has any, then its calls."""
    check_thinker(message)
    turns = []
    if text or message.reasoning is not None or not message.tool_calls:
        role = "tool_response" if message.role == "tool" else message.role
        turns.append(_turn(role, thought_aloud(message, text), message))
    for call in message.tool_calls:
        turns.append(_turn("tool_call", json.dumps(bare_call(call), ensure_ascii=False), message))
    return [{**turns[0], **message.extra}, *turns[1:]]


def _encode_messages(messages: list[Message], texts: list[str]) -> list[dict[str, JSON]]:
    turns: list[dict[str, JSON]] = []
    before = None
    for message, text in zip(messages, texts, strict=True):
        if message.tool_calls and (message.role != "assistant" or message.tool_call_id is not None):
            raise RowError("swift holds calls of the assistant alone", code="S902")
        bare = message.tool_calls and not text and message.reasoning is None
        if bare and _reads_as_one(before, message):
            raise RowError("swift would read an answer and the call after it as one message", code="S902")
        turns += _encode_message(message, text)
        before = message
    return turns


def _is_one_text(answer: list[Message], turns: list[dict[str, JSON]]) -> bool:
    return len(answer) == 1 and answer[0].role == "assistant" and turns[0].keys() == {"role", "content"}


def _encode_pair(example: Example, chosen: list[Message], rejected: list[Message]) -> RowValue:
    prompt = example.messages
    followed = all(message.role != "user" for message in chosen + rejected)
    if chosen and rejected and followed and prompt and prompt[-1].role == "user":
        texts, media = mark_media(prompt + chosen + rejected)
        row: RowValue = {"messages": _encode_messages(prompt + chosen, texts[: len(prompt + chosen)])}
        turns = _encode_messages(rejected, texts[len(prompt + chosen) :])
        row["rejected_response"] = turns[0]["content"] if _is_one_text(rejected, turns) else turns
        return {**row, **media}
    first, second = whole_conversations(prompt, chosen, rejected, "swift")
    texts, media = mark_media(first)
    other_texts, other_media = mark_media(second)
    row = {"messages": _encode_messages(first, texts), "rejected_messages": _encode_messages(second, other_texts)}
    return {**row, **media, **{f"rejected_{column}": files for column, files in other_media.items()}}


def _encode(example: Example) -> RowValue:
    example = only_held(example, _HOLDS, _KEYS, MESSAGE_KEYS)
    if example.chosen is not None and example.rejected is not None:
        row = _encode_pair(example, example.chosen, example.rejected)
    else:
        texts, media = mark_media(example.messages)
        row = {"messages": _encode_messages(example.messages, texts), **media}
    if example.label is not None:
        row["label"] = example.label
    if example.tools:
        row["tools"] = json.dumps(example.tools, ensure_ascii=False)
    return with_rest(row, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    read = _read(row)
    return [place for _, place in (*read.messages, *read.chosen, *read.rejected)]


class MessageTurn(shapes.MessageFields, kw_only=True):
    """A message of a conversation."""

    role: Annotated[shapes.Role | Literal["tool_response"], Meta(description="Who speaks.")]
    content: Annotated[shapes.Content, Meta(description="What is said.")] = None


class CallTurn(shapes.MessageFields, kw_only=True):
    """A call of a tool."""

    role: Literal["tool_call"]
    content: Annotated[str | shapes.Call, Meta(description="The call, as JSON text or as an object.")]


class Exchange(Struct):
    """A question and its answer."""

    user: Annotated[str, Meta(description="What is asked.")]
    assistant: Annotated[str, Meta(description="The answer.")]
    role: UnsetType = UNSET


class HumanExchange(Struct):
    """A question and its answer."""

    human: Annotated[str, Meta(description="What is asked.")]
    assistant: Annotated[str, Meta(description="The answer.")]
    role: UnsetType = UNSET


_Messages: TypeAlias = list[MessageTurn | CallTurn]
_Turns: TypeAlias = _Messages | list[Exchange] | list[HumanExchange]
_Conversation: TypeAlias = Annotated[_Turns | shapes.JsonArray, Meta(description="The conversation.")]


class _Fields(shapes.MediaColumns, kw_only=True):
    rejected_response: Annotated[str | _Messages | None, Meta(description="The answer to avoid.")] = None
    rejected_messages: Annotated[_Turns | None, Meta(description="The whole conversation to avoid.")] = None
    rejected_images: shapes.Files = None
    rejected_audios: shapes.Files = None
    rejected_videos: shapes.Files = None
    system: shapes.System = None
    tools: shapes.Tools = None
    label: shapes.Label = None


class Messages(_Fields, kw_only=True):
    """A conversation."""

    messages: _Conversation


class Conversation(_Fields, kw_only=True):
    """A conversation by another name."""

    conversation: _Conversation
    messages: None = None


class Conversations(_Fields, kw_only=True):
    """A conversation by another name."""

    conversations: _Conversation
    conversation: None = None
    messages: None = None


class Query(_Fields, kw_only=True):
    """A question and its answer."""

    query: Annotated[str, Meta(description="What is asked.")]
    response: Annotated[str | None, Meta(description="The answer.")] = None
    history: shapes.History = None
    conversations: None = None
    conversation: None = None
    messages: None = None


FORMAT = Format(
    name="swift",
    aliases=("ms-swift",),
    summary="messages with tool_call and tool_response turns, loss and rejected_response (ms-swift)",
    example='{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}], '
    '"rejected_response": "What?"}',
    holds=_HOLDS,
    keys=_KEYS,
    message_keys=MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    row=Messages | Conversation | Conversations | Query,
    plain=plain_messages({**NAMES, "tool": "tool_response"}),
)
