"""Which text of an example is compared with that of another.

Two examples are near-duplicates where their guards are equal and *each part* reaches the threshold.
The parts are kept apart because of what real instruction data looks like: "hi" and "hello" with one long
answer share 98% of their whole text and are still two rows worth having, as are a shared template with
two answers, or a paraphrased prompt with the answer it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
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


@lru_cache(maxsize=1024)
def _guard_key(guard: bytes) -> bytes:
    """The hexadecimal key of a guard; most rows of a dataset have the same."""
    return key_of(guard).hex().encode()


class _Said:
    """Normalised texts, a line break after each but the last, and their length in characters."""

    __slots__ = ("length", "texts")

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.length = -1

    def add(self, message: Message) -> None:
        content = message.content
        if type(content) is str and not message.reasoning and not message.tool_calls:
            said, length = normalised_bytes(content)
        else:
            stretches = [message.reasoning or "", message.text, *map(_call_text, message.tool_calls)]
            said, length = normalised_bytes("\n".join(filter(None, stretches)))
        self.texts.append(said)
        self.length += length + 1

    @property
    def joined(self) -> bytes:
        return b"\n".join(self.texts)


def keys(example: Example) -> tuple[bytes, bytes]:
    """`(key of what is asked under this system prompt, key)` of an example, as a conversation.

    What `compared` gives, in a third of the time, without keeping the texts.
    """
    system, prompt, completion, rejected = _Said(), _Said(), _Said(), _Said()
    is_pair = example.chosen is not None and example.rejected is not None
    media = b""
    for message in example.messages:
        role = message.role
        side = system if role in _CONTEXT else completion if role == "assistant" and not is_pair else prompt
        side.add(message)
    if is_pair:
        for message in example.chosen or ():
            completion.add(message)
        for message in example.rejected or ():
            rejected.add(message)
    if is_pair or any(type(message.content) is list for message in example.messages):
        media = _media(example.all_messages()).encode("utf-8", "surrogatepass")
    tools = dumps(example.tools) if example.tools else b""
    guard = _guard_key(b"\n".join((system.joined, tools, media, f"{example.label} {is_pair}".encode())))
    parts = [(side.joined, max(side.length, 0)) for side in (prompt, completion, rejected)]
    roles = " ".join([message.role for message in example.messages])
    shape = f"\n{roles}\n{' '.join([str(length) for _, length in parts])}\n".encode()
    whole = b"".join((guard, shape, b"\n".join([said for said, _ in parts])))
    return key_of(guard + b" " + parts[0][0]), key_of(whole)


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
