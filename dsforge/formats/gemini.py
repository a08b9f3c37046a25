"""Gemini on Vertex AI: `contents` of a user and a model, each turn a list of parts.

Media are files by URI and MIME type. A preference pair is two `completions`, the better with score 1.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, cast

from msgspec import Meta, Struct, field

from dsforge.errors import RowError, did_you_mean
from dsforge.example import JSON, Content, Example, Media, Message, Part, Role, Text
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.expect import WRONG_TYPE, as_list, as_object, as_text, need, split_known, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.messages import BAD_PART, UNKNOWN_ROLE

_SYSTEM = ("systemInstruction", "system_instruction")
_KEYS = frozenset({*_SYSTEM, "contents", "completions"})
_TURN_KEYS = frozenset({"role", "parts"})
_ROLES: dict[str, Role] = {"user": "user", "model": "assistant"}
_NAMES = {role: name for name, role in _ROLES.items()}
_SUFFIXES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "mp3": "audio/mpeg", "wav": "audio/wav", "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
}  # fmt: skip


def _detect(row: RowValue) -> int:
    return 80 if isinstance(row.get("contents"), list) else 0


def _decode_part(value: JSON, pointer: str) -> Part:
    part = as_object(value, pointer)
    if set(part) == {"text"}:
        return Text(as_text(part["text"], f"{pointer}/text"))
    key = next((key for key in ("fileData", "file_data") if key in part), None)
    if key is None or len(part) > 1:
        raise RowError(f"{pointer} is neither a text nor a fileData part: {', '.join(part)}", pointer, BAD_PART)
    file = as_object(part[key], f"{pointer}/{key}")
    url = as_text(file.get("fileUri", file.get("file_uri")), f"{pointer}/{key}/fileUri")
    mime = as_text(file.get("mimeType", file.get("mime_type")), f"{pointer}/{key}/mimeType")
    kind = mime.partition("/")[0]
    if kind not in ("image", "audio", "video"):
        raise RowError(f"{pointer}/{key} is of type {mime!r}; image, audio or video is expected", pointer, BAD_PART)
    options: dict[str, JSON] = {} if _told_by_name(url) == mime else {"mimeType": mime}
    return Media(cast('Literal["image", "audio", "video"]', kind), url, options)


def _told_by_name(url: str) -> str | None:
    return _SUFFIXES.get(url.rpartition(".")[2].lower())


def _decode_parts(value: JSON, pointer: str) -> Content:
    parts = [_decode_part(part, f"{pointer}/{index}") for index, part in enumerate(as_list(value, pointer))]
    return parts[0].text if len(parts) == 1 and isinstance(parts[0], Text) else parts


def _decode_turn(value: JSON, pointer: str) -> Message:
    turn = as_object(value, pointer)
    name = as_text(need(turn, "role", pointer), f"{pointer}/role")
    if name not in _ROLES:
        reason = f"{pointer}/role is {name!r}, which is no role here{did_you_mean(name, _ROLES)}"
        raise RowError(reason, f"{pointer}/role", UNKNOWN_ROLE)
    message = Message(_ROLES[name], _decode_parts(need(turn, "parts", pointer), f"{pointer}/parts"))
    message.extra = {key: field for key, field in turn.items() if key not in _TURN_KEYS}
    return message


def _decode_pair(value: JSON) -> tuple[Message, Message]:
    """The completions with score 1 and 0."""
    scored: dict[JSON, Message] = {}
    for index, item in enumerate(as_list(value, "/completions")):
        at = f"/completions/{index}"
        completion = as_object(item, at)
        score = need(completion, "score", at)
        if score not in (0, 1) or score in scored or len(completion) > 2:
            raise RowError(f"{at} should be a completion with score 1 (the better) or 0", at, WRONG_TYPE)
        scored[int(score)] = _decode_turn(need(completion, "completion", at), f"{at}/completion")
    if len(scored) != 2:
        raise RowError("/completions should hold one with score 1 and one with score 0", "/completions", WRONG_TYPE)
    return scored[1], scored[0]


def _decode(row: RowValue) -> Example:
    turns = as_list(need(row, "contents"), "/contents")
    messages = [_decode_turn(turn, f"/contents/{index}") for index, turn in enumerate(turns)]
    key = next((key for key in _SYSTEM if row.get(key) is not None), None)
    if key is not None:
        system = as_object(row[key], f"/{key}")
        messages.insert(0, Message("system", _decode_parts(need(system, "parts", f"/{key}"), f"/{key}/parts")))
    unread = [name for name in _SYSTEM if name != key]
    meta, extra = split_known(row, _KEYS, unread)
    if "completions" not in row:
        return Example(messages, meta=meta, extra=extra)
    chosen, rejected = _decode_pair(row["completions"])
    return Example(messages, chosen=[chosen], rejected=[rejected], meta=meta, extra=extra)


def _mime(media: Media) -> str:
    given = media.options.get("mimeType")
    guess = _told_by_name(media.url)
    if isinstance(given, str):
        return given
    if guess is None or not guess.startswith(media.kind):
        raise RowError(f"gemini needs the type of {media.url[:60]}, which its name does not tell", code="S902")
    return guess


def _encode_turn(message: Message) -> dict[str, JSON]:
    content = message.content
    parts: list[JSON] = [{"text": content or ""}] if content is None or isinstance(content, str) else []
    for part in [] if content is None or isinstance(content, str) else content:
        if isinstance(part, Text):
            parts.append({"text": part.text})
        else:
            parts.append({"fileData": {"mimeType": _mime(part), "fileUri": part.url}})
    rest = {key: field for key, field in message.extra.items() if key not in _TURN_KEYS}
    return {"role": _NAMES.get(message.role, "user"), "parts": parts, **rest}


def _encode(example: Example) -> RowValue:
    messages = example.messages
    row: RowValue = {}
    if messages and messages[0].role in ("system", "developer"):
        row["systemInstruction"] = {"parts": _encode_turn(messages[0])["parts"]}
        messages = messages[1:]
    row["contents"] = [_encode_turn(message) for message in messages]
    if example.chosen is not None and example.rejected is not None:
        row["completions"] = [
            {"completion": _encode_turn(answer[0]), "score": score}
            for answer, score in ((example.chosen, 1), (example.rejected, 0))
        ]
    return with_rest(row, example.meta, example.extra, _KEYS)


def _turn_places(turn: dict[str, JSON], pointer: str) -> str:
    return f"{pointer}/parts/0/text" if len(turn["parts"]) == 1 and "text" in turn["parts"][0] else f"{pointer}/parts"


def _places(row: RowValue, example: Example) -> list[str]:
    places = [f"/{key}/parts" for key in _SYSTEM if row.get(key) is not None][:1]
    places += [_turn_places(turn, f"/contents/{index}") for index, turn in enumerate(row["contents"])]
    if example.is_preference:
        pair = {int(item["score"]): (index, item) for index, item in enumerate(row["completions"])}
        for index, item in (pair[1], pair[0]):
            places.append(_turn_places(item["completion"], f"/completions/{index}/completion"))
    return places


_Uri: TypeAlias = Annotated[str, Meta(description="Where the file is.", examples=["gs://bucket/cat.png"])]
_MimeType: TypeAlias = Annotated[
    str, Meta(description="What the file is.", examples=["image/png"], pattern="^(image|audio|video)(/|$)")
]


class FileData(Struct, rename="camel"):
    """A file by URI and MIME type."""

    file_uri: _Uri
    mime_type: _MimeType


class FileDataInSnakeCase(Struct):
    """A file by URI and MIME type."""

    file_uri: _Uri
    mime_type: _MimeType


class TextPart(Struct, forbid_unknown_fields=True):
    """A stretch of text."""

    text: Annotated[str, Meta(description="What is said.")]


class FilePart(Struct, rename="camel", forbid_unknown_fields=True):
    """An image, video or sound."""

    file_data: FileData | FileDataInSnakeCase


class FilePartInSnakeCase(Struct, forbid_unknown_fields=True):
    """An image, video or sound."""

    file_data: FileData | FileDataInSnakeCase


_Parts: TypeAlias = list[TextPart | FilePart | FilePartInSnakeCase]


class Turn(Struct):
    """What one side says."""

    role: Annotated[Literal["user", "model"], Meta(description="Who speaks.")]
    parts: Annotated[_Parts, Meta(description="What is said: texts and files.")]


class SystemInstruction(Struct):
    """The system prompt."""

    parts: Annotated[_Parts, Meta(description="What is said: texts and files.")]


class Completion(Struct, forbid_unknown_fields=True):
    """One answer of a pair."""

    score: Annotated[Literal[0, 1] | bool, Meta(description="1 is the better answer, 0 the worse.")]
    completion: Turn


def _scored(score: int) -> JSON:
    return {"contains": {"properties": {"score": {"enum": [score, bool(score)]}}}}


class Contents(shapes.Metadata, kw_only=True):
    """A conversation, or a prompt with its two answers."""

    contents: Annotated[list[Turn], Meta(description="The conversation, or the prompt.")]
    systemInstruction: SystemInstruction | None = None
    system_instruction: SystemInstruction | None = None
    completions: Annotated[
        list[Completion],
        Meta(
            description="The two answers of a pair.",
            max_length=2,
            extra_json_schema={"allOf": [_scored(1), _scored(0)]},
        ),
    ] = field(default_factory=list)


FORMAT = Format(
    name="gemini",
    aliases=("vertex",),
    summary="contents of user and model (Gemini on Vertex AI)",
    example='{"contents": [{"role": "user", "parts": [{"text": "Hi"}]}, '
    '{"role": "model", "parts": [{"text": "Hello!"}]}]}',
    holds=frozenset(
        {
            Feature.SYSTEM,
            Feature.EMPTY_SYSTEM,
            Feature.MULTI_TURN,
            Feature.OPEN_END,
            Feature.IMAGES,
            Feature.AUDIO,
            Feature.VIDEO,
            Feature.THINK_MARKS,
            Feature.PREFERENCE,
            Feature.MESSAGE_EXTRA,
            Feature.METADATA,
            Feature.EXTRA,
        }
    ),
    keys=_KEYS,
    message_keys=_TURN_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    row=Contents,
)
