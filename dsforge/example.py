"""The one record that every format decodes to and encodes from.

An `Example` is SFT unless it carries `chosen` and `rejected` (a preference pair) or a `label` (KTO).
All parts are plain msgspec structs: cheap to make, compared by value, and written by no one but the
decoder that makes them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

JSON: TypeAlias = Any
"""A parsed JSON value: None, bool, int, float, str, list or dict with text keys."""

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = ("system", "developer", "user", "assistant", "tool")


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A stretch of text among other parts; `extra` keeps fields beside it."""

    text: str
    extra: dict[str, JSON] = {}


class Media(msgspec.Struct, frozen=True, tag="media"):
    """An image, audio or video by reference: a URL, a data URL, a path, or a name inside a zip.

    `options` holds what stands beside the reference (OpenAI's `detail`, for example).
    """

    kind: Literal["image", "audio", "video"]
    url: str
    options: dict[str, JSON] = {}


Part: TypeAlias = "Text | Media"
Content: TypeAlias = "str | list[Part] | None"


class ToolCall(msgspec.Struct):
    """A call of a tool by the assistant.

    `written` is the text of the arguments exactly as it stood in the row (None where the row held an
    object), `arguments` what it parses to (None where it does not parse). `extra` keeps unknown fields, those
    beside the name within `function` under that key.
    """

    name: str
    arguments: JSON = None
    written: str | None = None
    id: str | None = None
    extra: dict[str, JSON] = {}

    @property
    def text(self) -> str:
        """The call for people and prompts: `name(arguments)`, these as they were written, else as JSON."""
        written = self.written if self.written is not None else json.dumps(self.arguments, ensure_ascii=False)
        return f"{self.name}({written})"


class Message(msgspec.Struct):
    """One message. `content` is None where the row had none (usual beside tool calls).

    `weight` says whether the message is trained (1), not trained (0) or in between; None is unsaid.
    `input_at` is where the `input` of an Alpaca row begins in the content (after the line break that
    joins it to the instruction). `extra` keeps fields the format does not know.
    """

    role: Role
    content: Content = None
    reasoning: str | None = None
    tool_calls: list[ToolCall] = []
    tool_call_id: str | None = None
    name: str | None = None
    weight: float | None = None
    input_at: int | None = None
    extra: dict[str, JSON] = {}

    @property
    def text(self) -> str:
        """The text of the content; parts that are not text count as nothing."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or () if isinstance(part, Text))

    @property
    def media(self) -> list[Media]:
        """The images, audio and video of the content, in order."""
        if self.content is None or isinstance(self.content, str):
            return []
        return [part for part in self.content if isinstance(part, Media)]


class Example(msgspec.Struct):
    """A training row once decoded.

    `messages` is the whole conversation (SFT, KTO) or the shared prompt (preference). `between` are the answers
    of a ranking that stand between chosen and rejected, the best first. `meta` holds category, id and source;
    `extra` fields of the row that its format does not know.
    """

    messages: list[Message]
    tools: list[dict[str, JSON]] = []
    chosen: list[Message] | None = None
    rejected: list[Message] | None = None
    label: bool | None = None
    meta: dict[str, JSON] = {}
    extra: dict[str, JSON] = {}
    between: list[list[Message]] = []

    @property
    def is_preference(self) -> bool:
        """Whether the row is a preference pair."""
        return self.chosen is not None and self.rejected is not None

    def all_messages(self) -> list[Message]:
        """Every message once: the conversation or prompt, then chosen, then rejected, then those between."""
        if self.chosen is None or self.rejected is None:
            return self.messages
        return self.messages + self.chosen + self.rejected + [one for answer in self.between for one in answer]

    def conversations(self) -> list[list[Message]]:
        """The conversations a trainer sees: one for SFT and KTO, chosen and rejected for a pair."""
        if self.chosen is None or self.rejected is None:
            return [self.messages]
        return [self.messages + self.chosen, self.messages + self.rejected]


def at_path(value: JSON, names: Sequence[str]) -> JSON:
    """What lies in `value` under these names, one within another; None where there is nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
