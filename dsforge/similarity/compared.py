"""Which text of an example is compared with that of another.

Two examples are near-duplicates where their guards are equal and *each part* reaches the threshold.
The parts are kept apart because of what real instruction data looks like: "hi" and "hello" with one long
answer share 98% of their whole text and are still two rows worth having, as are a shared template with
two answers, or a paraphrased prompt with the answer it had.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import orjson

from dsforge.errors import UsageError, did_you_mean
from dsforge.example import Example, Message, ToolCall
from dsforge.io.jsonl import dumps
from dsforge.similarity.key import Clean, exact_key, key_of, normalise, normalised_bytes

On: TypeAlias = str
"""What is compared: "conversation", "pair", or names of parts with commas between them."""
ALIKE = ("prompt", "completion", "chosen", "rejected")
"""Parts that have to be alike."""
EQUAL = ("system", "tools")
"""Parts that have to be equal."""
ON: tuple[On, ...] = ("conversation", "pair", *ALIKE, *EQUAL)
_PAIR = frozenset({"prompt", "chosen", "rejected"})

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


def message_text(message: Message) -> str:
    """All that a message says: reasoning, text, calls of tools."""
    stretches = [message.reasoning or "", message.text, *map(_call_text, message.tool_calls)]
    return "\n".join(filter(None, stretches))


def _text(messages: list[Message], clean: Clean = normalise) -> str:
    """The messages' clean texts with a line break after each, so that turns do not run together."""
    return "\n".join([clean(message_text(message)) for message in messages])


def _sides(example: Example) -> tuple[list[Message], list[Message], list[Message]]:
    """`(prompt, completion, rejected)` without system messages; of a pair, all shared turns are prompt."""
    asked = [message for message in example.messages if message.role not in _CONTEXT]
    if example.chosen is not None and example.rejected is not None:
        return asked, example.chosen, example.rejected
    prompt = [message for message in asked if message.role != "assistant"]
    return prompt, [message for message in asked if message.role == "assistant"], []


def _media(messages: list[Message]) -> str:
    return "\n".join(f"{media.kind} {media.url}" for message in messages for media in message.media)


def _system(example: Example, clean: Clean) -> str:
    return _text([message for message in example.messages if message.role in _CONTEXT], clean)


def _tools(example: Example) -> str:
    return dumps(example.tools).decode() if example.tools else ""


def _context(example: Example, clean: Clean) -> str:
    return f"{_system(example, clean)}\n{_tools(example)}"


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
    return normalised_bytes(message_text(message))


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


def compared(example: Example, on: On = "conversation", clean: Clean = normalise) -> Compared:
    """What is compared of `example`, its texts made `clean`.

    - conversation: the prompt, the completion and, for a preference pair, the rejected answer as three
      parts. System prompt, tools, media and the KTO label have to be equal. Exact copies also have the
      same order of turns.
    - pair: the prompt and both answers of a preference pair, whatever the system prompt.
    - prompt, completion (of a pair both answers), chosen, rejected, or several of them with commas between: those
      alone, and their media; with system or tools among them, these have to be equal too.

    An example that lacks a part so named is compared as a conversation, or all such would be copies of one.
    """
    if on != "conversation" and (named := _named(example, parts_of(on), clean)):
        parts, guard, turns = *named, ""
    else:
        prompt, completion, rejected = _sides(example)
        parts = (_text(prompt, clean), _text(completion, clean), _text(rejected, clean))
        guard = f"{_context(example, clean)}\n{_media(example.all_messages())}\n{example.label} {example.is_preference}"
        turns = " ".join(message.role for message in example.messages)
    guard_key = exact_key(guard)
    lengths = " ".join(str(len(part)) for part in parts)  # so that no text can pass for two
    return Compared(parts, guard_key, exact_key("\n".join((guard_key.hex(), turns, lengths, *parts))))


@lru_cache(maxsize=16)
def parts_of(on: On) -> frozenset[str]:
    """The parts that `on` names, none for the whole conversation.

    Raises:
        UsageError: there is no such part, or none that could be alike.
    """
    if on in ("conversation", "pair"):
        return _PAIR if on == "pair" else frozenset()
    names = frozenset(name.strip() for name in on.split(","))
    for name in sorted(names):
        if name in ("conversation", "pair"):
            raise UsageError(f"--on {on}: {name} stands alone; of parts, name {', '.join((*ALIKE, *EQUAL))}")
        if name not in ON:
            raise UsageError(f"--on {name!r} is not something to compare{did_you_mean(name, ON)}")
    if names.isdisjoint(ALIKE):
        raise UsageError(f"--on {on} names nothing that can be alike: add one of {', '.join(ALIKE)}")
    return names


def _named(example: Example, names: Collection[str], clean: Clean) -> tuple[tuple[str, str, str], str] | None:
    """`(parts, guard)` of the parts named; None where the example lacks one of them."""
    prompt, completion, rejected = _sides(example)
    if not example.is_preference and ("chosen" in names or "rejected" in names):
        return None
    asked = prompt if "prompt" in names else []
    answered = completion if "completion" in names or "chosen" in names else []
    refused = rejected if "completion" in names or "rejected" in names else []
    parts = (_text(asked, clean), _text(answered, clean), _text(refused, clean))
    if ("prompt" in names and not (parts[0] or _media(asked))) or (
        "completion" in names and not (parts[1] or parts[2] or _media(answered + refused))
    ):
        return None
    system = _system(example, clean) if "system" in names else ""
    tools = _tools(example) if "tools" in names else ""
    return parts, "\n".join((_media(asked + answered + refused), system, tools, ",".join(sorted(names))))


class Said(NamedTuple):
    """Keys of what is asked (under which system prompt, with which tools and media) and of what is answered."""

    asked: bytes
    answered: bytes
    rejected: bytes


def said(example: Example, clean: Clean = normalise) -> Said:
    """What an example says, whatever its label; of a pair, `answered` is the chosen answer."""
    prompt, completion, rejected = _sides(example)
    asked = "\n".join((_context(example, clean), _media(prompt), _text(prompt, clean)))
    answers = [f"{_media(side)}\n{_text(side, clean)}" for side in (completion, rejected)]
    return Said(exact_key(asked), exact_key(answers[0]), exact_key(answers[1]))


def asked_text(example: Example, clean: Clean = normalise) -> str:
    """The text of what is asked, as in the parts of `compared`."""
    return _text(_sides(example)[0], clean)
