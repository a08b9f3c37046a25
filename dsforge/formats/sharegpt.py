"""ShareGPT: conversations of `from` and `value`, as LLaMA-Factory reads them.

The system prompt and the tools stand beside; a tool call is a `function_call` turn whose value is JSON,
with text before it wrapped as LLaMA-Factory wants it: `text`, line break, `<tool_call>JSON</tool_call>`.
Reasoning stands in the value as `<think>`. Pairs are `chosen` and `rejected` turns, KTO is `kto_tag`.
"""

from __future__ import annotations

import json

from dsforge.errors import RowError, did_you_mean
from dsforge.example import JSON, Example, Message, Role
from dsforge.feature import Feature
from dsforge.formats.expect import (
    as_list,
    as_object,
    as_text,
    need,
    optional_bool,
    optional_text,
    parse_text,
    split_known,
    with_rest,
)
from dsforge.formats.format import Format, RowValue
from dsforge.formats.marks import MEDIA_COLUMNS, mark_media, place_media
from dsforge.formats.messages import UNKNOWN_ROLE
from dsforge.formats.pairs import answer_places
from dsforge.formats.plain import Plain, Turns
from dsforge.formats.thinking import join_thinking, split_thinking
from dsforge.formats.tools import bare_call, bare_functions, decode_call, decode_tools

_ROLES: dict[str, Role] = {
    "human": "user", "user": "user", "User": "user", "USER": "user",
    "gpt": "assistant", "assistant": "assistant", "bot": "assistant", "chatgpt": "assistant", "bing": "assistant",
    "Assistant": "assistant", "ASSISTANT": "assistant", "model": "assistant",
    "system": "system", "observation": "tool", "tool": "tool", "function_response": "tool",
    "function_call": "assistant", "tool_call": "assistant",
}  # fmt: skip
_NAMES: dict[Role, str] = {
    "user": "human", "assistant": "gpt", "system": "system", "developer": "system", "tool": "observation",
}  # fmt: skip
_CALL_TURNS = ("function_call", "tool_call")
_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_KEYS = frozenset({"conversations", "system", "tools", "chosen", "rejected", "kto_tag", "label"}) | MEDIA_COLUMNS
BAD_CALL = "T206"


def _detect(row: RowValue) -> int:
    return 80 if isinstance(row.get("conversations"), list) else 0


def _decode_turn(value: JSON, pointer: str) -> Message:
    turn = as_object(value, pointer)
    name = as_text(need(turn, "from", pointer), f"{pointer}/from")
    role = _ROLES.get(name)
    if role is None:
        hint = did_you_mean(name, _ROLES)
        raise RowError(f"{pointer}/from is {name!r}, which is no role{hint}", f"{pointer}/from", UNKNOWN_ROLE)
    text = as_text(need(turn, "value", pointer), f"{pointer}/value")
    message = Message(role, text)
    if role == "assistant":
        message.reasoning, text = split_thinking(text)
        message.content = text
        if name in _CALL_TURNS:
            _decode_calls(message, text, f"{pointer}/value")
    if len(turn) > 2:
        message.extra = {key: value for key, value in turn.items() if key not in ("from", "value")}
    return message


def _decode_calls(message: Message, text: str, pointer: str) -> None:
    before, mark, rest = text.partition(_OPEN)
    wrapped = bool(mark) and rest.rstrip().endswith(_CLOSE)
    written = rest.rstrip().removesuffix(_CLOSE) if wrapped else text
    calls, problem = parse_text(written)
    if problem is not None:
        why = problem if written[:1] in "{[" else f"it is {written[:30]!r}"
        raise RowError(
            f'{pointer} should be a tool call as JSON, {{"name": ..., "arguments": {{...}}}}, but {why}',
            pointer,
            BAD_CALL,
        )
    many = calls if isinstance(calls, list) else [calls]
    message.tool_calls = [decode_call(call, pointer) for call in many]
    message.content = (before.removesuffix("\n") or None) if wrapped else None


def _decode_answer(value: JSON, pointer: str) -> list[Message]:
    turns = value if isinstance(value, list) else [value]
    return [_decode_turn(turn, f"{pointer}/{index}" if isinstance(value, list) else pointer)
            for index, turn in enumerate(turns)]  # fmt: skip


def _decode(row: RowValue) -> Example:
    turns = as_list(need(row, "conversations"), "/conversations")
    messages = [_decode_turn(turn, f"/conversations/{index}") for index, turn in enumerate(turns)]
    if len(row) == 1:
        return Example(messages)
    if system := optional_text(row, "system"):
        messages.insert(0, Message("system", system))
    example = Example(messages, decode_tools(row.get("tools")), label=optional_bool(row, ["kto_tag", "label"]))
    if row.get("chosen") is not None or row.get("rejected") is not None:
        example.chosen = _decode_answer(need(row, "chosen"), "/chosen")
        example.rejected = _decode_answer(need(row, "rejected"), "/rejected")
    place_media([*messages, *(example.chosen or []), *(example.rejected or [])], row)
    unread = ["label"] if row.get("kto_tag") is not None else []
    example.meta, example.extra = split_known(row, _KEYS, unread)
    return example


def _encode_turn(message: Message, text: str) -> dict[str, JSON]:
    name = _NAMES[message.role]
    if message.tool_calls:
        if _OPEN in text or "</think>" in (message.reasoning or ""):
            raise RowError(f"sharegpt cannot hold {_OPEN} or </think> as words beside a tool call", code="S902")
        calls = [bare_call(call) for call in message.tool_calls]
        written = json.dumps(calls if len(calls) > 1 else calls[0], ensure_ascii=False)
        name, text = "function_call", f"{text}\n{_OPEN}{written}{_CLOSE}" if text else written
    turn: dict[str, JSON] = {"from": name, "value": join_thinking(message.reasoning, text)}
    for key, value in message.extra.items():
        turn.setdefault(key, value)  # one called from or value is lost, and told
    return turn


def _encode(example: Example) -> RowValue:
    answers = (example.chosen or []) + (example.rejected or [])
    texts, media = mark_media(example.messages + answers)
    turns = [_encode_turn(message, text) for message, text in zip(example.messages + answers, texts, strict=True)]
    row: RowValue = {}
    conversation = turns[: len(example.messages)]
    if (
        example.messages
        and example.messages[0].role in ("system", "developer")
        and set(conversation[0]) == {"from", "value"}
        and conversation[0]["value"]
    ):
        row["system"] = conversation.pop(0)["value"]
    row = {"conversations": conversation, **row}
    if example.tools:
        row["tools"] = bare_functions(example.tools)
    if example.chosen is not None and example.rejected is not None:
        middle = len(example.messages) + len(example.chosen)
        chosen, rejected = turns[len(example.messages) : middle], turns[middle:]
        row["chosen"] = chosen[0] if len(chosen) == 1 else chosen
        row["rejected"] = rejected[0] if len(rejected) == 1 else rejected
    if example.label is not None:
        row["kto_tag"] = example.label
    return with_rest({**row, **media}, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    places = [f"/conversations/{index}/value" for index in range(len(row["conversations"]))]
    if row.get("system"):
        places.insert(0, "/system")
    for key in ("chosen", "rejected") if example.is_preference else ():
        places += [place.replace("/content", "/value") for place in answer_places(row[key], f"/{key}")]
    return places


_PLAIN_ROLES = {
    name: role for name, role in _ROLES.items() if role in ("user", "assistant") and name not in _CALL_TURNS
}


def _decode_plain(row: RowValue) -> Turns | None:
    turns = row.get("conversations")
    if len(row) != 1 or type(turns) is not list:
        return None
    roles, texts = [], []
    for turn in turns:
        if type(turn) is not dict or len(turn) != 2:
            return None
        name, text = turn.get("from"), turn.get("value")
        if type(text) is not str or type(name) is not str or name not in _PLAIN_ROLES or text.startswith("<think>"):
            return None
        roles.append(_PLAIN_ROLES[name])
        texts.append(text)
    return tuple(roles), texts, 1 + 4 * len(texts), None


def _encode_plain(turns: Turns) -> RowValue:
    roles, texts, _, _ = turns
    if roles and roles[0] in ("system", "developer"):
        rest = zip(roles[1:], texts[1:], strict=True)
        return {"conversations": [{"from": _NAMES[role], "value": text} for role, text in rest], "system": texts[0]}
    return {"conversations": [{"from": _NAMES[role], "value": text} for role, text in zip(roles, texts, strict=True)]}


FORMAT = Format(
    name="sharegpt",
    summary="conversations of from and value (LLaMA-Factory, FastChat)",
    example='{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}',
    holds=frozenset(Feature)
    - {
        Feature.DEVELOPER,
        Feature.TOOL_CALL_IDS,
        Feature.NAMES,
        Feature.WEIGHTS,
        Feature.MEDIA_OPTIONS,
        Feature.INPUT_SPLIT,
        Feature.CALL_EXTRA,
        Feature.PART_EXTRA,
        Feature.TEXT_PARTS,
        Feature.EMPTY_CONTENT,
        Feature.THINK_MARKS,
    },
    keys=_KEYS,
    message_keys=frozenset({"from", "value"}),
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    plain=Plain(_decode_plain, _encode_plain),
)
