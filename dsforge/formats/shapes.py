"""The types that the rows of several formats are made of: messages, parts, calls, tools, answers and columns.

They say what decoders read; JSON Schemas are made of them, nothing is decoded by them. A field that may be left out has
a default; `None` where null counts as left out; UNSET where another type of the same row is the one that has it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from dsforge.example import JSON

JsonArray: TypeAlias = Annotated[str, Meta(description="An array as JSON text, as in a table.", pattern=r"^\s*\[")]


def exactly_one(*names: str) -> dict[str, JSON]:
    """The schema of an object that has one of these fields, where null counts as none."""
    return {"oneOf": [_given(name) for name in names]}


def at_least_one(*names: str) -> dict[str, JSON]:
    """The schema of an object that has some of these fields, where null counts as none."""
    return {"anyOf": [_given(name) for name in names]}


def _given(name: str) -> dict[str, JSON]:
    return {"properties": {name: {"not": {"type": "null"}}}, "required": [name]}


class Url(Struct):
    """A file by its URL, with what the reader should do with it."""

    url: Annotated[str, Meta(description="URL, data URL or path of the file.", examples=["cat.png"])]
    data: UnsetType = UNSET
    detail: Annotated[Any, Meta(description="How closely an image is looked at.", examples=["low", "high"])] = None


class Data(Struct):
    """A file by its bytes."""

    data: Annotated[str, Meta(description="The bytes of the file in Base64.")]
    format: Annotated[Any, Meta(description="What the bytes are.", examples=["wav", "mp3"])] = None


File: TypeAlias = Annotated[str, Meta(description="URL or path of a file.", examples=["cat.png"])] | Url | Data


class TextPart(Struct):
    """A stretch of text."""

    type: Literal["text"]
    text: Annotated[str, Meta(description="What is said.")]
    value: UnsetType = UNSET


class TextValuePart(Struct):
    """A stretch of text (LLaMA-Factory v1)."""

    type: Literal["text"]
    value: Annotated[str, Meta(description="What is said.")]


class ReasoningPart(Struct):
    """The reasoning before the answer (LLaMA-Factory v1)."""

    type: Literal["reasoning"]
    value: Annotated[str, Meta(description="What is thought.")]


class ToolCallPart(Struct):
    """A call of a tool (LLaMA-Factory v1)."""

    type: Literal["tool_call"]
    value: Annotated[
        str,
        Meta(description="The call as JSON text.", examples=['{"name": "weather", "arguments": {"city": "Ulm"}}']),
    ]


class ImageUrlPart(Struct):
    """An image (OpenAI)."""

    type: Literal["image_url"]
    image_url: File


class ImagePart(Struct):
    """An image."""

    type: Literal["image"]
    image: File


class VideoUrlPart(Struct):
    """A video."""

    type: Literal["video_url"]
    video_url: File


class VideoPart(Struct):
    """A video."""

    type: Literal["video"]
    video: File


class InputAudioPart(Struct):
    """A sound (OpenAI)."""

    type: Literal["input_audio"]
    input_audio: File


class AudioUrlPart(Struct):
    """A sound."""

    type: Literal["audio_url"]
    audio_url: File


class AudioPart(Struct):
    """A sound."""

    type: Literal["audio"]
    audio: File


MediaType: TypeAlias = Literal["image_url", "image", "video_url", "video", "input_audio", "audio_url", "audio"]


class FileValuePart(Struct):
    """An image, video or sound (LLaMA-Factory v1)."""

    type: MediaType
    value: File


class FileUrlPart(Struct):
    """An image, video or sound."""

    type: MediaType
    url: File


class BareText(Struct):
    """A stretch of text (Bailian)."""

    text: Annotated[str, Meta(description="What is said.")]
    type: None = None


class BareImage(Struct):
    """An image (Bailian)."""

    image: File
    type: None = None
    text: UnsetType = UNSET


class BareVideo(Struct):
    """A video (Bailian)."""

    video: File
    type: None = None
    text: UnsetType = UNSET
    image: UnsetType = UNSET


class BareAudio(Struct):
    """A sound (Bailian)."""

    audio: File
    type: None = None
    text: UnsetType = UNSET
    image: UnsetType = UNSET
    video: UnsetType = UNSET


MediaPart: TypeAlias = (
    ImageUrlPart | ImagePart | VideoUrlPart | VideoPart | InputAudioPart | AudioUrlPart | AudioPart
    | FileValuePart | FileUrlPart | BareImage | BareVideo | BareAudio
)  # fmt: skip
Part: TypeAlias = TextPart | TextValuePart | ReasoningPart | ToolCallPart | BareText | MediaPart
Content: TypeAlias = str | list[Part] | None
Arguments: TypeAlias = Annotated[
    Any,
    Meta(
        description="What the function is called with: JSON text, or an object (TRL, ms-swift).",
        examples=['{"city": "Ulm"}', {"city": "Ulm"}],
    ),
]


class CalledFunction(Struct):
    """The function that is called, and with what."""

    name: Annotated[str, Meta(description="The name of the function.", examples=["weather"])]
    arguments: Arguments = None


class FunctionCall(Struct):
    """A call of a function (OpenAI)."""

    function: CalledFunction
    id: Annotated[str | None, Meta(description="What the result refers to.", examples=["call_1"])] = None
    type: Annotated[Any, Meta(examples=["function"])] = None


class BareCall(CalledFunction):
    """A call of a function as name and arguments."""

    id: Annotated[str | None, Meta(description="What the result refers to.", examples=["call_1"])] = None
    function: UnsetType = UNSET


Call: TypeAlias = FunctionCall | BareCall


class Tool(Struct):
    """A tool that the model may call: `{type, function}` (OpenAI), or its function alone."""

    type: Annotated[Any, Meta(examples=["function"])] = None
    function: Annotated[
        Any,
        Meta(
            description="Name, description and parameters (a JSON Schema).",
            examples=[{"name": "weather", "parameters": {"type": "object"}}],
        ),
    ] = None


Tools: TypeAlias = Annotated[
    list[Tool] | Annotated[str, Meta(pattern=r"^\s*(\[|$)")] | None,
    Meta(description="The tools that the model may call, as an array or as JSON text."),
]
Flag: TypeAlias = Annotated[bool | None, Meta(description="Whether the message is trained.")]
Weight: TypeAlias = Annotated[float | None, Meta(description="How far the message is trained: 0 is not, 1 is.")]
Reasoning: TypeAlias = Annotated[str | None, Meta(description="What the assistant thinks before it answers.")]


class MessageFields(Struct, kw_only=True):
    """What stands beside the role and the content of a message."""

    reasoning_content: Reasoning = None
    reasoning: Reasoning = None
    thinking: Reasoning = None
    tool_calls: Annotated[list[Call] | None, Meta(description="The calls that the assistant makes.")] = None
    function_call: Annotated[Call | None, Meta(description="One call (OpenAI in 2023).")] = None
    tool_call_id: Annotated[str | None, Meta(description="The id of the call that this is the result of.")] = None
    name: Annotated[str | None, Meta(description="Who speaks, or whose result this is.")] = None
    weight: Weight = None
    loss_weight: Weight = None
    loss_scale: Weight = None
    loss: Flag = None
    training: Flag = None
    train: Flag = None


Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool", "function"]


class Message(MessageFields, kw_only=True):
    """A message of a conversation."""

    role: Annotated[Role, Meta(description="Who speaks; `function` is OpenAI's `tool` of 2023.")]
    content: Annotated[Content, Meta(description="What is said: text, or parts of text and files.")] = None


Messages: TypeAlias = list[Message]
WholeConversation: TypeAlias = Annotated[list[Message], Meta(min_length=2)]
Answer: TypeAlias = str | Message | Annotated[list[Message], Meta(min_length=1)]
Chosen: TypeAlias = Annotated[Answer, Meta(description="The better answer: text, a message or messages.")]
Rejected: TypeAlias = Annotated[Answer, Meta(description="The worse answer: text, a message or messages.")]
System: TypeAlias = Annotated[str | None, Meta(description="The system prompt.", examples=["Be kind."])]
Label: TypeAlias = Annotated[bool | None, Meta(description="Whether the answer is good (KTO).")]
ChosenText: TypeAlias = Annotated[str, Meta(description="The better answer.")]
RejectedText: TypeAlias = Annotated[str, Meta(description="The worse answer.")]


class Metadata(Struct, kw_only=True):
    """What rows may say about themselves, in any format that keeps unknown fields."""

    id: Annotated[Any, Meta(description="What the row is called.")] = None
    category: Annotated[Any, Meta(description="What kind of row it is.", examples=["greeting"])] = None
    source: Annotated[Any, Meta(description="Where the row is from.")] = None


Files: TypeAlias = list[str] | None


class MediaColumns(Metadata, kw_only=True):
    """The files of the marks `<image>`, `<audio>` and `<video>` in the text."""

    images: Annotated[Files, Meta(description="The files of the <image> marks, in order.")] = None
    audios: Annotated[Files, Meta(description="The files of the <audio> marks, in order.")] = None
    videos: Annotated[Files, Meta(description="The files of the <video> marks, in order.")] = None


Exchange: TypeAlias = Annotated[list[str], Meta(min_length=2, max_length=2)]
History: TypeAlias = Annotated[
    list[Exchange] | JsonArray | None,
    Meta(description="Earlier turns, each a question and its answer.", examples=[[["Hi", "Hello!"]]]),
]
