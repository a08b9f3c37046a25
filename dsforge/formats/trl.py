"""TRL's conversational rows: `prompt` with `completion`, or with `chosen` and `rejected`, as lists of messages.

A `label` makes it KTO. A pair may leave the prompt out: it is what both answers begin with. Tools stand beside, the
arguments of a call are an object (a call whose arguments are none cannot be written), images are parts of type image
whose files stand in `images`. TRL trains the completion alone, so a prompt that ends elsewhere than with the last
question is kept as weights of 0 and 1, and such weights say where the completion begins; other weights are lost.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Media, Message, Part, Text
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.chatml import TOOLS_OPTION
from dsforge.formats.expect import as_list, as_text, need, optional_bool, split_known, with_rest
from dsforge.formats.format import Format, Option, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.marks import BAD_MEDIA, place_media
from dsforge.formats.messages import MESSAGE_KEYS, Style, decode_messages, encode_message
from dsforge.formats.pairs import answer_places, decode_answer, shared_prompt
from dsforge.formats.plain import Plain, Turns
from dsforge.formats.tools import decode_tools

_STYLE = Style(loss_flag="none", arguments="object")
_CONVERSATIONS = ("messages", "prompt", "completion", "chosen", "rejected")
_KEYS = frozenset({*_CONVERSATIONS, "label", "tools", "images"})
_HOLDS = frozenset(Feature) - {
    Feature.WEIGHTS,
    Feature.FRACTIONAL_WEIGHTS,
    Feature.AUDIO,
    Feature.VIDEO,
    Feature.MEDIA_OPTIONS,
    Feature.RANKING,
    Feature.INPUT_SPLIT,
}
_CONVERSATION_OPTION = Option(
    "conversation",
    "a conversation without a pair",
    {
        "prompt-completion": "prompt and completion: what follows the last question is trained",
        "messages": "messages: all of it is trained, or all answers with assistant_only_loss",
    },
    write=True,
    plain=True,
)


def _detect(row: RowValue) -> int:
    if "messages" in row or "conversations" in row:
        return 0
    if isinstance(row.get("prompt"), list):
        return 88
    if "rejected" not in row or not isinstance(row.get("chosen"), list):
        return 0
    return 88 if "prompt" in row else 60


def _is_placeholder(part: JSON) -> bool:
    return isinstance(part, dict) and part.get("type") == "image" and not part.keys() - {"type", "text", "index"}


def _with_files(row: RowValue) -> RowValue:
    """The row with the files of `images` in the parts that stand for them."""
    files = [as_text(file, f"/images/{index}") for index, file in enumerate(as_list(row["images"], "/images"))]
    waiting = iter(files)
    used = 0

    def filled(message: Any) -> Any:
        nonlocal used
        if not isinstance(message, dict) or not isinstance(message.get("content"), list):
            return message
        parts = []
        for part in message["content"]:
            if _is_placeholder(part):
                used += 1
                part = {"type": "image", "image": next(waiting, "")}
            parts.append(part)
        return {**message, "content": parts}

    copy = {
        key: [filled(message) for message in value] if key in _CONVERSATIONS and isinstance(value, list) else value
        for key, value in row.items()
    }
    if used and used != len(files):
        reason = f"/images lists {len(files)}, but the messages have {used} parts of type image"
        raise RowError(reason, "/images", BAD_MEDIA)
    return {key: value for key, value in copy.items() if key != "images"} if used else copy


def _place_files(messages: list[Message], row: RowValue) -> None:
    """Files that no part stands for: at their marks, else before the first question, where TRL puts them."""
    first = next((message for message in messages if message.role == "user"), None)
    if first is None or any("<image>" in message.text for message in messages):
        place_media(messages, row)
        return
    said = first.content or []
    files: list[Part] = [Media("image", file) for file in row["images"]]
    first.content = [*files, *([Text(said)] if isinstance(said, str) else said)]


def _prompt(value: JSON) -> list[Message]:
    return [Message("user", value)] if isinstance(value, str) else decode_messages(value, "/prompt")


def _end_of_prompt(messages: list[Message]) -> int:
    """Where the completion begins: after the last question."""
    return max((at + 1 for at, message in enumerate(messages) if message.role not in ("assistant", "tool")), default=0)


def _decode_conversation(row: RowValue) -> list[Message]:
    if "prompt" not in row:
        return decode_messages(need(row, "messages"), "/messages")
    prompt = _prompt(row["prompt"])
    completion = [] if row.get("completion") is None else decode_answer(row["completion"], "/completion")
    messages = prompt + completion
    if completion and _end_of_prompt(messages) != len(prompt):
        for at, message in enumerate(messages):
            if message.role == "assistant" and message.weight is None:
                message.weight = int(at >= len(prompt))
    return messages


def _decode_pair(row: RowValue) -> Example:
    chosen = decode_answer(need(row, "chosen"), "/chosen")
    rejected = decode_answer(need(row, "rejected"), "/rejected")
    prompt: list[Message] = []
    if "prompt" in row:
        prompt = _prompt(row["prompt"])
    else:
        prompt, chosen, rejected = shared_prompt(chosen, rejected)
    return Example(prompt, chosen=chosen, rejected=rejected)


def _decode(row: RowValue) -> Example:
    if row.get("images"):
        row = _with_files(row)
    is_pair = row.get("chosen") is not None or row.get("rejected") is not None
    example = _decode_pair(row) if is_pair else Example(_decode_conversation(row))
    if row.get("images"):
        _place_files(example.all_messages(), row)
    example.tools = decode_tools(row.get("tools"))
    example.label = optional_bool(row, ["label"])
    read = {"chosen", "rejected", "prompt"} if is_pair else {"prompt", "completion"}
    if not is_pair and "prompt" not in row:
        read = {"messages"}
    unread = [key for key in _CONVERSATIONS if key not in read and row.get(key) is not None]
    example.meta, example.extra = split_known(row, _KEYS, unread)
    return example


def start_of_completion(messages: list[Message]) -> int:
    """After the last question, or where weights of 0, then of 1 say that training begins."""
    weights = [(message.weight, at) for at, message in enumerate(messages) if message.role == "assistant"]
    said = [weight for weight, _ in weights]
    if said and all(weight in (0, 1) for weight in said) and said[-1] == 1 and said == sorted(said, key=bool):
        return next(at for weight, at in weights if weight == 1)
    return _end_of_prompt(messages)


def _encode_messages(messages: list[Message], files: list[JSON]) -> list[dict[str, JSON]]:
    """The messages; their images are added to `files`, in order."""
    rows = [encode_message(message, _STYLE) for message in messages]
    for row in rows:
        if isinstance(row["content"], list):
            files += [part["image_url"]["url"] for part in row["content"] if "image_url" in part]
            row["content"] = [{"type": "image"} if "image_url" in part else part for part in row["content"]]
    return rows


def _encode(example: Example, conversation: str = "prompt-completion", tools: str = "list") -> RowValue:
    start = len(example.messages) if example.is_preference else start_of_completion(example.messages)
    example = only_held(example, _HOLDS, _KEYS, MESSAGE_KEYS)
    files: list[JSON] = []
    if conversation == "messages" and not example.is_preference:
        row: RowValue = {"messages": _encode_messages(example.messages, files)}
    else:
        row = {"prompt": _encode_messages(example.messages[:start], files)}
        if example.messages[start:]:
            row["completion"] = _encode_messages(example.messages[start:], files)
    if example.chosen is not None and example.rejected is not None:
        row["chosen"] = _encode_messages(example.chosen, files)
        row["rejected"] = _encode_messages(example.rejected, files)
    if example.label is not None:
        row["label"] = example.label
    if example.tools:
        row["tools"] = example.tools if tools == "list" else json.dumps(example.tools, ensure_ascii=False)
    if files:
        row["images"] = files
    return with_rest(row, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    if not example.is_preference:
        keys = ["prompt", "completion"] if "prompt" in row else ["messages"]
        return [place for key in keys if row.get(key) is not None for place in answer_places(row[key], f"/{key}")]
    chosen, rejected = (answer_places(row[key], f"/{key}") for key in ("chosen", "rejected"))
    if "prompt" in row:
        return answer_places(row["prompt"], "/prompt") + chosen + rejected
    return chosen + rejected[len(example.messages) :]


def _encode_plain(turns: Turns) -> RowValue:
    roles, texts, _ = turns
    messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    start = max((at + 1 for at, role in enumerate(roles) if role not in ("assistant", "tool")), default=0)
    prompt, completion = messages[:start], messages[start:]
    return {"prompt": prompt, "completion": completion} if completion else {"prompt": prompt}


class ImagePlaceholder(Struct, forbid_unknown_fields=True):
    """The next of the `images`."""

    type: Literal["image"]
    text: Any = None
    index: Any = None


class MessageWithImages(shapes.MessageFields, kw_only=True):
    """A message of a conversation."""

    role: Annotated[shapes.Role, Meta(description="Who speaks.")]
    content: Annotated[
        str | list[ImagePlaceholder | shapes.Part] | None, Meta(description="What is said: text, or parts.")
    ] = None


_Prompt: TypeAlias = Annotated[str | list[MessageWithImages], Meta(description="What is not trained.")]
_Answer: TypeAlias = str | MessageWithImages | Annotated[list[MessageWithImages], Meta(min_length=1)]
_Whole: TypeAlias = Annotated[list[MessageWithImages], Meta(min_length=2)]


class _Fields(shapes.Metadata, kw_only=True):
    tools: shapes.Tools = None
    label: shapes.Label = None
    images: Annotated[list[str] | None, Meta(description="The files of the image parts, in order.")] = None


class PromptCompletion(_Fields, kw_only=True):
    """A prompt and its completion."""

    prompt: _Prompt
    completion: Annotated[_Answer | None, Meta(description="What is trained.")] = None
    chosen: None = None
    rejected: None = None


class Conversation(_Fields, kw_only=True):
    """A conversation."""

    messages: list[MessageWithImages]
    prompt: UnsetType = UNSET
    chosen: None = None
    rejected: None = None


class Preference(_Fields, kw_only=True):
    """A prompt with a better and a worse answer."""

    prompt: _Prompt
    chosen: Annotated[_Answer, Meta(description="The better answer.")]
    rejected: Annotated[_Answer, Meta(description="The worse answer.")]


class WholePreference(_Fields, kw_only=True):
    """Two conversations that begin with the same prompt."""

    chosen: Annotated[_Whole, Meta(description="The prompt and the better answer.")]
    rejected: Annotated[_Whole, Meta(description="The prompt and the worse answer.")]
    prompt: UnsetType = UNSET


FORMAT = Format(
    name="trl",
    summary="prompt with completion, or chosen and rejected, as lists of messages (TRL)",
    example='{"prompt": [{"role": "user", "content": "Hi"}], '
    '"completion": [{"role": "assistant", "content": "Hello!"}]}',
    holds=_HOLDS,
    keys=_KEYS,
    message_keys=MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    plain=Plain(lambda row: None, _encode_plain),
    options=(_CONVERSATION_OPTION, TOOLS_OPTION),
    row=PromptCompletion | Conversation | Preference | WholePreference,
)
