"""Which text of an example is compared with that of another.

Two examples are near-duplicates where their guards are equal and *each part* reaches the threshold.
The parts are kept apart because of what real instruction data looks like: "hi" and "hello" with one long
answer share 98% of their whole text and are still two rows worth having, as are a shared template with
two answers, or a paraphrased prompt with the answer it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, TypeAlias

import orjson

from dsforge.example import Example, Message, ToolCall
from dsforge.io.jsonl import dumps
from dsforge.similarity.key import exact_key, key_of, normalise, normalised_bytes

On: TypeAlias = Literal["conversation", "prompt", "completion"]
ON: tuple[On, ...] = ("conversation", "prompt", "completion")

PARTS = 3
"""Prompt, completion (or chosen), rejected; a part that is not compared is empty text."""

_CONTEXT = ("system", "developer")


@dataclass(frozen=True)
class Compared:
    """What is compared of one example: normalised parts, and `guard`, what has to be equal besides."""

    parts: tuple[str, str, str]
    guard: bytes
    key: bytes


def _call_text(call: ToolCall) -> str:
    if call.arguments is None:
        return f"{call.name} {call.written or ''}"
    try:
        arguments = orjson.dumps(call.arguments, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # an integer beyond 64 bits
        arguments = dumps(call.arguments).decode()
    return f"{call.name} {arguments}"


def _message_text(message: Message) -> str:
    stretches = [message.reasoning or "", message.text, *map(_call_text, message.tool_calls)]
    return normalise("\n".join(filter(None, stretches)))


def _text(messages: list[Message]) -> str:
    """The messages' normalised texts with a line break after each, so that turns do not run together."""
    return "\n".join(map(_message_text, messages))


def _sides(example: Example) -> tuple[list[Message], list[Message], list[Message]]:
    """`(prompt, completion, rejected)` without system messages; of a pair, all shared turns are prompt."""
    asked = [message for message in example.messages if message.role not in _CONTEXT]
    if example.chosen is not None and example.rejected is not None:
        return asked, example.chosen, example.rejected
    prompt = [message for message in asked if message.role != "assistant"]
    return prompt, [message for message in asked if message.role == "assistant"], []


def _media(messages: list[Message]) -> str:
    return "\n".join(f"{media.kind} {media.url}" for message in messages for media in message.media)


def _context(example: Example) -> str:
    system = _text([message for message in example.messages if message.role in _CONTEXT])
    tools = dumps(example.tools).decode() if example.tools else ""
    return f"{system}\n{tools}"


def keys(example: Example) -> tuple[int, int]:
    """`(key of what is asked under this system prompt, key)` of an example, as a conversation: 64 bits each.

    They are equal where those of `compared` are, which take three times as long.
    """
    is_pair = example.chosen is not None and example.rejected is not None
    context: list[bytes] = []
    prompt: list[bytes] = []
    completion: list[bytes] = []
    rejected: list[bytes] = []
    roles = ""
    for message in example.messages:
        role = message.role
        side = prompt if is_pair or role != "assistant" else completion
        (context if role in _CONTEXT else side).append(_said(message))
        roles += role[0]  # each role has a first letter of its own
    if is_pair:
        completion = [*map(_said, example.chosen or ())]
        rejected = [*map(_said, example.rejected or ())]
    system = b"\n".join(context)
    if system or is_pair or example.tools or example.label is not None or _has_parts(example.messages):
        guard = _guard(system, example)
    else:
        guard = _NO_GUARD
    asked, answered = b"\n".join(prompt), b"\n".join(completion)
    hasher = blake2b(b"%b%d\n%b" % (guard, len(asked), asked), digest_size=8)
    asked_under = hasher.digest()
    hasher.update(b"\n%b %d\n%b" % (roles.encode(), len(answered), answered))
    if is_pair:
        hasher.update(b"\n" + b"\n".join(rejected))
    return int.from_bytes(asked_under, "big"), int.from_bytes(hasher.digest(), "big")


def _said(message: Message) -> bytes:
    """The message's normalised text, in UTF-8."""
    content = message.content
    if content.__class__ is str and message.reasoning is None and not message.tool_calls:
        return normalised_bytes(content)
    stretches = [message.reasoning or "", message.text, *map(_call_text, message.tool_calls)]
    return normalised_bytes("\n".join(filter(None, stretches)))


def _has_parts(messages: list[Message]) -> bool:
    return any(message.content.__class__ is list for message in messages)


def _guard(system: bytes, example: Example) -> bytes:
    """What has to be equal besides the parts, as 16 bytes."""
    tools = dumps(example.tools) if example.tools else b""
    media = _media(example.all_messages()).encode("utf-8", "surrogatepass")
    return _guard_key(b"\n".join((system, tools, media, f"{example.label} {example.is_preference}".encode())))


@lru_cache(maxsize=1024)
def _guard_key(guard: bytes) -> bytes:
    """The key of a guard; most rows of a dataset have the same."""
    return key_of(guard)


_NO_GUARD = _guard_key(b"\n\n\nNone False")


def prompt_key(document: Compared) -> bytes:
    """The key of what is asked under equal guards."""
    return exact_key(f"{document.guard.hex()} {document.parts[0]}")


def compared(example: Example, on: On = "conversation") -> Compared:
    """What is compared of `example`.

    - conversation: the prompt, the completion and, for a preference pair, the rejected answer as three
      parts. System prompt, tools, media and the KTO label have to be equal. Exact copies also have the
      same order of turns.
    - prompt: what is asked, whatever the answer and the system prompt; media have to be equal. An example in
      which nothing is asked is compared as a conversation, or all such would be copies of one.
    - completion: what is answered, whatever the question (chosen and rejected as two parts).
    """
    prompt, completion, rejected = _sides(example)
    asked, media = _text(prompt), _media(prompt)
    if on == "prompt" and (asked or media):
        parts, guard, turns = (asked, "", ""), media, ""
    elif on == "completion":
        parts, guard, turns = ("", _text(completion), _text(rejected)), _media(completion + rejected), ""
    else:
        parts = (asked, _text(completion), _text(rejected))
        guard = f"{_context(example)}\n{_media(example.all_messages())}\n{example.label} {example.is_preference}"
        turns = " ".join(message.role for message in example.messages)
    guard_key = exact_key(guard)
    lengths = " ".join(str(len(part)) for part in parts)  # so that no text can pass for two
    return Compared(parts, guard_key, exact_key("\n".join((guard_key.hex(), turns, lengths, *parts))))
