"""AWS Bedrock: `bedrock-conversation-2024`, whose messages are lists of text, image, video and reasoning blocks.

What Nova and Llama 3.2 read: user and assistant by turns, files by S3 URI, a system prompt beside, no tools and no
further fields. Reasoning is a `reasoningContent` block of the Converse API (Nova 2). A file may have a `bucketOwner`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, cast

from msgspec import Meta, Struct

from dsforge.errors import RowError, did_you_mean
from dsforge.example import JSON, Content, Example, Media, Message, Part, Role, Text
from dsforge.feature import Feature
from dsforge.formats.exchanges import exchanges_of
from dsforge.formats.expect import as_list, as_object, as_text, need, split_known
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.messages import BAD_PART, UNKNOWN_ROLE

_VERSION = "bedrock-conversation-2024"
_KEYS = frozenset({"schemaVersion", "system", "messages"})
_MESSAGE_KEYS = frozenset({"role", "content"})
_ROLES: tuple[Role, ...] = ("user", "assistant")
_BLOCKS = ("text", "image", "video", "reasoningContent")
_FORMATS = {"image": ("jpeg", "png", "gif", "webp"), "video": ("mp4", "mov", "mkv", "webm")}
_OPTIONS = frozenset({"bucketOwner", "format"})
_HOLDS = frozenset(
    {
        Feature.SYSTEM,
        Feature.MULTI_TURN,
        Feature.REASONING,
        Feature.THINK_MARKS,
        Feature.IMAGES,
        Feature.VIDEO,
        Feature.MEDIA_OPTIONS,
    }
)


def _detect(row: RowValue) -> int:
    messages = row.get("messages")
    if "schemaVersion" not in row or not isinstance(messages, list):
        return 0
    first = messages[0] if messages else None
    return 90 if isinstance(first, dict) and isinstance(first.get("content"), list) else 30


def _told_by_name(url: str) -> str:
    suffix = url.rpartition(".")[2].lower()
    return "jpeg" if suffix == "jpg" else suffix


def _decode_file(kind: str, value: JSON, pointer: str) -> Media:
    file = as_object(value, pointer)
    source = as_object(need(file, "source", pointer), f"{pointer}/source")
    place = as_object(need(source, "s3Location", f"{pointer}/source"), f"{pointer}/source/s3Location")
    url = as_text(need(place, "uri", f"{pointer}/source/s3Location"), f"{pointer}/source/s3Location/uri")
    options = {key: field for key, field in place.items() if key != "uri"}
    options |= {key: field for key, field in source.items() if key != "s3Location"}
    options |= {key: field for key, field in file.items() if key != "source"}
    if options.get("format") == _told_by_name(url):
        del options["format"]
    return Media(cast('Literal["image", "video"]', kind), url, options)


def _reasoning(value: JSON, pointer: str) -> str:
    block = as_object(value, pointer)
    said = as_object(need(block, "reasoningText", pointer), f"{pointer}/reasoningText")
    return as_text(need(said, "text", f"{pointer}/reasoningText"), f"{pointer}/reasoningText/text")


def _decode_content(value: JSON, pointer: str) -> tuple[str | None, Content]:
    """`(reasoning, content)` of a list of blocks."""
    reasoning: list[str] = []
    parts: list[Part] = []
    for index, item in enumerate(as_list(value, pointer)):
        at = f"{pointer}/{index}"
        block = as_object(item, at)
        kind = next((key for key in _BLOCKS if key in block), None)
        if kind is None or len(block) > 1:
            raise RowError(f"{at} should be one of {', '.join(_BLOCKS)}, but has {list(block)}", at, BAD_PART)
        if kind == "text":
            parts.append(Text(as_text(block["text"], f"{at}/text")))
        elif kind == "reasoningContent":
            reasoning.append(_reasoning(block[kind], f"{at}/{kind}"))
        else:
            parts.append(_decode_file(kind, block[kind], f"{at}/{kind}"))
    content = parts[0].text if len(parts) == 1 and isinstance(parts[0], Text) else parts or ""
    return "\n".join(reasoning) if reasoning else None, content


def _decode_message(value: JSON, pointer: str) -> Message:
    message = as_object(value, pointer)
    name = as_text(need(message, "role", pointer), f"{pointer}/role")
    if name not in _ROLES:
        reason = f"{pointer}/role is {name!r}, which is no role here{did_you_mean(name, _ROLES)}"
        raise RowError(reason, f"{pointer}/role", UNKNOWN_ROLE)
    reasoning, content = _decode_content(need(message, "content", pointer), f"{pointer}/content")
    rest = {key: field for key, field in message.items() if key not in _MESSAGE_KEYS}
    return Message(name, content, reasoning, extra=rest)


def _decode(row: RowValue) -> Example:
    values = enumerate(as_list(need(row, "messages"), "/messages"))
    messages = [_decode_message(value, f"/messages/{index}") for index, value in values]
    if row.get("system"):
        messages.insert(0, Message("system", _decode_content(row["system"], "/system")[1]))
    meta, extra = split_known(row, _KEYS)
    return Example(messages, meta=meta, extra=extra)


def _beyond(example: Example) -> set[Feature]:
    options = (media.options.keys() for message in example.all_messages() for media in message.media)
    return set() if all(keys <= _OPTIONS for keys in options) else {Feature.MEDIA_OPTIONS}


def _encode_part(part: Part) -> dict[str, JSON]:
    if isinstance(part, Text):
        return {"text": part.text}
    if not part.url.startswith("s3://"):
        raise RowError(f"bedrock holds files by S3 URI, and {part.url[:60]!r} is none", code="S902")
    kind = part.options.get("format", _told_by_name(part.url))
    if "format" not in part.options and kind not in _FORMATS[part.kind]:
        raise RowError(f"bedrock needs the type of {part.url[:60]!r}, which its name does not tell", code="S902")
    owner = {key: value for key, value in part.options.items() if key == "bucketOwner"}
    return {part.kind: {"format": kind, "source": {"s3Location": {"uri": part.url, **owner}}}}


def _encode_blocks(message: Message) -> list[dict[str, JSON]]:
    blocks: list[dict[str, JSON]] = []
    if message.reasoning is not None:
        blocks.append({"reasoningContent": {"reasoningText": {"text": message.reasoning}}})
    if message.content is None or isinstance(message.content, str):
        return [*blocks, {"text": message.content or ""}]
    return blocks + [_encode_part(part) for part in message.content]


def _encode(example: Example) -> RowValue:
    example = only_held(example, _HOLDS, _KEYS, _MESSAGE_KEYS)
    said = exchanges_of(example.messages, "bedrock")
    if said.question is not None or example.is_preference:
        raise RowError("bedrock needs an answer to every question", code="S902")
    row: RowValue = {"schemaVersion": _VERSION}
    if said.system:
        row["system"] = _encode_blocks(said.system)
    turns = [message for pair in said.pairs for message in pair]
    row["messages"] = [{"role": message.role, "content": _encode_blocks(message)} for message in turns]
    return row


def _places(row: RowValue, example: Example) -> list[str]:
    system = ["/system/0/text"] if row.get("system") else []
    return system + [f"/messages/{index}/content" for index in range(len(row["messages"]))]


class S3Location(Struct, rename="camel"):
    """A file on S3."""

    uri: Annotated[str, Meta(description="Where the file is.", examples=["s3://bucket/cat.png"])]
    bucket_owner: Annotated[Any, Meta(description="The account that owns the bucket.")] = None


class Source(Struct, rename="camel"):
    """Where a file is."""

    s3_location: S3Location


class File(Struct):
    """An image or a video."""

    source: Source
    format: Annotated[Any, Meta(description="What the file is.", examples=[*_FORMATS["image"], *_FORMATS["video"]])] = (
        None
    )


class TextBlock(Struct, forbid_unknown_fields=True):
    """A stretch of text."""

    text: Annotated[str, Meta(description="What is said.")]


class ImageBlock(Struct, forbid_unknown_fields=True):
    """An image."""

    image: File


class VideoBlock(Struct, forbid_unknown_fields=True):
    """A video."""

    video: File


class ReasoningText(Struct):
    """What the assistant thinks before it answers."""

    text: Annotated[str, Meta(description="What is thought.")]


class ReasoningContent(Struct, rename="camel"):
    """Reasoning (Converse API)."""

    reasoning_text: ReasoningText


class ReasoningBlock(Struct, rename="camel", forbid_unknown_fields=True):
    """The reasoning before an answer."""

    reasoning_content: ReasoningContent


_Blocks: TypeAlias = list[TextBlock | ImageBlock | VideoBlock | ReasoningBlock]


class Turn(Struct):
    """What one side says."""

    role: Annotated[Literal["user", "assistant"], Meta(description="Who speaks.")]
    content: Annotated[_Blocks, Meta(description="What is said.")]


class Conversation(Struct, kw_only=True, rename="camel"):
    """A conversation."""

    schema_version: Annotated[Any, Meta(examples=[_VERSION])] = None
    system: Annotated[_Blocks | None, Meta(description="The system prompt.")] = None
    messages: Annotated[list[Turn], Meta(description="The conversation.")]


FORMAT = Format(
    name="bedrock",
    aliases=("nova",),
    summary="bedrock-conversation-2024: content blocks with files on S3 (Amazon Nova, Llama 3.2)",
    example='{"schemaVersion": "bedrock-conversation-2024", "messages": ['
    '{"role": "user", "content": [{"text": "Hi"}]}, {"role": "assistant", "content": [{"text": "Hello!"}]}]}',
    holds=_HOLDS,
    keys=_KEYS,
    message_keys=_MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    row=Conversation,
    beyond=_beyond,
)
