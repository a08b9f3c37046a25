"""What is asked of a model and what it answers, and the key under which both meet in the journal."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import msgspec


class ChatMessage(msgspec.Struct, frozen=True):
    """One message of a request."""

    role: Literal["system", "user", "assistant"]
    content: str


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request.

    None leaves a parameter to the server. `draw` numbers requests that are otherwise alike but want an answer
    each; it is part of the key, and is not sent. `schema` is the JSON Schema that the server is to keep the answer to,
    as text, "" for none. A new field must have a default, so that the keys of journals that
    are already paid for stay the same.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    draw: int = 0
    temperature: float | None = None
    max_tokens: int | None = None
    schema: str = ""

    def key(self, server: str) -> bytes:
        """128 bits that only the same request to the same server has."""
        return blake2b(msgspec.json.encode((server, self)), digest_size=16).digest()


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came back. `finish` is the server's reason to end (stop, length, content_filter), "" where unsaid.

    Tokens are as the server counted them, 0 where it did not. `created` is in seconds since 1970.
    """

    text: str
    finish: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    id: str = ""
    created: float = 0.0

    @property
    def counted(self) -> bool:
        """Whether the server said how many tokens it took: no prompt has none."""
        return self.prompt_tokens > 0
