"""Which text of an example is compared with that of another.

Two examples are near-duplicates where their guards are equal and *each part* reaches the threshold.
The parts are kept apart because of what real instruction data looks like: "hi" and "hello" with one long
answer share 98% of their whole text and are still two rows worth having, as are a shared template with
two answers, or a paraphrased prompt with the answer it had.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import orjson

from dsforge.errors import UsageError, did_you_mean
from dsforge.example import Example, Message, ToolCall
from dsforge.formats.plain import Roles
from dsforge.io.jsonl import dumps
from dsforge.similarity.key import Clean, key_of, normalised_bytes

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
_USUAL: Roles = ("user", "assistant")


class Compared(NamedTuple):
    """What is compared of one example: its parts, cleaned and in UTF-8, and `guard`, what has to be equal besides.

    `key` is that of exact copies. `guard` and `key` have 16 bytes.
    """

    parts: tuple[bytes, bytes, bytes]
    guard: bytes
    key: bytes

    @property
    def text(self) -> str:
        """All parts as one text."""
        return b"\n".join(self.parts).decode("utf-8", "surrogatepass")


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


def _text(messages: Iterable[Message], clean: Clean = normalised_bytes) -> bytes:
    """The messages' clean texts with a line break after each, so that turns do not run together."""
    return b"\n".join([_said(message, clean) for message in messages])


def _said(message: Message, clean: Clean) -> bytes:
    """The message's clean text."""
    content = message.content
    if content.__class__ is str and message.reasoning is None and not message.tool_calls:
        return clean(content)
    return clean(message_text(message))


def _sides(example: Example) -> tuple[list[Message], list[Message], list[Message]]:
    """`(prompt, completion, rejected)` without system messages; of a pair, all shared turns are prompt."""
    asked = [message for message in example.messages if message.role not in _CONTEXT]
    if example.chosen is not None and example.rejected is not None:
        return asked, example.chosen, example.rejected
    prompt = [message for message in asked if message.role != "assistant"]
    return prompt, [message for message in asked if message.role == "assistant"], []


def _media(messages: list[Message]) -> str:
    return "\n".join(f"{media.kind} {media.url}" for message in messages for media in message.media)


def _encoded_media(messages: list[Message]) -> bytes:
    return _media(messages).encode("utf-8", "surrogatepass")


def _system(example: Example, clean: Clean) -> bytes:
    return _text([message for message in example.messages if message.role in _CONTEXT], clean)


def _tools(example: Example) -> bytes:
    return dumps(example.tools) if example.tools else b""


def _conversation(example: Example, clean: Clean) -> tuple[tuple[bytes, bytes, bytes], bytes, str]:
    """`(parts, guard, roles)` of the whole example; of each role the first letter."""
    is_pair = example.chosen is not None and example.rejected is not None
    context: list[bytes] = []
    prompt: list[bytes] = []
    completion: list[bytes] = []
    roles = ""
    in_parts = False
    for message in example.messages:
        role, content = message.role, message.content
        if content.__class__ is str and message.reasoning is None and not message.tool_calls:
            said = clean(content)
        else:
            said = clean(message_text(message))
            in_parts = in_parts or content.__class__ is list
        side = prompt if is_pair or role != "assistant" else completion
        (context if role in _CONTEXT else side).append(said)
        roles += role[0]
    if context or is_pair or example.tools or example.label is not None or in_parts:
        guard = _guard(b"\n".join(context), example)
    else:
        guard = NO_GUARD
    answered, rejected = b"\n".join(completion), b""
    if is_pair:
        answered, rejected = _text(example.chosen or (), clean), _text(example.rejected or (), clean)
    return (b"\n".join(prompt), answered, rejected), guard, roles


def compared_turns(roles: Roles, texts: Sequence[bytes]) -> Compared:
    """`compared` of a conversation of plain texts, which are clean."""
    if roles == _USUAL:
        asked, answered = texts
        letters, guard = "ua", NO_GUARD
    else:
        context, prompt, completion = _sides_of_turns(roles, texts)
        asked, answered = b"\n".join(prompt), b"\n".join(completion)
        letters = "".join([role[0] for role in roles])
        guard = context_guard(b"\n".join(context)) if context else NO_GUARD
    parts = (asked, answered, b"")
    return Compared(parts, guard, _copy_key(parts, guard, letters))


def keys(example: Example) -> tuple[int, int]:
    """`(key of what is asked under this system prompt, key)` of an example, as a conversation: 64 bits each.

    They are equal where those of `compared` are, which are longer.
    """
    (asked, answered, rejected), guard, roles = _conversation(example, normalised_bytes)
    hasher = blake2b(b"%b%d\n%b" % (guard, len(asked), asked), digest_size=8)
    asked_under = hasher.digest()
    hasher.update(b"\n%b %d\n%b\n%b" % (roles.encode(), len(answered), answered, rejected))
    return int.from_bytes(asked_under, "big"), int.from_bytes(hasher.digest(), "big")


def _guard(system: bytes, example: Example) -> bytes:
    """What has to be equal besides the parts, as 16 bytes."""
    media = _encoded_media(example.all_messages())
    label = f"{example.label} {example.is_preference}".encode()
    return _guard_key(b"\n".join((system, _tools(example), media, label)))


@lru_cache(maxsize=1024)
def _guard_key(guard: bytes) -> bytes:
    """The key of a guard; most rows of a dataset have the same."""
    return key_of(guard)


def context_guard(context: bytes) -> bytes:
    """The guard of a conversation of texts alone, by what its system messages say."""
    return _guard_key(b"%b\n\n\nNone False" % context)


NO_GUARD = context_guard(b"")


def prompt_key(document: Compared) -> bytes:
    """The key of what is asked under equal guards."""
    return key_of(document.guard + document.parts[0])


def compared(example: Example, on: On = "conversation", clean: Clean = normalised_bytes) -> Compared:
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
        parts, guard, roles = *named, ""
    else:
        parts, guard, roles = _conversation(example, clean)
    return Compared(parts, guard, _copy_key(parts, guard, roles))


def _copy_key(parts: tuple[bytes, bytes, bytes], guard: bytes, roles: str) -> bytes:
    """The key of exact copies; with the lengths, so that no text can pass for two."""
    asked, answered, rejected = parts
    return key_of(b"%b%b %d %d\n%b%b%b" % (guard, roles.encode(), len(asked), len(answered), asked, answered, rejected))


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


def _named(example: Example, names: Collection[str], clean: Clean) -> tuple[tuple[bytes, bytes, bytes], bytes] | None:
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
    system = _system(example, clean) if "system" in names else b""
    tools = _tools(example) if "tools" in names else b""
    media = _encoded_media(asked + answered + refused)
    return parts, _guard_key(b"\n".join((media, system, tools, ",".join(sorted(names)).encode())))


class Said(NamedTuple):
    """Keys of what is asked (under which system prompt, with which tools and media) and of what is answered."""

    asked: bytes
    answered: bytes
    rejected: bytes


def said(example: Example, clean: Clean = normalised_bytes) -> Said:
    """What an example says, whatever its label; of a pair, `answered` is the chosen answer."""
    prompt, completion, rejected = _sides(example)
    asked = [_system(example, clean), _tools(example), _encoded_media(prompt), _text(prompt, clean)]
    answers = [key_of(b"%b\n%b" % (_encoded_media(side), _text(side, clean))) for side in (completion, rejected)]
    return Said(key_of(b"\n".join(asked)), *answers)


def said_turns(roles: Roles, texts: Sequence[bytes]) -> Said:
    """`said` of a conversation of plain texts, which are clean."""
    sides = _sides_of_turns(roles, texts)
    system, prompt, completion = (b"\n".join(side) for side in sides)
    return Said(key_of(b"%b\n\n\n%b" % (system, prompt)), key_of(b"\n" + completion), _NO_ANSWER)


_NO_ANSWER = key_of(b"\n")


def _sides_of_turns(roles: Roles, texts: Sequence[bytes]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """`(context, prompt, completion)`."""
    sides: tuple[list[bytes], list[bytes], list[bytes]] = [], [], []
    for role, text in zip(roles, texts, strict=True):
        sides[0 if role in _CONTEXT else 2 if role == "assistant" else 1].append(text)
    return sides


def asked_text(example: Example, clean: Clean = normalised_bytes) -> bytes:
    """The text of what is asked, as in the parts of `compared`."""
    return _text(_sides(example)[0], clean)
