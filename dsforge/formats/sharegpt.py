"""ShareGPT: conversations of `from` and `value`, as LLaMA-Factory reads them (also of `role` and `content`).

The system prompt and the tools stand beside; a tool call is a `function_call` turn whose value is JSON. Text
before it, and the place of the system prompt, are options: trainers do not agree.
Reasoning stands in the value as `<think>`. Pairs are `chosen` and `rejected` turns, KTO is `kto_tag`.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

from dsforge.errors import RowError, did_you_mean
from dsforge.example import JSON, ROLES, Example, Message, Role
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.expect import (
    WRONG_TYPE,
    as_list,
    as_object,
    as_text,
    from_json_text,
    need,
    optional_bool,
    optional_text,
    parse_text,
    split_known,
    with_rest,
)
from dsforge.formats.format import Format, Option, RowValue
from dsforge.formats.marks import MEDIA_COLUMNS, mark_media, place_media
from dsforge.formats.messages import UNKNOWN_ROLE, decode_message
from dsforge.formats.pairs import answer_places
from dsforge.formats.plain import Plain, Turns
from dsforge.formats.thinking import join_thinking, split_thinking
from dsforge.formats.tools import BAD_CALL, BETWEEN_RESULTS, bare_call, bare_functions, decode_call, decode_tools

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
_OPTIONS = (
    Option(
        "calls",
        "text beside a tool call",
        {
            "wrap": "in one turn, the call after it as <tool_call>JSON</tool_call>: LLaMA-Factory",
            "turns": "a gpt turn, then a function_call turn: ms-swift, axolotl; that they were one message is lost",
        },
        write=True,
        loses={"turns": frozenset({Feature.TEXT_BESIDE_TOOL_CALLS})},
    ),
    Option(
        "results",
        "several results of tools in a row",
        {
            "turns": "an observation turn each: ms-swift, axolotl",
            "joined": "one observation turn, as LLaMA-Factory joins them: it drops rows with two in a row, in silence",
        },
        write=True,
        loses={"joined": frozenset({Feature.PARALLEL_RESULTS})},
    ),
    Option(
        "system",
        "where the system prompt stands",
        {"column": "beside the conversation: LLaMA-Factory", "turn": "as the first turn: FastChat, axolotl, ms-swift"},
        write=True,
        plain=True,
    ),
)  # fmt: skip
_KEYS = frozenset({"conversations", "system", "tools", "chosen", "rejected", "kto_tag", "label"}) | MEDIA_COLUMNS


def _detect(row: RowValue) -> int:
    turns = row.get("conversations")
    if not turns:
        return 5 if turns == [] else 0
    return 80 if isinstance(turns, list) or (isinstance(turns, str) and turns.lstrip().startswith("[")) else 0


def _decode_turn(value: JSON, pointer: str) -> Message:
    turn = as_object(value, pointer)
    if "from" not in turn and isinstance(turn.get("role"), str):  # messages under the name of conversations
        return decode_message({**turn, "role": _ROLES.get(turn["role"], turn["role"])}, pointer)
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
    if problem is not None and wrapped and _OPEN in written:
        calls, problem = _several_blocks(rest)
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


def _several_blocks(text: str) -> tuple[JSON, str | None]:
    """`(calls, what is wrong)` of a turn with several <tool_call> blocks; `text` is what follows its first mark."""
    calls: list[JSON] = []
    for block in text.split(_OPEN):
        if not block.rstrip().endswith(_CLOSE):
            return None, f"there is text after {_CLOSE}"
        found, problem = parse_text(block.rstrip().removesuffix(_CLOSE))
        if problem is not None:
            return None, problem
        calls += found if isinstance(found, list) else [found]
    return calls, None


def _decode_answer(value: JSON, pointer: str) -> list[Message]:
    turns = value if isinstance(value, list) else [value]
    if not turns:
        raise RowError(f"{pointer} is an empty array; an answer is expected", pointer, WRONG_TYPE)
    return [_decode_turn(turn, f"{pointer}/{index}" if isinstance(value, list) else pointer)
            for index, turn in enumerate(turns)]  # fmt: skip


def _decode(row: RowValue) -> Example:
    turns = as_list(from_json_text(need(row, "conversations"), "/conversations"), "/conversations")
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


def _encode_turns(message: Message, text: str, calls: str) -> list[dict[str, JSON]]:
    """The turn of a message; two where a call stands beside text and does not go into its turn."""
    name, before = _NAMES[message.role], []
    if message.tool_calls:
        if _OPEN in text or "</think>" in (message.reasoning or ""):
            raise RowError(f"sharegpt cannot hold {_OPEN} or </think> as words beside a tool call", code="S902")
        bare = [bare_call(call) for call in message.tool_calls]
        written = json.dumps(bare if len(bare) > 1 else bare[0], ensure_ascii=False)
        if text and calls == "turns":
            before = [{"from": name, "value": join_thinking(message.reasoning, text)}]
            return [*before, {**message.extra, "from": "function_call", "value": written}]
        name, text = "function_call", f"{text}\n{_OPEN}{written}{_CLOSE}" if text else written
    turn: dict[str, JSON] = {"from": name, "value": join_thinking(message.reasoning, text)}
    for key, value in message.extra.items():
        turn.setdefault(key, value)  # one called from or value is lost, and told
    return [turn]


def _with_joined_results(turns: list[dict[str, JSON]]) -> list[dict[str, JSON]]:
    joined: list[dict[str, JSON]] = []
    for turn in turns:
        if joined and turn["from"] == joined[-1]["from"] == "observation":
            joined[-1] = {**joined[-1], **turn, "value": joined[-1]["value"] + BETWEEN_RESULTS + turn["value"]}
        else:
            joined.append(turn)
    return joined


def _encode(example: Example, calls: str = "wrap", results: str = "turns", system: str = "column") -> RowValue:
    texts, media = mark_media(example.all_messages())
    waiting = iter(texts)

    def turns(messages: list[Message]) -> list[dict[str, JSON]]:
        made = [turn for message in messages for turn in _encode_turns(message, next(waiting), calls)]
        return _with_joined_results(made) if results == "joined" else made

    row: RowValue = {"conversations": turns(example.messages)}
    first = row["conversations"][0] if row["conversations"] else {}
    is_system = bool(example.messages) and example.messages[0].role in ("system", "developer")
    if is_system and system == "column" and set(first) == {"from", "value"} and first["value"]:
        row["system"] = row["conversations"].pop(0)["value"]
    if example.tools:
        row["tools"] = bare_functions(example.tools)
    if example.chosen is not None and example.rejected is not None:
        chosen, rejected = turns(example.chosen), turns(example.rejected)
        row["chosen"] = chosen[0] if len(chosen) == 1 else chosen
        row["rejected"] = rejected[0] if len(rejected) == 1 else rejected
    if example.label is not None:
        row["kto_tag"] = example.label
    return with_rest({**row, **media}, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    if isinstance(row["conversations"], str):  # JSON text, as in a cell of a table
        return ["/conversations"] * len(example.all_messages())
    places = [
        f"/conversations/{index}/{'value' if 'from' in turn else 'content'}"
        for index, turn in enumerate(row["conversations"])
    ]
    if row.get("system"):
        places.insert(0, "/system")
    for key in ("chosen", "rejected") if example.is_preference else ():
        places += [place.replace("/content", "/value") for place in answer_places(row[key], f"/{key}")]
    return places


_PLAIN_ROLES = {
    name: role for name, role in _ROLES.items() if role in ("user", "assistant") and name not in _CALL_TURNS
}


def _decode_plain(row: RowValue) -> Turns | None:
    if len(row) != 1:
        return None
    roles, texts = [], []
    for turn in row["conversations"]:
        role, text = _PLAIN_ROLES[turn["from"]], turn["value"]
        if type(text) is not str or len(turn) != 2 or text.startswith("<think>"):
            return None
        roles.append(role)
        texts.append(text)
    return tuple(roles), texts, None


def _encode_plain(turns: Turns) -> RowValue:
    roles, texts, _ = turns
    if roles and roles[0] in ("system", "developer"):
        rest = zip(roles[1:], texts[1:], strict=True)
        return {"conversations": [{"from": _NAMES[role], "value": text} for role, text in rest], "system": texts[0]}
    return {"conversations": [{"from": _NAMES[role], "value": text} for role, text in zip(roles, texts, strict=True)]}


_From: TypeAlias = Literal[tuple(_ROLES)]  # type: ignore[valid-type]
_Roles: TypeAlias = Literal[tuple(dict.fromkeys((*_ROLES, *ROLES, "function")))]  # type: ignore[valid-type]


class Turn(Struct):
    """What one side says."""

    from_: Annotated[_From, Meta(description="Who speaks; `function_call` is a call of a tool.")] = field(name="from")
    value: Annotated[str, Meta(description="What is said, or the call as JSON text.")]


class RoleTurn(shapes.MessageFields, kw_only=True):
    """A message under the name of a turn."""

    role: Annotated[_Roles, Meta(description="Who speaks.")]
    content: Annotated[shapes.Content, Meta(description="What is said.")] = None
    from_: UnsetType = field(name="from", default=UNSET)


_Answer: TypeAlias = Turn | RoleTurn | list[Turn | RoleTurn]


class _Fields(shapes.MediaColumns, kw_only=True):
    conversations: Annotated[
        list[Turn | RoleTurn] | shapes.JsonArray, Meta(description="The conversation, or the prompt.")
    ]
    system: shapes.System = None
    tools: shapes.Tools = None
    kto_tag: shapes.Label = None
    label: shapes.Label = None


class Conversation(_Fields, kw_only=True):
    """A conversation."""

    chosen: None = None
    rejected: None = None


class Preference(_Fields, kw_only=True):
    """A prompt with a better and a worse answer."""

    chosen: Annotated[_Answer, Meta(description="The better answer: a turn or turns.")]
    rejected: Annotated[_Answer, Meta(description="The worse answer: a turn or turns.")]


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
        Feature.FRACTIONAL_WEIGHTS,
        Feature.RANKING,
    },
    keys=_KEYS,
    message_keys=frozenset({"from", "value"}),
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    plain=Plain(_decode_plain, _encode_plain),
    options=_OPTIONS,
    dialects={"llamafactory": {"results": "joined"}},
    row=Conversation | Preference,
)
